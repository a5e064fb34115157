import Figures
import Foundation
import Runs
import Studies
import Theory

/// What ``DeepMixtureExperiment`` makes of its results.
struct DeepMixtureReport {
  typealias Cell = DeepMixtureExperiment.Cell
  typealias Variant = DenseDesign.Variant
  typealias Start = DepthMeasurement.Start

  let experiment: DeepMixtureExperiment
  let results: SweepResults<Cell>

  var settings: DeepMixtureExperiment.Settings { experiment.settings }

  /// Whether most runs of a cell fitted their data.
  func fits(_ cell: Cell) -> Bool { 2 * results.failures(cell) < results.seeds.count }

  /// The mean median radius of a cell of which most runs fitted.
  func radius(_ p: Double, _ depth: Int, _ variant: Variant, _ start: Start) -> Double? {
    let cell = experiment.cell(p, depth, variant, start)
    return fits(cell) ? results.interval(NetworkMeasurement.medianRadius.key, cell).mean : nil
  }

  /// A metric over all runs of a cell, also those that failed.
  func interval(_ metric: SweepMetric, _ cell: Cell) -> MeanInterval {
    MeanInterval(results.measurements(cell).map { $0.metrics[metric.key] ?? .nan })
  }

  var account: SweepAccount {
    let mixture = settings.measurement.mixture
    let measurement = settings.measurement
    return SweepAccount(
      title: "Do deeper networks gain from pReLU? The mixture",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.width), exponential loss down to \(measurement.stopLoss), batch "
        + "\(measurement.batchSize), at most \(measurement.epochs) epochs",
      introduction: """
        A network has 1 to \(settings.depths.max() ?? 1) hidden layers of pReLU neurons: plain; with a layer \
        normalisation behind every hidden layer; with residual connections x + layer(x) from the second hidden \
        layer on; with both; or plain with every feature divided by ‖x‖^(p-1) ("input norm"). At depth 1 residual \
        connections are none, and at p = 1 there is nothing to divide by: equal functions are measured once. \
        Weights start uniformly in ±√(6/inputs), times \(measurement.smallScale.formatted()) for a small start. \
        Of the learning rates \(list(measurement.descentRates)) (SGD) and \(list(measurement.adamRates)) (Adam) \
        the smallest with which training fits is taken: the closest to gradient flow. A training whose loss stays \
        above \(DepthMeasurement.stalledLoss.formatted()) of a silent network's with all of them has stalled. \
        Theory, for one hidden layer: 1/√K = \(number(linearLaw)) at p = 1 and √2/2 = \
        \(number(CriticalRadius.optimal)) at p = 3; nothing beyond √2/2 is possible at any depth.
        """,
      answer: answer, findings: findings, figures: figures, overview: overview,
      answerTable: answerTable)
  }

  // MARK: - Table

  private var overview: SweepAccount.Table {
    SweepAccount.Table(
      caption: "l2 median radius against the number of hidden layers, mean over "
        + "\(results.seeds.count) seed(s); in brackets how many of the runs did not fit; \"stalls\" where "
        + "none did.",
      header: ["start", "network", "p"] + settings.depths.map { "depth \($0)" },
      rows: settings.starts.flatMap { start in
        settings.variants.flatMap { variant in
          settings.degrees.filter { isOwnRow($0, variant) }.map { p in
            [start.rawValue, variant.rawValue, p.formatted()]
              + settings.depths.map { text(experiment.cell(p, $0, variant, start)) }
          }
        }
      })
  }

  /// Rows that would repeat another one at every depth are left out.
  private func isOwnRow(_ p: Double, _ variant: Variant) -> Bool {
    settings.depths.contains { experiment.cell(p, $0, variant, .small).variant == variant }
  }

  private func text(_ cell: Cell) -> String {
    let failures = results.failures(cell)
    if failures == results.seeds.count {
      let stalled = results.measurements(cell).allSatisfy { $0.failure == DepthMeasurement.stalls }
      return stalled ? "stalls" : "no fit"
    }
    let radius = results.interval(NetworkMeasurement.medianRadius.key, cell).mean ?? .nan
    return number(radius) + (failures > 0 ? " (\(failures))" : "")
  }

  /// The first depth at which most runs do not fit.
  func firstStall(_ p: Double, _ variant: Variant, _ start: Start) -> Int? {
    settings.depths.sorted().first { !fits(experiment.cell(p, $0, variant, start)) }
  }

  func number(_ value: Double) -> String { String(format: "%.3f", value) }
  func list(_ values: [Double]) -> String {
    values.map { $0.formatted() }.joined(separator: ", ")
  }
  var linearLaw: Double {
    CriticalRadius.relu(subclasses: settings.measurement.mixture.subclasses)
  }
  var deepest: Int { settings.depths.max() ?? 1 }

  private var findings: [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for start in settings.starts {
      for variant in settings.variants {
        for p in settings.degrees {
          guard let depth = firstStall(p, variant, start) else { continue }
          findings["first depth without fit: \(variant.rawValue), \(start.rawValue), p = \(p)"] =
            .number(Double(depth))
        }
      }
    }
    return findings
  }
}
