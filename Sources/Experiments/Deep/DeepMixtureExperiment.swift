import Datasets
import Foundation
import LinearCore
import Runs
import Studies

/// Whether deeper networks gain from the degree: fully connected pReLU networks of one to six hidden layers
/// on the orthonormal mixture, with and without what keeps their signal alive, from small and from usual
/// weights.
struct DeepMixtureExperiment: SweepExperiment {
  /// "deep-mixture".
  static let name = "deep-mixture"
  /// One line.
  static let summary =
    "one to six hidden layers on the mixture: radius against depth, where training stalls, what helps"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "deep-mixture".
    var experiment = DeepMixtureExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var depths: [Int]
    var variants: [DenseDesign.Variant] = [
      .plain, .layerNormalization, .residual, .residualNormalization, .inputNormalization,
    ]
    var starts = DepthMeasurement.Start.allCases
    var width: Int
    var measurement: DepthMeasurement
  }

  /// One design, and how it is trained.
  struct Cell: SweepCell {
    let p: Double
    let depth: Int
    let variant: DenseDesign.Variant
    let start: DepthMeasurement.Start

    /// p, the number of hidden layers, what is around them, and how they are trained.
    var parameters: [Parameter] {
      [
        SweepColumn("p", p), SweepColumn("depth", Double(depth)),
        SweepColumn("network", variant.rawValue), SweepColumn("start", start.rawValue),
      ]
    }

    /// Those that stall are trained to the last epoch with every learning rate.
    var cost: Double {
      let mayStall = variant == .plain || variant == .inputNormalization
      return Double(depth + 1) * (mayStall && p + Double(depth) > 3 ? 2 : 1)
    }
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (depths, repeats, dimension, samples, width, epochs, batch, attacked) =
      switch options.preset {
      case .quick: ([1, 2, 4], 1, 50, 500, 32, 100, 50, 20)
      case .laptop: ([1, 2, 3, 4, 5, 6], 3, 100, 2000, 64, 200, 100, 50)
      case .paper: ([1, 2, 3, 4, 5, 6], 5, 1000, 20_000, 500, 200, 100, 500)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      depths: depths, width: width,
      measurement: DepthMeasurement(
        mixture: OrthonormalMixture(
          dimension: dimension, alpha: 0.1, samples: samples, rotation: .random),
        epochs: epochs, patience: epochs / 2, batchSize: batch, attackedSamples: attacked))
  }

  /// The design of a cell.
  func design(_ cell: Cell) -> DenseDesign {
    DenseDesign(
      exponent: cell.p, depth: cell.depth, width: settings.width, variant: cell.variant)
  }

  /// The cell that is measured for some setting: the simplest network with the same function.
  func cell(
    _ p: Double, _ depth: Int, _ variant: DenseDesign.Variant, _ start: DepthMeasurement.Start
  ) -> Cell {
    let cell = Cell(p: p, depth: depth, variant: variant, start: start)
    return Cell(p: p, depth: depth, variant: design(cell).simplest, start: start)
  }

  /// Starts times degrees times designs times depths, each function once.
  var cells: [Cell] {
    settings.starts.flatMap { start in
      settings.degrees.flatMap { p in
        settings.variants.flatMap { variant in
          settings.depths.map { Cell(p: p, depth: $0, variant: variant, start: start) }
        }
      }
    }.filter { $0 == cell($0.p, $0.depth, $0.variant, $0.start) }
  }

  /// Robustness, training, and where the first layer points.
  var metrics: [SweepMetric] {
    [
      NetworkMeasurement.medianRadius, NetworkMeasurement.accuracy, DepthMeasurement.signal,
      DepthMeasurement.gradient, DepthMeasurement.loss, DepthMeasurement.epochs,
      DepthMeasurement.learningRate, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassCosine, NetworkMeasurement.classCosine,
      NetworkMeasurement.subclassesFound, DepthMeasurement.subclassShare,
      DepthMeasurement.classShare,
    ]
  }

  /// Forward and back are three passes of training, the ensemble takes some thousands a sample; small
  /// products and their surroundings take about three times what large ones do.
  func operations(_ cell: Cell) -> Double {
    let measurement = settings.measurement
    let pass = 2 * Double(design(cell).products(dimension: measurement.mixture.dimension))
    let training = 3 * Double(measurement.epochs) * Double(measurement.mixture.samples)
    return 3 * pass * (training + 8000 * Double(measurement.attackedSamples))
  }

  /// Trains and attacks.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    try settings.measurement.measure(
      design(cell), cell.start, seed: context.seed, report: context.report)
  }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    DeepMixtureReport(experiment: self, results: results).account
  }
}
