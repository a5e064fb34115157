import Foundation

/// A table in a text file: a line of names, then a line of cells for each row (RFC 4180, with lines that end in
/// any of the three ways).
///
/// Cells are separated by commas, or, where the first line has none, by semicolons or tabs. Cells in double
/// quotes may hold separators, line ends and doubled quotes. Empty lines are left out, and blanks around cells.
package struct CSVFile {
  /// The most bytes that a file may have.
  static let maximumBytes = 4 << 30

  private let path: String
  private let bytes: [UInt8]
  private let separator: UInt8
  /// The cells of the first line.
  package let header: [String]

  /// A row of the table below the header.
  package struct Row {
    /// From 0.
    package let index: Int
    /// In the file, from 1.
    package let line: Int
    fileprivate let cells: [Range<Int>]

    /// Where the row stands, for an error.
    package var place: String { "line \(line)" }
  }

  /// Reads a file whose contents are text.
  package init(path: String) throws(FormatError) {
    var bytes = try FileSource.contents(of: path, maximumBytes: Self.maximumBytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    self.path = path
    let first = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    separator = [0x2C, 0x3B, 0x09].first { first.contains($0) } ?? 0x2C
    // strtod needs an end.
    bytes.append(0)
    self.bytes = bytes
    var scanner = CSVScanner(bytes: bytes, separator: separator)
    guard let start = try scanner.next(path) else {
      throw FormatError(path: path, "is empty; expected a line of column names")
    }
    header = start.cells.map { Self.text(bytes, $0) }
    rowsStart = (scanner.position, scanner.line)
  }

  private let rowsStart: (position: Int, line: Int)

  /// Whether a file looks like text: no control characters but blanks and line ends in its first bytes.
  static func isText(_ start: [UInt8]) -> Bool {
    !start.isEmpty && start.allSatisfy { $0 >= 0x20 && $0 != 0x7F || [9, 10, 13].contains($0) }
  }

  /// Whether every name of the header is a number, as where a file has no header.
  package var hasNumbersForNames: Bool { header.allSatisfy { Double($0) != nil } }

  /// Calls `body` for every row below the header.
  /// - Throws: `FormatError` at the first row of another length than the header, and what `body` throws.
  package func forEachRow(_ body: (Row) throws(FormatError) -> Void) throws(FormatError) {
    var scanner = CSVScanner(
      bytes: bytes, separator: separator, position: rowsStart.position, line: rowsStart.line)
    var index = 0
    while let (line, cells) = try scanner.next(path) {
      guard cells.count == header.count else {
        throw FormatError(
          path: path,
          "has \(cells.count) cells in line \(line); expected \(header.count), as many as the header"
        )
      }
      try body(Row(index: index, line: line, cells: cells))
      index += 1
    }
  }

  /// The text of a cell, without the quotes around it.
  package func text(_ row: Row, _ column: Int) -> String { Self.text(bytes, row.cells[column]) }

  /// The number in a cell; nil where it holds none, or NaN.
  package func number(_ row: Row, _ column: Int) -> Double? {
    var range = row.cells[column]
    if range.count >= 2, bytes[range.lowerBound] == 0x22, bytes[range.upperBound - 1] == 0x22 {
      range = CSVScanner.trimmed(bytes, range.lowerBound + 1..<range.upperBound - 1)
    }
    guard !range.isEmpty else { return nil }
    return bytes.withUnsafeBytes { raw in
      let start = raw.baseAddress!.assumingMemoryBound(to: CChar.self)
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(start + range.lowerBound, &end)
      guard let end, UnsafePointer(end) - start == range.upperBound, !value.isNaN else {
        return nil
      }
      return value
    }
  }

  private static func text(_ bytes: [UInt8], _ range: Range<Int>) -> String {
    var text = String(decoding: bytes[range], as: UTF8.self)
    if range.count >= 2, bytes[range.lowerBound] == 0x22, bytes[range.upperBound - 1] == 0x22 {
      text = String(text.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    }
    return text
  }
}

/// Cuts lines into cells.
private struct CSVScanner {
  let bytes: [UInt8]
  let separator: UInt8
  var position = 0
  var line = 1

  /// The next line that is not empty, with its number, cells with their quotes; nil at the end. The last byte is a
  /// terminator.
  mutating func next(_ path: String) throws(FormatError) -> (line: Int, cells: [Range<Int>])? {
    let end = bytes.count - 1
    while position < end {
      let number = line
      var cells: [Range<Int>] = []
      var start = position
      while true {
        let cell = try cell(from: start, end, path)
        cells.append(cell.range)
        if cell.next < end, bytes[cell.next] == separator {
          start = cell.next + 1
        } else {
          position = skipLineEnd(cell.next, end)
          break
        }
      }
      if cells.count > 1 || !cells[0].isEmpty { return (number, cells) }
    }
    return nil
  }

  /// The cell that begins at a byte, and the byte behind it.
  private mutating func cell(
    from start: Int, _ end: Int, _ path: String
  ) throws(FormatError) -> (range: Range<Int>, next: Int) {
    var i = start
    while i < end, bytes[i] == 0x20 || (bytes[i] == 9 && separator != 9) { i += 1 }
    guard i < end, bytes[i] == 0x22 else {
      while i < end, bytes[i] != separator, bytes[i] != 0x0A, bytes[i] != 0x0D { i += 1 }
      return (Self.trimmed(bytes, start..<i), i)
    }
    let (opening, openingLine) = (i, line)
    i += 1
    while i < end {
      if bytes[i] == 0x0A { line += 1 }
      if bytes[i] == 0x22 {
        guard i + 1 < end, bytes[i + 1] == 0x22 else { break }
        i += 1
      }
      i += 1
    }
    guard i < end else {
      throw FormatError(path: path, "opens a quote in line \(openingLine) that is never closed")
    }
    let closed = i + 1
    i = closed
    while i < end, bytes[i] == 0x20 || (bytes[i] == 9 && separator != 9) { i += 1 }
    guard i == end || bytes[i] == separator || bytes[i] == 0x0A || bytes[i] == 0x0D else {
      throw FormatError(
        path: path, "has text behind a closing quote in line \(line); expected a separator")
    }
    return (opening..<closed, i)
  }

  private mutating func skipLineEnd(_ position: Int, _ end: Int) -> Int {
    guard position < end else { return end }
    line += 1
    let isPair = bytes[position] == 0x0D && position + 1 < end && bytes[position + 1] == 0x0A
    return position + (isPair ? 2 : 1)
  }

  /// A range without blanks at its ends.
  static func trimmed(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high, bytes[low] == 0x20 || bytes[low] == 9 { low += 1 }
    while high > low, bytes[high - 1] == 0x20 || bytes[high - 1] == 9 { high -= 1 }
    return low..<high
  }
}
