/// The commands of a VNN-LIB file.
struct VNNLIBParser {
  private var scanner: VNNLIBScanner
  let path: String
  private(set) var declaredInputs = Set<Int>()
  private(set) var declaredOutputs = Set<Int>()
  /// All assertions.
  private(set) var assertions: [VNNLIBFormula] = []
  private var atoms = 0

  /// Parentheses inside each other.
  private static let deepest = 100
  private static let mostAtoms = 1 << 22
  private static let mostVariables = 1 << 24
  /// Commands that say nothing about the network.
  private static let ignored: Set = [
    "set-logic", "set-info", "set-option", "check-sat", "get-model", "exit",
  ]

  init(_ bytes: [UInt8], path: String) {
    scanner = VNNLIBScanner(bytes, path: path)
    self.path = path
  }

  mutating func parse() throws(FormatError) {
    while true {
      let token = try scanner.next()
      if token.kind == .end { break }
      guard token.kind == .open else { throw unexpected(token, "'(' before a command") }
      try command()
    }
    try check(declaredInputs, "X")
    try check(declaredOutputs, "Y")
  }

  private func check(_ declared: Set<Int>, _ letter: String) throws(FormatError) {
    guard let last = declared.max() else {
      throw FormatError(path: path, "declares no \(letter)_0; expected a VNN-LIB property")
    }
    if let missing = (0...last).first(where: { !declared.contains($0) }) {
      throw FormatError(path: path, "declares \(letter)_\(last), but no \(letter)_\(missing)")
    }
  }

  private func unexpected(_ token: VNNLIBScanner.Token, _ expected: String) -> FormatError {
    scanner.error("found \(token.text), expected \(expected)", line: token.line)
  }

  private mutating func word(_ expected: String) throws(FormatError) -> (text: String, line: Int) {
    let token = try scanner.next()
    guard case .word(let text) = token.kind else { throw unexpected(token, expected) }
    return (text, token.line)
  }

  private mutating func close(_ place: String) throws(FormatError) {
    let token = try scanner.next()
    guard token.kind == .close else { throw unexpected(token, "')' \(place)") }
  }

  private mutating func command() throws(FormatError) {
    let (name, line) = try word("a command")
    switch name {
    case "declare-const": try declare(hasArguments: false)
    case "declare-fun": try declare(hasArguments: true)
    case "assert":
      assertions.append(try formula(try scanner.next(), depth: 1))
      try close("after the assertion")
    case _ where Self.ignored.contains(name): try skip()
    default:
      throw scanner.error(
        "has the command '\(name.shortened)', expected declare-const or assert", line: line)
    }
  }

  /// The rest of a command that is ignored.
  private mutating func skip() throws(FormatError) {
    var depth = 1
    while depth > 0 {
      let token = try scanner.next()
      switch token.kind {
      case .open: depth += 1
      case .close: depth -= 1
      case .word: break
      case .end: throw unexpected(token, "')'")
      }
    }
  }

  private mutating func declare(hasArguments: Bool) throws(FormatError) {
    let (name, line) = try word("a name such as X_0")
    guard let (isInput, index) = Self.variable(name) else {
      throw scanner.error(
        "declares '\(name.shortened)', expected X_0, X_1, ... or Y_0, Y_1, ...", line: line)
    }
    if hasArguments {
      let token = try scanner.next()
      guard token.kind == .open else { throw unexpected(token, "()") }
      try close("as a function without arguments has")
    }
    let (type, _) = try word("Real")
    guard type == "Real" else {
      throw scanner.error("declares \(name) as '\(type.shortened)', expected Real", line: line)
    }
    try close("after the declaration")
    let isNew =
      isInput ? declaredInputs.insert(index).inserted : declaredOutputs.insert(index).inserted
    guard isNew else { throw scanner.error("declares \(name) a second time", line: line) }
  }

  /// What X_i or Y_i stands for.
  private static func variable(_ name: String) -> (isInput: Bool, index: Int)? {
    let digits = name.dropFirst(2)
    guard name.hasPrefix("X_") || name.hasPrefix("Y_"), !digits.isEmpty,
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.count == 1 || digits.first != "0", let index = Int(digits), index < mostVariables
    else { return nil }
    return (name.hasPrefix("X_"), index)
  }

  private func checkDepth(_ depth: Int, _ line: Int) throws(FormatError) {
    guard depth <= Self.deepest else {
      throw scanner.error("is nested more than \(Self.deepest) deep", line: line)
    }
  }

