/// How a category (a digit, an object class) becomes a label.
public enum LabelRule: Sendable, Equatable, CustomStringConvertible {
  /// Every category is a class.
  case category
  /// The category modulo `n`, so that several categories are subclasses of one class.
  case modulo(Int)

  /// The category modulo 2: odd is the positive class.
  public static let parity = LabelRule.modulo(2)

  /// The largest n: a network has an output for each of the n classes.
  public static let largestModulus = 10_000

  /// Reads `digit`, `category`, `parity` or `mod:N`.
  public init(parsing text: String) throws(DatasetError) {
    switch text {
    case "digit", "category": self = .category
    case "parity": self = .parity
    default:
      guard text.hasPrefix("mod:"), let n = Int(text.dropFirst(4)),
        (2...LabelRule.largestModulus).contains(n)
      else {
        throw .parameter(
          name: "labels", found: "'\(text)'",
          expected: "digit, category, parity or mod:N with N from 2 to \(LabelRule.largestModulus)")
      }
      self = .modulo(n)
    }
  }

  /// The text that ``init(parsing:)`` reads.
  public var description: String {
    switch self {
    case .category: "category"
    case .modulo(2): "parity"
    case .modulo(let n): "mod:\(n)"
    }
  }

  /// The label of a category; for a modulus, in 0..<n also for negative categories.
  public func label(_ category: Int) -> Int {
    switch self {
    case .category: return category
    case .modulo(let n):
      let remainder = category % n
      return remainder < 0 ? remainder + n : remainder
    }
  }

  /// The number of classes that `categoryCount` categories give.
  public func classCount(categoryCount: Int) -> Int {
    switch self {
    case .category: categoryCount
    case .modulo(let n): n
    }
  }
}

extension LabelRule: Codable {
  /// Reads the text of ``init(parsing:)``.
  public init(from decoder: any Decoder) throws {
    try self.init(parsing: decoder.singleValueContainer().decode(String.self))
  }

  /// Writes ``description``, which ``init(from:)`` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
