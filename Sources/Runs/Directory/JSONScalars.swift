import Foundation

/// Walks through JSON text without changing a digit of it.
enum JSONScalars {
  /// Calls `scalar` with the place of every string, number, true, false and null that is a value, in order, and
  /// with its JSON pointer.
  ///
  /// Text that is no JSON is walked through as far as it makes sense: whoever decodes it says so.
  ///
  /// - Parameter member: called with the name of every member of the outermost object, and where its value
  ///   starts.
  static func visit(
    _ bytes: [UInt8], member: (String, Int) -> Void = { _, _ in },
    scalar: (Range<Int>, () -> String) -> Void
  ) {
    var path: [Step] = []
    var position = 0
    var key: String?
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "{"):
        path.append(.member(""))
        key = nil
      case UInt8(ascii: "["): path.append(.element(0))
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if path.isEmpty { return }
        path.removeLast()
      case UInt8(ascii: ","):
        if case .element(let index) = path.last { path[path.count - 1] = .element(index + 1) }
        if case .member = path.last { key = nil }
      case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ":"): break
      default:
        let start = position
        let end =
          bytes[start] == UInt8(ascii: "\"") ? endOfString(bytes, start) : endOfWord(bytes, start)
        position = end - 1
        if case .member = path.last, key == nil, bytes[start] == UInt8(ascii: "\"") {
          let name = String(decoding: bytes[start + 1..<max(start + 1, end - 1)], as: UTF8.self)
          path[path.count - 1] = .member(name)
          key = name
          if path.count == 1 { member(name, valueStart(bytes, end)) }
        } else {
          scalar(start..<end) { path.map(\.text).joined() }
        }
      }
      position += 1
    }
  }

  private enum Step {
    case member(String)
    case element(Int)

    var text: String {
      switch self {
      case .element(let index): "/\(index)"
      case .member(let name):
        "/"
          + name.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
      }
    }
  }

  /// Behind the colon and the space that follow a name.
  private static func valueStart(_ bytes: [UInt8], _ start: Int) -> Int {
    var position = start
    while position < bytes.count,
      [0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ":")].contains(bytes[position])
    { position += 1 }
    return position
  }

  private static func endOfString(_ bytes: [UInt8], _ start: Int) -> Int {
    var position = start + 1
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(bytes.count, position + 1)
  }

  private static func endOfWord(_ bytes: [UInt8], _ start: Int) -> Int {
    let ends = Array(" \t\n\r,:]}[{\"".utf8)
    var position = start + 1
    while position < bytes.count, !ends.contains(bytes[position]) { position += 1 }
    return position
  }
}
