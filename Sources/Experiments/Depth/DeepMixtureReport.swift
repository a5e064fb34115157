import Figures
import Foundation
import LinearCore
import Runs
import Theory

/// Words and tables of the experiment on depth and the mixture; its figures are in an extension.
struct DeepMixtureReport {
  typealias Cell = DeepMixtureExperiment.Cell
  typealias Variant = DeepMixtureExperiment.Variant
  typealias Start = DeepMixtureExperiment.Start

  let experiment: DeepMixtureExperiment
  let results: DeepMixtureExperiment.Results
  let medianRadius = NetworkValues.medianRadius.of(\DepthValues.network)
  let sides: DeepTwoSidedReport<DeepMixtureExperiment>

  init(experiment: DeepMixtureExperiment, results: DeepMixtureExperiment.Results) {
    (self.experiment, self.results) = (experiment, results)
    sides = DeepTwoSidedReport(
      results: results, settings: experiment.settings.measurement.twoSided,
      sides: [.init(norm: .l2, radii: \.twoSided)])
  }

  var settings: DeepMixtureExperiment.Settings { experiment.settings }
  var deepest: Int { settings.depths.max() ?? 1 }
  var linearLaw: Double {
    CriticalRadius.relu(subclasses: settings.measurement.mixture.subclasses)
  }

  func number(_ value: Double) -> String { String(format: "%.3f", value) }
  func name(_ p: Double) -> String { "p = \(p.formatted())" }

  /// Whether most runs of a cell fitted their data.
  func fits(_ cell: Cell) -> Bool { 2 * results.failures(cell) < results.seeds.count }

  func radius(_ cell: Cell) -> Double? { fits(cell) ? results.mean(medianRadius, cell) : nil }

  /// The largest median radius of a degree, where most runs fitted, and its cell.
  func best(_ p: Double, depth isMeant: (Int) -> Bool) -> (radius: String, cell: Cell)? {
    results.cells.filter { $0.p == p && isMeant($0.depth) }
      .compactMap { cell in radius(cell).map { ($0, cell) } }
      .max { $0.0 < $1.0 }.map { (number($0.0), $0.1) }
  }

  static let depthGroups: [(words: String, isMeant: @Sendable (Int) -> Bool)] = [
    ("one layer", { $0 == 1 }), ("several layers", { $0 > 1 }),
  ]

  /// The largest proved median radius of a degree, where most runs fitted, beside what attacks found for the same samples.
  func bestProved(_ p: Double, depth isMeant: (Int) -> Bool) -> (proved: Double, attacked: Double)?
  {
    results.cells.filter { $0.p == p && isMeant($0.depth) && fits($0) }
      .compactMap { sides.medians($0, sides.sides[0]) }.max { $0.proved < $1.proved }
  }

  /// log10 of the output's size before training, over all runs.
  func signal(_ cell: Cell) -> Double? {
    MeanInterval(results.measurements(cell).map(\.values.signal)).mean
  }

  /// The first depths at which most runs do not fit.
  var stalls: [(p: Double, variant: Variant, start: Start, depth: Int)] {
    settings.starts.flatMap { start in
      settings.variants.flatMap { variant in
        settings.degrees.compactMap { p in
          settings.depths.sorted().first { !fits(Cell(p, $0, variant, start)) }
            .map { (p, variant, start, $0) }
        }
      }
    }
  }

  var findings: [String: Account.Finding] {
    let pairs = stalls.map { p, variant, start, depth in
      (
        "first depth without fit: \(variant.rawValue), \(start.rawValue), p = \(p)",
        Account.Finding.number(Double(depth))
      )
    }
    var findings = Dictionary(uniqueKeysWithValues: pairs)
    for p in settings.degrees {
      for (words, isMeant) in Self.depthGroups {
        findings["best proved median radius: \(words), \(name(p))"] =
          bestProved(p, depth: isMeant).map { .number($0.proved) }
      }
    }
    return findings
  }

  var answer: String {
    let stalls = stalls
    let radii = settings.degrees.map { p in
      let (one, more) = (best(p) { $0 == 1 }, best(p) { $0 > 1 })
      return "\(one?.radius ?? "none") and \(more?.radius ?? "none") at \(name(p))"
    }
    let plain = settings.degrees.compactMap { p in
      stalls.filter { $0.variant == .plain && $0.p == p }.map(\.depth).min()
        .map { "\($0) at \(name(p))" }
    }
    let safe = settings.variants.filter { variant in !stalls.contains { $0.variant == variant } }
    return
      "The best median radii with one layer and with more are \(radii.joined(separator: ", ")). "
      + (plain.isEmpty
        ? "" : "Plain networks stall from depth \(plain.joined(separator: ", ")); ")
      + "from every start train at every depth: "
      + (safe.isEmpty ? "none." : safe.map(\.rawValue).joined(separator: ", ") + ".")
  }

