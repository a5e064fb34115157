import LinearCore

/// A command line that cannot be understood.
struct UsageError: Error {
  let message: String
}

/// The options of a job: pairs `--name value`, taken one by one.
struct Options {
  private var values: [String: String] = [:]

  init(_ arguments: some Sequence<String>) throws(UsageError) {
    var name: String?
    for argument in arguments {
      if let pending = name {
        values[pending] = argument
        name = nil
      } else if argument.hasPrefix("--") {
        name = argument
      } else {
        throw UsageError(message: "\(argument): expected an option that starts with --")
      }
    }
    if let name { throw UsageError(message: "\(name): expected a value") }
  }

  /// The value of an option, or `fallback` where it is not given.
  mutating func take<Value: LosslessStringConvertible & Comparable>(
    _ name: String, default fallback: Value, atLeast smallest: Value
  ) throws(UsageError) -> Value {
    guard let text = values.removeValue(forKey: "--" + name) else { return fallback }
    guard let value = Value(text), value >= smallest else {
      throw UsageError(message: "--\(name) \(text): expected a number of at least \(smallest)")
    }
    return value
  }

  /// The text of an option, or nil where it is not given.
  mutating func take(_ name: String) -> String? { values.removeValue(forKey: "--" + name) }

  /// The norm of an attack, or `fallback` where it is not given.
  mutating func takeNorm(default fallback: Norm) throws(UsageError) -> Norm {
    guard let text = take("norm") else { return fallback }
    guard let norm = Norm(rawValue: text) else {
      throw UsageError(message: "--norm \(text): expected linf, l2 or l1")
    }
    return norm
  }

  /// - Throws: ``UsageError`` when an option was given that no one took.
  func finish() throws(UsageError) {
    if let name = values.keys.min() { throw UsageError(message: "\(name): no such option") }
  }
}
