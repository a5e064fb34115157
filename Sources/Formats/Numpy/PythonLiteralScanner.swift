/// Scans the one dictionary literal that a `.npy` header may hold; anything else is refused.
struct PythonLiteralScanner {
  struct Dictionary: Equatable {
    var description: String
    var isFortranOrder: Bool
    var shape: [Int]
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The dictionary with exactly the keys `descr`, `fortran_order` and `shape`, or nil.
  mutating func headerDictionary() -> Dictionary? {
    var description: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    guard accept("{") else { return nil }
    while !accept("}") {
      guard let key = string(), accept(":") else { return nil }
      switch key {
      case "descr" where description == nil:
        // A structured type is a list here. It is reported under its first letter, `[`.
        description = peek() == UInt8(ascii: "[") ? "structured" : string()
        if description == "structured" {
          return Dictionary(description: "structured", isFortranOrder: false, shape: [])
        }
        if description == nil { return nil }
      case "fortran_order" where isFortranOrder == nil:
        guard let value = boolean() else { return nil }
        isFortranOrder = value
      case "shape" where shape == nil:
        guard let value = tuple() else { return nil }
        shape = value
      default: return nil
      }
      if !accept(",") {
        guard accept("}") else { return nil }
        break
      }
    }
    skipSpace()
    guard position == bytes.count, let description, let isFortranOrder, let shape else {
      return nil
    }
    return Dictionary(description: description, isFortranOrder: isFortranOrder, shape: shape)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func peek() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func string() -> String? {
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      return nil
    }
    position += 1
    let start = position
    while position < bytes.count, bytes[position] != quote {
      // The strings of a header need no escapes.
      if bytes[position] == UInt8(ascii: "\\") { return nil }
      position += 1
    }
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return String(validating: bytes[start..<position], as: UTF8.self)
  }

  private mutating func boolean() -> Bool? {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    return nil
  }

  private mutating func tuple() -> [Int]? {
    guard accept("(") else { return nil }
    var values: [Int] = []
    while !accept(")") {
      guard let value = natural() else { return nil }
      values.append(value)
      if !accept(",") {
        // Without a comma, (3) is a number and not a tuple.
        guard values.count > 1, accept(")") else { return nil }
        break
      }
    }
    return values
  }

  private mutating func natural() -> Int? {
    skipSpace()
    var value = 0
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(bytes[position] - 0x30))
      if overflow || carry { return nil }
      value = sum
      position += 1
    }
    guard position > start else { return nil }
    // Python 2 wrote long integers as 3L.
    if position < bytes.count, bytes[position] == UInt8(ascii: "L") { position += 1 }
    return value
  }
}
