import Datasets
import Foundation
import Runs
import Studies
import Training

/// How robustness depends on the number K of subclasses: the exponent of the median radius of networks
/// trained by gradient flow, for several degrees and noise levels.
struct SubclassScalingExperiment: SweepExperiment {
  /// "k-scaling".
  static let name = "k-scaling"
  /// One line.
  static let summary =
    "K from 2 to 64 subclasses: the exponent of the median radius in K for p = 1, 2, 3"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "k-scaling".
    var experiment = SubclassScalingExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var alphas: [Double]
    var subclassCounts: [Int]
    var dimension: Int
    /// 20 instead of 80 take 6% off the median radius of p = 3 at alpha = 0.2 and K = 64.
    var samplesPerSubclass: Int
    var smallestSampleCount = 200
    /// Below p = 2 neurons align with whole classes, and a few are enough.
    var classNeurons = 20
    /// From p = 2 on every subclass needs a neuron of its own with the right sign of its output weight,
    /// and which one a neuron finds is a matter of luck.
    var neuronsPerSubclass: Int
    var smallestWidth = 40
    var flow = FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000)
    var attackedSamples: Int
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
    /// Samples times neurons times the time to grow.
    var cost: Double { pow(Double(subclasses), p < 2 ? 1.5 : 3) }
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (alphas, repeats, dimension, samples, neurons, attacked) =
      switch options.preset {
      case .quick: ([0.1], 1, 64, 40, 5, 60)
      case .laptop: ([0.05, 0.2], 5, 128, 80, 6, 200)
      case .paper: ([0.01, 0.05, 0.1, 0.2, 0.3], 5, 1000, 200, 20, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      alphas: alphas,
      subclassCounts: [2, 4, 8, 16, 32, 64], dimension: dimension, samplesPerSubclass: samples,
      neuronsPerSubclass: neurons, attackedSamples: attacked)
  }

  /// Degrees times noise levels times numbers of subclasses.
  var cells: [Cell] {
    settings.degrees.flatMap { p in settings.alphas.flatMap { cells(p, alpha: $0) } }
  }

  /// All numbers of subclasses at one degree and noise level.
  func cells(_ p: Double, alpha: Double) -> [Cell] {
    settings.subclassCounts.map { Cell(p: p, alpha: alpha, subclasses: $0) }
  }

  /// Median radius, structure, time.
  var metrics: [SweepMetric] {
    [
      NetworkMeasurement.medianRadius, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassCosine, NetworkMeasurement.classCosine,
      FlowMeasurement.fittingTime,
    ]
  }

  /// As many passes over the data as the flow and the attack have taken at `laptop`.
  func operations(_ cell: Cell) -> Double {
    4 * Double(settings.dimension) * Double(settings.samplesPerSubclass)
      * Double(settings.neuronsPerSubclass)
      * 15 * cell.cost
  }

  /// Trains by gradient flow and attacks.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    let count = cell.subclasses
    let mixture = OrthonormalMixture(
      dimension: settings.dimension, subclasses: count, positive: count / 2, alpha: cell.alpha,
      samples: max(settings.smallestSampleCount, settings.samplesPerSubclass * count))
    let width =
      cell.p < 2
      ? settings.classNeurons : max(settings.smallestWidth, settings.neuronsPerSubclass * count)
    return try FlowMeasurement(
      mixture: mixture, hiddenWidth: width, flow: settings.flow,
      attackedSamples: settings.attackedSamples
    ).measure(exponent: cell.p, seed: context.seed)
  }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    SubclassScalingReport(experiment: self, results: results).account
  }
}
