/// A tar archive held in memory (POSIX ustar, and the older form without a magic number).
///
/// Regular files only: what else an archive may hold (folders, links, extended headers) is passed over.
/// Source: IEEE Std 1003.1, *pax*, "ustar Interchange Format".
package struct TarArchive: Sendable {
  private static let blockSize = 512

  private let bytes: [UInt8]
  private let members: [String: Range<Int>]

  /// The names of the files, in alphabetical order.
  package var names: [String] { members.keys.sorted() }

  /// Reads the contents of an archive; errors name `path`.
  package init(bytes: [UInt8], path: String) throws(FormatError) {
    var members: [String: Range<Int>] = [:]
    var position = 0
    while position + Self.blockSize <= bytes.count {
      let header = bytes[position..<position + Self.blockSize]
      // Two blocks of zeros end an archive; the first tells.
      if header.allSatisfy({ $0 == 0 }) { break }
      guard let sum = Self.octal(header.dropFirst(148).prefix(8)), sum == Self.sum(of: header),
        let size = Self.octal(header.dropFirst(124).prefix(12)), size >= 0
      else {
        throw FormatError(path: path, "is no tar archive, or is damaged at byte \(position)")
      }
      let start = position + Self.blockSize
      guard size <= bytes.count - start else {
        throw FormatError(
          path: path,
          "is truncated: a file of \(size) bytes starts at byte \(start) of \(bytes.count)")
      }
      let kind = header[position + 156]
      if kind == UInt8(ascii: "0") || kind == 0 {
        members[Self.name(in: header)] = start..<start + size
      }
      position = start + (size + Self.blockSize - 1) / Self.blockSize * Self.blockSize
    }
    self.bytes = bytes
    self.members = members
  }

  /// The contents of the file `name`, nil if there is none.
  package func contents(of name: String) -> [UInt8]? {
    members[name].map { Array(bytes[$0]) }
  }

  private static func name(in header: ArraySlice<UInt8>) -> String {
    let name = text(header.dropFirst(0).prefix(100))
    let isUstar = header.dropFirst(257).prefix(5).elementsEqual("ustar".utf8)
    let prefix = isUstar ? text(header.dropFirst(345).prefix(155)) : ""
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// A number in octal digits, ended by a blank or zero byte.
  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  /// The sum of a header's bytes, with blanks in the place of the sum itself.
  private static func sum(of header: ArraySlice<UInt8>) -> Int {
    header.enumerated().reduce(0) {
      $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
    }
  }
}
