import ArgumentParser
import Experiments
import Networks
import Runs

/// Texts of arguments as values; an error says what was expected. Every number has a limit in both directions, see
/// ``NumberText``.
enum ArgumentText {
  /// What was expected instead of a text.
  struct Expected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  static func number(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite else { throw Expected("expected a number") }
    guard abs(value) <= NumberText.largestNumber else {
      throw Expected("expected a number up to 1e30")
    }
    return value
  }

  /// A finite number of at least 0.
  static func amount(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite, value >= 0 else {
      throw Expected("expected a number of at least 0")
    }
    guard value <= NumberText.largestNumber else {
      throw Expected("expected a number from 0 to 1e30")
    }
    return value
  }

  /// A finite number above 0.
  static func duration(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite, value > 0 else {
      throw Expected("expected a number above 0")
    }
    guard value <= NumberText.largestNumber else {
      throw Expected("expected a number above 0, up to 1e30")
    }
    return value
  }

  /// A number between 0 and 1, without these.
  static func share(_ text: String) throws -> Double {
    guard let value = Double(text), value > 0, value < 1 else {
      throw Expected("expected a number between 0 and 1")
    }
    return value
  }

  /// A probability that is not as good as certain or impossible: from 1e-9 to 1 - 1e-9.
  static func probability(_ text: String) throws -> Double {
    guard let value = Double(text), value >= 1e-9, value <= 1 - 1e-9 else {
      throw Expected("expected a number from 1e-9 to 1 - 1e-9")
    }
    return value
  }

  /// The degree of a network.
  static func degree(_ text: String) throws -> Double {
    guard let value = Double(text), Degree.allowed.contains(value) else {
      throw Expected("expected \(Degree.expectation)")
    }
    return value
  }

  /// A whole number of at least 1.
  static func count(_ text: String) throws -> Int {
    try whole(text, from: 1, to: NumberText.largestCount)
  }

  /// A whole number of at least 0.
  static func index(_ text: String) throws -> Int {
    try whole(text, from: 0, to: NumberText.largestCount)
  }

  /// A number of threads: more than a few a processor only take memory.
  static func threads(_ text: String) throws -> Int { try whole(text, from: 1, to: 1024) }

  /// A number of repeats, each of which is a run of its own.
  static func repeats(_ text: String) throws -> Int { try whole(text, from: 1, to: 10_000) }

  /// A whole number in a range.
  private static func whole(_ text: String, from first: Int, to last: Int) throws -> Int {
    guard let value = Int(text), (first...last).contains(value) else {
      throw Expected("expected a whole number from \(first) to \(last)")
    }
    return value
  }

  /// A change of a setting.
  static func change(_ text: String) throws -> SettingChange {
    guard let change = SettingChange(parsing: text) else { throw Expected("expected KEY=VALUE") }
    return change
  }

  static func seed(_ text: String) throws -> UInt64 {
    guard let value = UInt64(text) else {
      throw Expected("expected a whole number from 0 to 2^64 - 1")
    }
    return value
  }
}