  var overview: Account.Table {
    func text(_ cell: Cell) -> String {
      let failures = results.measurements(cell).compactMap(\.failure)
      if failures.count == results.seeds.count {
        return failures.allSatisfy { $0 == DepthTraining.stalls } ? "stalls" : "no fit"
      }
      return number(results.mean(medianRadius, cell) ?? .nan)
        + (failures.isEmpty ? "" : " (\(failures.count))")
    }
    return Account.Table(
      caption: "l2 median radius against the number of hidden layers, mean over "
        + "\(results.seeds.count) seed(s); in brackets how many of the runs did not fit; \"stalls\" where "
        + "none did.",
      header: ["start", "network", "p"] + settings.depths.map { "depth \($0)" },
      rows: settings.starts.flatMap { start in
        settings.variants.flatMap { variant in
          settings.degrees.compactMap { p in
            let cells = settings.depths.map { Cell(p, $0, variant, start) }
            // Rows that would repeat another one at every depth are left out.
            guard cells.contains(where: { $0.variant == variant }) else { return nil }
            return [start.rawValue, variant.rawValue, p.formatted()] + cells.map(text)
          }
        }
      })
  }

  /// What the answer rests on and the overview has not, a column a degree.
  var answerTable: Account.Table {
    func row(_ name: String, _ text: (Double) -> String?) -> [String] {
      [name] + settings.degrees.map { text($0) ?? "–" }
    }
    func influence(_ place: String, _ share: Metric<DepthValues>) -> [String] {
      row("influence at \(place), depth 1 and \(deepest)") { p in
        [1, deepest].map { depth in
          results.mean(share, Cell(p, depth, .residual, .small))
            .map { String(format: "%.0f%%", 100 * $0) } ?? "–"
        }.joined(separator: ", ")
      }
    }
    return Account.Table(
      caption:
        "Median radii are means over seeds; influence is that of first-layer neurons of residual "
        + "networks from small weights, counted where a cosine is above 0.9; the size of outputs is that "
        + "of plain networks before training.",
      header: [""] + settings.degrees.map(name),
      rows: [
        row("best median radius of one layer") { p in best(p) { $0 == 1 }?.radius },
        row("best median radius of several layers") { p in best(p) { $0 > 1 }?.radius },
        row("which that is") { p in
          best(p) { $0 > 1 }.map {
            "\($0.cell.variant.rawValue), \($0.cell.start.rawValue), depth \($0.cell.depth)"
          }
        },
      ]
        + (sides.isEmpty
          ? []
          : Self.depthGroups.map { words, isMeant in
            row("best proved median radius of \(words), attacked for the same samples") { p in
              bestProved(p, depth: isMeant).map { "\(number($0.proved)) / \(number($0.attacked))" }
            }
          }) + [
          influence("subclass centres", DepthValues.subclassShare),
          influence("class means", DepthValues.classShare),
          row("size of outputs, usual weights, depth \(deepest)") {
            signal(Cell($0, deepest, .plain, .standard)).map {
              "10^\(Int(saturating: $0.rounded()))"
            }
          },
          row("median radius of Adam over that of SGD", gainOfAdam),
        ])
  }

  /// From the same weights, where most runs fit with both.
  func gainOfAdam(_ p: Double) -> String? {
    let ratios = results.cells.filter { $0.p == p && $0.start == .adam }.compactMap { adam in
      radius(Cell(p, adam.depth, adam.variant, .standard)).flatMap { sgd in
        radius(adam).map { $0 / sgd }
      }
    }
    guard let smallest = ratios.min(), let largest = ratios.max() else { return nil }
    return String(format: "%.2f to %.2f", smallest, largest)
  }

  /// Rows of the overview, for networks of which bounds are known.
  var twoSidedSection: AccountSection {
    get throws(ExperimentError) {
      let side = sides.sides[0]
      let rows = settings.starts.flatMap { start in
        settings.variants.flatMap { variant in
          settings.degrees.compactMap { p -> [String]? in
            let cells = settings.depths.map { Cell(p, $0, variant, start) }
            let own = cells.filter { $0.variant == variant }
            guard own.contains(where: { !sides.radii($0, side).isEmpty }) else { return nil }
            return [start.rawValue, variant.rawValue, p.formatted()]
              + cells.map { sides.text($0, side) }
          }
        }
      }
      return try sides.section(
        header: ["start", "network", "p"] + settings.depths.map { "depth \($0)" }, rows: rows,
        figures: [twoSidedFigure])
    }
  }
}
