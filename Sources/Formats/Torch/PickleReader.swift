/// A restricted reader of Python pickles, protocols 2 to 5: numbers, text, tuples, lists,
/// dictionaries, and the names of ``TorchGlobal``. Whatever else a file holds beside its tensors, objects of any
/// class, sets, bytes, is passed over as ``Value/foreign(_:)``; nothing is imported, called or evaluated.
///
/// Containers live in one flat list and refer to each other by number, so a pickle that nests a million
/// tuples, or a list that holds itself, costs no recursion; ``maximumValues`` bounds the memory.
/// Source: CPython, `Lib/pickletools.py`; PyTorch, `torch/serialization.py`.
struct PickleReader {
  enum Value: Equatable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// A real number, or an integer beyond 64 bits: nothing in a tensor depends on its value.
    case number
    case text(String)
    /// Containers by their place in ``PickleReader/containers``.
    case tuple(Int)
    case list(Int)
    /// Keys and values in turn.
    case dictionary(Int)
    case global(TorchGlobal)
    case storage(Int)
    /// A place in ``PickleReader/tensors``.
    case tensor(Int)
    /// Anything that is not read, by the place of its name in ``PickleReader/foreignNames``.
    case foreign(Int)
  }

  /// Far above any state dict, about 25 values a tensor.
  static let maximumValues = 1 << 20

  let path: String
  private let bytes: [UInt8]
  private var position = 0

  var stack: [Value] = []
  /// Lengths of the stack at the open marks.
  private var marks: [Int] = []
  private var memo: [Int: Value] = [:]
  private var pushed = 0
  /// Element 0 is the empty tuple.
  var containers: [[Value]] = [[]]
  var storages: [TorchStorage] = []
  private(set) var tensors: [TorchTensor] = []
  /// The classes and functions that made foreign values, each once.
  private(set) var foreignNames: [String] = []
  private var foreignPlaces: [String: Int] = [:]

  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// The value of the pickle.
  mutating func read() throws(FormatError) -> Value {
    guard bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) else {
      throw FormatError(path: path, "data.pkl is no pickle of protocol 2 to 5")
    }
    position = 2
    while true {
      let start = position
      let code = try byte()
      if code == UInt8(ascii: ".") { return try pop() }
      try step(code, at: start)
    }
  }

  private mutating func step(_ code: UInt8, at start: Int) throws(FormatError) {
    switch code {
    case UInt8(ascii: "("): try mark()
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): try push(try top())
    case UInt8(ascii: "N"): try push(.none)
    case 0x88: try push(.boolean(true))
    case 0x89: try push(.boolean(false))
    case UInt8(ascii: "K"): try push(.integer(try natural(1)))
    case UInt8(ascii: "M"): try push(.integer(try natural(2)))
    case UInt8(ascii: "J"):
      try push(.integer(Int(Int32(truncatingIfNeeded: try natural(4)))))
    case 0x8A: try push(try long(try natural(1)))
    case 0x8B: try push(try long(try natural(4)))
    case UInt8(ascii: "G"):
      _ = try take(8)
      try push(.number)
    case 0x8C, UInt8(ascii: "U"): try push(.text(try text(try natural(1))))
    case UInt8(ascii: "X"), UInt8(ascii: "T"): try push(.text(try text(try natural(4))))
    case 0x8D: try push(.text(try text(try natural(8))))
    case UInt8(ascii: "C"): try pushBytes(try natural(1))
    case UInt8(ascii: "B"): try pushBytes(try natural(4))
    case 0x8E, 0x96: try pushBytes(try natural(8))
    case 0x98: try push(try pop())
    case 0x8F: try push(foreign("a set"))
    case 0x90:
      _ = try popToMark()
      guard case .foreign = try top() else { throw malformed("it adds to no set") }
    case 0x91:
      _ = try popToMark()
      try push(foreign("a set"))
    case 0x82, 0x83, 0x84:
      _ = try take([1, 2, 4][Int(code) - 0x82])
      try push(foreign("an extension"))
    case 0x81: try make(of: try pop(count: 2))
    case 0x92: try make(of: Array(try pop(count: 3).dropLast()))
    case UInt8(ascii: ")"): try push(.tuple(0))
    case 0x85, 0x86, 0x87: try push(.tuple(try store(try pop(count: Int(code) - 0x84))))
    case UInt8(ascii: "t"): try push(.tuple(try store(try popToMark())))
    case UInt8(ascii: "]"): try push(.list(try store([])))
    case UInt8(ascii: "}"): try push(.dictionary(try store([])))
    case UInt8(ascii: "a"): try append(try pop(count: 1))
    case UInt8(ascii: "e"): try append(try popToMark())
    case UInt8(ascii: "s"): try set(try pop(count: 2))
    case UInt8(ascii: "u"): try set(try popToMark())
    case UInt8(ascii: "q"): try remember(try natural(1))
    case UInt8(ascii: "r"): try remember(try natural(4))
    case 0x94: try remember(memo.count)
    case UInt8(ascii: "h"): try recall(try natural(1))
    case UInt8(ascii: "j"): try recall(try natural(4))
    case 0x95: _ = try natural(8)
    case UInt8(ascii: "c"): try push(global(try line(), try line()))
    case 0x93:
      let names = try pop(count: 2)
      guard case .text(let module) = names[0], case .text(let name) = names[1] else {
        throw malformed("a global without a name")
      }
      try push(global(module, name))
    case UInt8(ascii: "Q"): try openStorage()
    case UInt8(ascii: "R"): try call()
    case UInt8(ascii: "b"): try build()
    default:
      throw FormatError(
        path: path,
        "refuses pickle instruction 0x\(String(code, radix: 16)) at byte \(start) of data.pkl: "
          + "only tensors of plain numbers are read")
    }
  }

  private mutating func pushBytes(_ count: Int) throws(FormatError) {
    _ = try take(count)
    try push(foreign("bytes"))
  }

  /// A value that is not read, made by what is called `name`.
  mutating func foreign(_ name: String) -> Value {
    if let place = foreignPlaces[name] { return .foreign(place) }
    foreignPlaces[name] = foreignNames.count
    foreignNames.append(name)
    return .foreign(foreignNames.count - 1)
  }

  func malformed(_ what: String) -> FormatError {
    FormatError(path: path, "data.pkl is malformed at byte \(position): \(what)")
  }

  mutating func append(tensor: TorchTensor) -> Value {
    tensors.append(tensor)
    return .tensor(tensors.count - 1)
  }
}