  private mutating func formula(_ first: VNNLIBScanner.Token, depth: Int) throws(FormatError)
    -> VNNLIBFormula
  {
    try checkDepth(depth, first.line)
    if first.kind == .word("true") || first.kind == .word("false") {
      return .atom(.truth(first.kind == .word("true")))
    }
    guard first.kind == .open else { throw unexpected(first, "an assertion in parentheses") }
    let (name, line) = try word("and, or, <=, >=, < or >")
    switch name {
    case "and", "or":
      var parts: [VNNLIBFormula] = []
      while true {
        let token = try scanner.next()
        if token.kind == .close { break }
        parts.append(try formula(token, depth: depth + 1))
      }
      guard !parts.isEmpty else { throw scanner.error("has an empty '\(name)'", line: line) }
      return name == "and" ? .all(parts) : .any(parts)
    case "<=", ">=", "<", ">":
      return try comparison(name, line, depth)
    default:
      throw scanner.error(
        "asserts '\(name.shortened)', expected and, or, <=, >=, < or >", line: line)
    }
  }

  /// Terms of which each is compared to the next.
  private mutating func comparison(_ name: String, _ line: Int, _ depth: Int) throws(FormatError)
    -> VNNLIBFormula
  {
    let terms = try arguments(depth)
    guard terms.count >= 2 else {
      throw scanner.error("compares \(terms.count) terms, expected two", line: line)
    }
    var parts: [VNNLIBFormula] = []
    for (left, right) in zip(terms, terms.dropFirst()) {
      atoms += 1
      guard atoms <= Self.mostAtoms else {
        throw scanner.error("has more than \(Self.mostAtoms) comparisons", line: line)
      }
      let isUpper = name.hasPrefix("<")
      var difference = isUpper ? left : right
      difference.add(isUpper ? right : left, times: -1)
      guard difference.isFinite else {
        throw scanner.error("has numbers that are too large", line: line)
      }
      guard let atom = difference.atom(isStrict: name.count == 1) else {
        throw scanner.error(
          difference.outputs.isEmpty
            ? "relates several inputs, expected bounds of single inputs"
            : "relates inputs to outputs, expected each in assertions of their own", line: line)
      }
      if case .bound(let bound) = atom, !bound.value.isFinite {
        throw scanner.error("bounds X_\(bound.input) by a number that is too large", line: line)
      }
      parts.append(.atom(atom))
    }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  /// Terms up to the parenthesis that closes.
  private mutating func arguments(_ depth: Int) throws(FormatError) -> [VNNLIBLinear] {
    var terms: [VNNLIBLinear] = []
    while true {
      let token = try scanner.next()
      if token.kind == .close { return terms }
      terms.append(try linear(token, depth: depth + 1))
    }
  }

  private mutating func linear(_ first: VNNLIBScanner.Token, depth: Int) throws(FormatError)
    -> VNNLIBLinear
  {
    try checkDepth(depth, first.line)
    switch first.kind {
    case .word(let text): return try leaf(text, first.line)
    case .open: break
    case .close, .end: throw unexpected(first, "a linear term")
    }
    let (name, line) = try word("+, - or *")
    guard ["+", "-", "*"].contains(name) else {
      throw scanner.error("has a term of '\(name.shortened)', expected +, - or *", line: line)
    }
    let terms = try arguments(depth)
    guard var result = terms.first else {
      throw scanner.error("has a '\(name)' of nothing", line: line)
    }
    if name == "-", terms.count == 1 { return result.times(-1) }
    for term in terms.dropFirst() {
      switch name {
      case "+": result.add(term, times: 1)
      case "-": result.add(term, times: -1)
      default:
        guard result.isConstant || term.isConstant else {
          throw scanner.error("multiplies two variables, expected linear terms", line: line)
        }
        result =
          term.isConstant ? result.times(term.constant) : term.times(result.constant)
      }
    }
    return result
  }

  /// A variable or a number.
  private func leaf(_ text: String, _ line: Int) throws(FormatError) -> VNNLIBLinear {
    if let (isInput, index) = Self.variable(text) {
      guard (isInput ? declaredInputs : declaredOutputs).contains(index) else {
        throw scanner.error("uses \(text), which no line before declares", line: line)
      }
      return isInput ? VNNLIBLinear(inputs: [index: 1]) : VNNLIBLinear(outputs: [index: 1])
    }
    guard text.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }), let value = Double(text)
    else {
      throw scanner.error(
        "has '\(text.shortened)', expected X_i, Y_i or a decimal number", line: line)
    }
    guard value.isFinite else {
      throw scanner.error("has the number \(text.shortened), which is too large", line: line)
    }
    return VNNLIBLinear(constant: value)
  }
}
