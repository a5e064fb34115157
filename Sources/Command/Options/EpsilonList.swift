import ArgumentParser
import LinearCore
import Runs
import Studies

/// The radii of a robustness curve.
struct EpsilonList: Equatable, ExpressibleByArgument {
  /// The radii in the order given.
  var values: [Double]

  static let expected =
    "numbers of at least 0 as 0.1,0.2 or 8/255 or linspace(0,1.5,15) or 0:1.5:15"

  init(_ values: [Double]) { self.values = values }

  /// Reads `0.1,0.2`, `linspace(first,last,count)` or `first:last:count`; every number may be a fraction such
  /// as `8/255`.
  init?(argument: String) {
    let text = argument.filter { !$0.isWhitespace }
    if text.hasPrefix("linspace("), text.hasSuffix(")") {
      self.init(range: text.dropFirst(9).dropLast().split(separator: ","))
    } else if text.contains(":") {
      self.init(range: text.split(separator: ":", omittingEmptySubsequences: false))
    } else {
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      let values = parts.compactMap(Self.radius)
      guard values.count == parts.count else { return nil }
      self.init(values)
    }
  }

  private init?(range parts: [Substring]) {
    guard parts.count == 3, let first = Self.radius(parts[0]), let last = Self.radius(parts[1]),
      let count = Int(parts[2]), (1...10_000).contains(count)
    else { return nil }
    values = RobustnessStudy.evenlySpaced(first, last, count)
  }

  /// A number from 0 to 1e300, or a fraction of two of them.
  private static func radius(_ text: Substring) -> Double? {
    NumberText.value(text).flatMap { $0 >= 0 && $0 <= 1e300 ? $0 : nil }
  }

  /// Radii that show where networks on unit-size data give way.
  static func standard(for norm: Norm) -> EpsilonList {
    EpsilonList(RobustnessStudy.standardEpsilons(for: norm))
  }

  /// Reads an argument; the error says what was expected.
  static func parse(_ text: String) throws -> EpsilonList {
    guard let list = EpsilonList(argument: text) else {
      throw ArgumentText.Expected("expected \(expected)")
    }
    return list
  }
}

extension Norm: ExpressibleByArgument {}
