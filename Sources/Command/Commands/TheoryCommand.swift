import ArgumentParser
import Experiments
import Figures
import Runs
import Studies
import Theory

struct TheoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "theory",
    abstract: "Print closed forms: the critical radii of ideal classifiers.",
    discussion: """
        polyrelu theory critical-radius --p 3 --opposite 4
        polyrelu theory critical-radius --subclasses 10 --positive 6
      """,
    subcommands: [CriticalRadiusCommand.self])
}

/// `polyrelu theory critical-radius`.
struct CriticalRadiusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "critical-radius",
    abstract: "The l2 radius at which an adversary fools an ideal classifier.",
    discussion: """
      The subclass centres mu_k are orthonormal, and there is no noise. With --p and --opposite: the \
      classifier F^(p)(x) = sum of y_k relu(<mu_k, x>)^p, attacked at a centre with so many subclasses in \
      the other class. With --subclasses and --positive: also F, what a plain ReLU network learns.

        polyrelu theory critical-radius --p 1.5 --opposite 4
        polyrelu theory critical-radius --subclasses 10 --positive 6 --p 1.5
      """)

  @Option(parsing: .unconditional, help: "The degree.", transform: ArgumentText.degree)
  var p: Double?

  @Option(
    parsing: .unconditional, help: "Subclasses of the other class.", transform: ArgumentText.count)
  var opposite: Int?

  @Option(
    parsing: .unconditional, help: "Subclasses of both classes, K.", transform: ArgumentText.count)
  var subclasses: Int?

  @Option(
    parsing: .unconditional, help: "Subclasses of the positive class, K1.",
    transform: ArgumentText.count)
  var positive: Int?

  @OptionGroup var format: FormatOptions

  private struct Entry: Encodable {
    let classifier: String
    let p: Double
    let oppositeSubclasses: Int?
    let criticalRadius: Double
  }

  private struct Mixture: Encodable {
    let subclasses: Int
    let positive: Int
    let radii: [Entry]
    let optimal: Double
  }

  private struct Single: Encodable {
    let p: Double
    let oppositeSubclasses: Int
    let criticalRadius: Double
    let optimal: Double
  }

  func run() throws {
    switch (p, opposite, subclasses, positive) {
    case (let p?, let opposite?, nil, nil): try single(p, opposite)
    case (_, nil, let subclasses?, let positive?): try mixture(subclasses, positive)
    default:
      throw ExperimentError.usage(
        "the options do not make a question; expected --p with --opposite, or --subclasses with "
          + "--positive")
    }
  }

  private func single(_ p: Double, _ opposite: Int) throws {
    let radius = CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: opposite)
    if format.json {
      return try Output.write(
        json: Single(
          p: p, oppositeSubclasses: opposite, criticalRadius: radius,
          optimal: CriticalRadius.optimal))
    }
    try write([entry(p, opposite)])
  }

  private func mixture(_ subclasses: Int, _ positive: Int) throws {
    guard subclasses >= 2 else {
      throw CommandError.flag("subclasses", "\(subclasses)", expected: "at least 2")
    }
    guard positive < subclasses else {
      throw CommandError.flag(
        "positive", "\(positive)", expected: "less than the \(subclasses) subclasses")
    }
    var entries = [
      Entry(
        classifier: "F", p: 1, oppositeSubclasses: nil,
        criticalRadius: CriticalRadius.relu(subclasses: subclasses))
    ]
    for opposite in Set([subclasses - positive, positive]).sorted() {
      entries.append(entry(p ?? 3, opposite))
    }
    if format.json {
      return try Output.write(
        json: Mixture(
          subclasses: subclasses, positive: positive, radii: entries,
          optimal: CriticalRadius.optimal))
    }
    try write(entries)
  }

  private func entry(_ p: Double, _ opposite: Int) -> Entry {
    Entry(
      classifier: "F^(p)", p: p, oppositeSubclasses: opposite,
      criticalRadius: CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: opposite))
  }

  private func write(_ entries: [Entry]) throws {
    var table = TerminalTable(header: ["classifier", "p", "opposite subclasses", "critical radius"])
    for entry in entries {
      table.append([
        entry.classifier, Format.significant(entry.p),
        entry.oppositeSubclasses.map(String.init) ?? "any", digits(entry.criticalRadius),
      ])
    }
    try Output.write(
      table.text + "\nno classifier can be robust beyond \(digits(CriticalRadius.optimal))\n")
  }

  private func digits(_ radius: Double) -> String { Format.decimals(radius, 6) }
}