// MARK: - Bytes

extension PickleReader {
  private mutating func byte() throws(FormatError) -> UInt8 {
    guard position < bytes.count else { throw malformed("it ends too early") }
    position += 1
    return bytes[position - 1]
  }

  private mutating func take(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw malformed("it ends too early") }
    position += count
    return bytes[position - count..<position]
  }

  /// A little-endian number of `width` bytes.
  private mutating func natural(_ width: Int) throws(FormatError) -> Int {
    let value = try take(width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let result = Int(exactly: value) else { throw malformed("a length beyond 64 bits") }
    return result
  }

  /// A little-endian number in two's complement.
  private mutating func long(_ width: Int) throws(FormatError) -> Value {
    let digits = try take(width)
    guard let last = digits.last else { return .integer(0) }
    if width > 8 { return .number }
    let start: Int64 = last & 0x80 == 0 ? 0 : -1
    return .integer(Int(digits.reversed().reduce(start) { $0 << 8 | Int64($1) }))
  }

  private mutating func text(_ count: Int) throws(FormatError) -> String {
    guard let result = String(validating: try take(count), as: UTF8.self) else {
      throw malformed("text that is not UTF-8")
    }
    return result
  }

  private mutating func line() throws(FormatError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else {
      throw malformed("it ends too early")
    }
    let result = try text(end - position)
    position += 1
    return result
  }
}

// MARK: - Stack and memo

extension PickleReader {
  mutating func push(_ value: Value) throws(FormatError) {
    pushed += 1
    guard pushed <= Self.maximumValues else {
      throw FormatError(
        path: path,
        "data.pkl makes more than \(Self.maximumValues) values; a state dict needs far fewer")
    }
    stack.append(value)
  }

  /// The number of values above the last open mark.
  private var available: Int { stack.count - (marks.last ?? 0) }

  private func top() throws(FormatError) -> Value {
    guard available > 0, let value = stack.last else { throw malformed("its stack is empty") }
    return value
  }

  mutating func pop() throws(FormatError) -> Value {
    let value = try top()
    stack.removeLast()
    return value
  }

  mutating func pop(count: Int) throws(FormatError) -> [Value] {
    guard available >= count else { throw malformed("its stack is empty") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func mark() throws(FormatError) {
    guard marks.count < Self.maximumValues else { throw malformed("too many open marks") }
    marks.append(stack.count)
  }

  private mutating func popToMark() throws(FormatError) -> [Value] {
    guard let mark = marks.popLast() else { throw malformed("a mark is missing") }
    let values = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return values
  }

  private mutating func store(_ values: [Value]) throws(FormatError) -> Int {
    containers.append(values)
    return containers.count - 1
  }

  private mutating func append(_ values: [Value]) throws(FormatError) {
    switch try top() {
    case .list(let list): containers[list] += values
    case .foreign: break
    default: throw malformed("it appends to no list")
    }
  }

  private mutating func set(_ pairs: [Value]) throws(FormatError) {
    guard pairs.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
    switch try top() {
    case .dictionary(let dictionary): containers[dictionary] += pairs
    case .foreign: break
    default: throw malformed("it sets items of no dictionary")
    }
  }

  private mutating func remember(_ index: Int) throws(FormatError) {
    // A dictionary, and a limit: the number 2^32 - 1 must not make a table of that size.
    guard index < Self.maximumValues else { throw malformed("memo number \(index) is too large") }
    memo[index] = try top()
  }

  private mutating func recall(_ index: Int) throws(FormatError) {
    guard let value = memo[index] else { throw malformed("memo \(index) was never set") }
    try push(value)
  }

  private mutating func global(_ module: String, _ name: String) -> Value {
    guard let global = TorchGlobal(module: module, name: name) else {
      return foreign("\(module.shortened).\(name.shortened)")
    }
    return .global(global)
  }
}
