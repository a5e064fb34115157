import ArgumentParser

/// Texts of arguments as values; an error says what was expected.
enum ArgumentText {
  /// What was expected instead of a text.
  struct Expected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// A finite number.
  static func number(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite else { throw Expected("expected a number") }
    return value
  }

  /// A finite number of at least 0.
  static func amount(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite, value >= 0 else {
      throw Expected("expected a number of at least 0")
    }
    return value
  }

  /// A finite number above 0.
  static func duration(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite, value > 0 else {
      throw Expected("expected a number above 0")
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

  /// The degree of a network.
  static func degree(_ text: String) throws -> Double {
    guard let value = Double(text), value.isFinite, value >= 1 else {
      throw Expected("expected a number of at least 1")
    }
    return value
  }

  /// A whole number of at least 1.
  static func count(_ text: String) throws -> Int {
    guard let value = Int(text), value >= 1 else {
      throw Expected("expected a whole number of at least 1")
    }
    return value
  }

  /// A whole number of at least 0.
  static func index(_ text: String) throws -> Int {
    guard let value = Int(text), value >= 0 else {
      throw Expected("expected a whole number of at least 0")
    }
    return value
  }

  /// A seed.
  static func seed(_ text: String) throws -> UInt64 {
    guard let value = UInt64(text) else {
      throw Expected("expected a whole number from 0 to 2^64 - 1")
    }
    return value
  }
}
