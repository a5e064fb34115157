/// What the header of a safetensors file says.
struct SafetensorsHeader: Equatable {
  struct Entry: Equatable {
    /// Nil where this version reads no such elements.
    var type: ScalarType?
    /// What the file calls the type.
    var code: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  var entries: [String: Entry] = [:]
  var metadata: [String: String] = [:]

  static let types: [String: ScalarType] = [
    "BOOL": .bool, "I8": .int8, "U8": .uint8, "I16": .int16, "U16": .uint16, "I32": .int32,
    "U32": .uint32, "I64": .int64, "U64": .uint64, "F16": .float16, "BF16": .bfloat16,
    "F32": .float32, "F64": .float64,
  ]
}

/// Scans the JSON of a safetensors header.
///
/// The header has a fixed form of depth three, so this needs no recursion; unlike Foundation's
/// decoder it notices keys that occur twice.
struct SafetensorsHeaderScanner {
  struct Failure: Error {
    let text: String
  }

  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func scan() throws(Failure) -> SafetensorsHeader {
    guard bytes.first == UInt8(ascii: "{") else { throw Failure(text: "it must start with '{'") }
    var header = SafetensorsHeader()
    var names: Set<String> = []
    try object { (scanner, name) throws(Failure) in
      guard names.insert(name).inserted else {
        throw Failure(text: "the key '\(name.shortened)' occurs twice")
      }
      if name == "__metadata__" {
        header.metadata = try scanner.metadata()
      } else {
        header.entries[name] = try scanner.entry(name)
      }
    }
    skipSpace()
    guard position == bytes.endIndex else { throw unexpected("the end") }
    return header
  }

  private mutating func metadata() throws(Failure) -> [String: String] {
    var result: [String: String] = [:]
    try object { (scanner, key) throws(Failure) in
      let value = try scanner.string()
      guard result.updateValue(value, forKey: key) == nil else {
        throw Failure(text: "the metadata key '\(key.shortened)' occurs twice")
      }
    }
    return result
  }

  private mutating func entry(_ name: String) throws(Failure) -> SafetensorsHeader.Entry {
    var code: String?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (scanner, key) throws(Failure) in
      switch key {
      case "dtype" where code == nil: code = try scanner.string()
      case "shape" where shape == nil: shape = try scanner.naturals()
      case "data_offsets" where offsets == nil: offsets = try scanner.naturals()
      default:
        throw Failure(
          text: "tensor '\(name.shortened)' has an unexpected or repeated key '\(key.shortened)'")
      }
    }
    guard let code, let shape, let offsets, offsets.count == 2 else {
      throw Failure(text: "tensor '\(name.shortened)' needs dtype, shape and two data_offsets")
    }
    return SafetensorsHeader.Entry(
      type: SafetensorsHeader.types[code], code: code, shape: shape, begin: offsets[0],
      end: offsets[1])
  }

  /// Scans `{"key": …, …}`; `member` scans the value of a key.
  private mutating func object(
    _ member: (inout SafetensorsHeaderScanner, String) throws(Failure) -> Void
  ) throws(Failure) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(&self, key)
    } while accept(",")
    try expect("}")
  }

  private mutating func naturals() throws(Failure) -> [Int] {
    try expect("[")
    var values: [Int] = []
    if accept("]") { return values }
    repeat { values.append(try natural()) } while accept(",")
    try expect("]")
    return values
  }

  private mutating func natural() throws(Failure) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(bytes[position] - 0x30))
      if overflow || carry { throw Failure(text: "a number exceeds 64 bits") }
      value = sum
      position += 1
    }
    guard position > start else { throw unexpected("a number >= 0") }
    return value
  }

  private mutating func string() throws(Failure) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw Failure(text: "a string is not valid UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw Failure(text: "a string holds a control character")
      default: text.append(byte)
      }
    }
    throw unexpected("the end of a string")
  }

  private mutating func escape(into text: inout [UInt8]) throws(Failure) {
    guard position < bytes.endIndex else { throw unexpected("an escape") }
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F,
      UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A,
      UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]
    let letter = bytes[position]
    position += 1
    if let byte = simple[letter] {
      text.append(byte)
      return
    }
    guard letter == UInt8(ascii: "u") else { throw Failure(text: "a string has a bad escape") }
    var code = try hexadecimal()
    if (0xD800...0xDBFF).contains(code) {
      try expectNow("\\")
      try expectNow("u")
      let low = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(low) else {
        throw Failure(text: "a string has half a surrogate pair")
      }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw Failure(text: "a string has half a surrogate pair")
    }
    text.append(contentsOf: Array(String(Character(scalar)).utf8))
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    guard bytes.endIndex - position >= 4 else { throw unexpected("four hexadecimal digits") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func skipSpace() {
    while position < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else {
      return false
    }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    guard accept(character) else { throw unexpected("'\(character)'") }
  }

  private mutating func expectNow(_ character: Unicode.Scalar) throws(Failure) {
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else {
      throw unexpected("'\(character)'")
    }
    position += 1
  }

  private func unexpected(_ expected: String) -> Failure {
    Failure(text: "expected \(expected) at byte \(position - bytes.startIndex)")
  }
}
