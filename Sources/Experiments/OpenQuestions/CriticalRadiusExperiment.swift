import Datasets
import Foundation
import Runs
import Studies
import Theory
import Training

/// How far samples really are from the decision boundary of trained networks: radii bounded from both
/// sides against the degree, the noise and the number of subclasses, beside the closed form for the ideal
/// classifiers.
struct CriticalRadiusExperiment: SweepExperiment {
  /// "critical-radius".
  static let name = "critical-radius"
  /// One line.
  static let summary =
    "proved and attacked radius of trained networks against p, alpha and K, beside the closed form"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "critical-radius".
    var experiment = CriticalRadiusExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1, 1.5, 2, 2.5, 3, 4]
    var alphas = [0.01, 0.05, 0.1, 0.2]
    var subclassCounts = [4, 10, 20]
    /// The degrees at which alpha and K are varied.
    var comparedDegrees = [1.0, 3]
    /// The noise while something else is varied.
    var alpha = 0.05
    /// The number of subclasses while something else is varied.
    var subclasses = 10
    var dimension: Int
    var samplesPerSubclass: Int
    /// From p = 2 on every subclass needs a neuron of its own with the right sign of its output weight.
    var neuronsPerSubclass: Int
    var flow = FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000)
    var attackedSamples: Int
    var certified: CertifiedMeasurement
  }

  /// One degree, noise level and number of subclasses.
  struct Cell: SweepCell {
    let p: Double
    let alpha: Double
    let subclasses: Int
    /// p, alpha and K.
    var parameters: [Parameter] {
      [SweepColumn("p", p), SweepColumn("alpha", alpha), SweepColumn("K", Double(subclasses))]
    }
    /// Samples times neurons; below p = 2 the flow takes many small steps, above it boxes are cut.
    var cost: Double {
      Double(subclasses) * Double(subclasses) * (p == 1 || p == 2 ? 1 : 2)
    }

    /// The closed form without noise: both classes have the same number of opposite subclasses.
    var law: Double {
      CriticalRadius.predicted(exponent: p, subclasses: subclasses, positive: subclasses / 2)
    }
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (repeats, dimension, samples, neurons, attacked, nodes) =
      switch options.preset {
      case .quick: (1, 50, 20, 5, 50, 1000)
      case .laptop: (5, 100, 40, 8, 100, 2000)
      case .paper: (5, 1000, 200, 20, 500, 20_000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      dimension: dimension,
      samplesPerSubclass: samples, neuronsPerSubclass: neurons, attackedSamples: attacked,
      certified: CertifiedMeasurement(nodes: nodes))
  }

  /// All degrees at one noise level and number of subclasses.
  var degreeCells: [Cell] {
    settings.degrees.map { Cell(p: $0, alpha: settings.alpha, subclasses: settings.subclasses) }
  }

  /// All noise levels at one degree.
  func noiseCells(_ p: Double) -> [Cell] {
    settings.alphas.map { Cell(p: p, alpha: $0, subclasses: settings.subclasses) }
  }

  /// All numbers of subclasses at one degree.
  func subclassCells(_ p: Double) -> [Cell] {
    settings.subclassCounts.map { Cell(p: p, alpha: settings.alpha, subclasses: $0) }
  }

  /// The three lines through the common case, which is there once.
  var cells: [Cell] {
    var found: [Cell] = []
    let compared = settings.comparedDegrees
    for cell in degreeCells + compared.flatMap(noiseCells) + compared.flatMap(subclassCells)
    where !found.contains(cell) {
      found.append(cell)
    }
    return found
  }

  /// Both medians and how close they are.
  var metrics: [SweepMetric] {
    [
      CertifiedMeasurement.lower, CertifiedMeasurement.upper, CertifiedMeasurement.largestGap,
      CertifiedMeasurement.exactShare, CertifiedMeasurement.shareBeyond,
      NetworkMeasurement.accuracy,
    ]
  }

  /// As many passes over the data as the flow and the attack have taken at `laptop`.
  func operations(_ cell: Cell) -> Double {
    4 * Double(settings.dimension) * Double(settings.samplesPerSubclass)
      * Double(settings.neuronsPerSubclass)
      * 9000 * cell.cost
  }

  /// Trains by gradient flow, attacks and certifies.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    let mixture = OrthonormalMixture(
      dimension: settings.dimension, subclasses: cell.subclasses, positive: cell.subclasses / 2,
      alpha: cell.alpha, samples: settings.samplesPerSubclass * cell.subclasses)
    return try FlowMeasurement(
      mixture: mixture, hiddenWidth: settings.neuronsPerSubclass * cell.subclasses,
      flow: settings.flow, attackedSamples: settings.attackedSamples
    ).measure(exponent: cell.p, seed: context.seed) {
      (network, train, attacked) throws(ExperimentError) in
      try settings.certified.measure(
        network, train: train, attacked: attacked, seed: context.seed,
        beyond: CriticalRadius.relu(subclasses: cell.subclasses))
    }
  }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    CriticalRadiusReport(experiment: self, results: results).account
  }
}
