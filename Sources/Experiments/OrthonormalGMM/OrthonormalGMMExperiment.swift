import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// The two experiments of Min and Vidal, *Gradient Flow Provably Learns Robust Classifiers for
/// Orthonormal GMMs* (ICML 2025): how the neurons of a pReLU network align under full-batch gradient
/// descent from tiny weights (appendix B.1), and how robust it is beside networks that the theorem does
/// not speak of (figure 2).
///
/// The paper gives neither code nor every number. Ours are: two-layer networks start balanced,
/// |v_j| = ||w_j||; width 200 in the first experiment; alpha = 0.1 and minibatches of 100 in the second,
/// as in the authors' earlier protocol. Step sizes for the squared loss are those of the mean of
/// (f - y)^2, twice what the loss (f - y)^2 / 2 takes.
struct OrthonormalGMMExperiment: SweepExperiment {
  /// "orthonormal-gmm".
  static let name = "orthonormal-gmm"
  /// One line.
  static let summary =
    "Min and Vidal (ICML 2025): alignment under gradient descent, and robustness beside controls"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// The name of the experiment.
    var experiment = OrthonormalGMMExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    /// The degree of the pReLU networks and of the power of ReLU.
    var exponent = 3.0
    /// Hidden weights start from N(0, initialScale^2).
    var initialScale = 1e-7
    /// The length of the nudge towards a centre, relative to the expected length of a hidden weight
    /// vector.
    var nudge = 0.5
    /// The step of both experiments.
    var learningRate = 0.2
    /// Data of the first experiment.
    var dynamicsMixture: OrthonormalMixture
    /// Neurons of the first experiment.
    var dynamicsWidth = 200
    /// Steps of full-batch gradient descent.
    var iterations = 600
    /// Iterations between two looks at the neurons.
    var recordEvery = 10
    /// Iterations between two searches of the distance.
    var distanceEvery = 60
    /// Data of the second experiment.
    var robustnessMixture: OrthonormalMixture
    /// Units of every hidden layer of the second experiment.
    var robustnessWidth = 200
    /// Passes over the data of the second experiment.
    var epochs: Int
    /// Samples a step of the second experiment.
    var batchSize = 100
    /// The first weights of the un-normalised power of ReLU, relative to PyTorch's: from those of the
    /// others it would not move, as its gradient vanishes with the square of the weights.
    var powerScale: Double
    /// Test samples that are attacked.
    var attackedSamples: Int
    /// A name of the catalogue of attacks.
    var attack = "standard"
  }

  /// A network, where it starts and its loss.
  struct Cell: SweepCell {
    /// Which of the two experiments.
    enum Part: String, Codable, Sendable {
      case dynamics, robustness
    }

    /// What is trained.
    enum Model: String, Codable, Sendable, CaseIterable {
      case pReLU
      case relu = "ReLU"
      case tanh
      case powerReLU = "power ReLU"
      case fourLayers = "4 layers"
    }

    /// How weights start.
    enum Start: String, Codable, Sendable {
      /// Tiny and random.
      case random
      /// Tiny, every neuron moved towards a centre of its own class.
      case nudged
      /// Of ordinary size.
      case ordinary
    }

    let part: Part
    let model: Model
    let start: Start
    let loss: Loss

    /// Part, model, start and loss.
    var parameters: [Parameter] {
      [
        .init("part", part.rawValue), .init("model", model.rawValue),
        .init("start", start.rawValue), .init("loss", loss.rawValue),
      ]
    }

    /// Deeper networks take longer, and attacks on what cannot be reduced longest.
    var cost: Double {
      switch (part, model) {
      case (.dynamics, _): 5
      case (_, .fourLayers): 4
      case (_, .tanh): 3
      default: 1
      }
    }
  }

  /// The settings.
  var settings: Settings

  /// The experiment with any settings.
  init(settings: Settings) { self.settings = settings }

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    func mixture(_ dimension: Int, _ positive: Int, _ negative: Int, _ samples: Int)
      -> OrthonormalMixture
    {
      OrthonormalMixture(
        dimension: dimension, subclasses: positive + negative, positive: positive, alpha: 0.1,
        samples: samples)
    }
    let (preset, seed) = (options.preset, options.seed)
    settings =
      switch preset {
      case .quick:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 1,
          dynamicsMixture: mixture(200, 5, 5, 1000),
          dynamicsWidth: 100, robustnessMixture: mixture(100, 12, 8, 1000), robustnessWidth: 100,
          epochs: 400, powerScale: 4, attackedSamples: 60)
      case .laptop:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5,
          dynamicsMixture: mixture(500, 5, 5, 2000),
          robustnessMixture: mixture(300, 12, 8, 3000), epochs: 150, powerScale: 6,
          attackedSamples: 100)
      case .paper:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5,
          dynamicsMixture: mixture(1000, 5, 5, 5000),
          robustnessMixture: mixture(2000, 12, 8, 20_000), epochs: 30, powerScale: 15,
          attackedSamples: 1000)
      }
  }

  /// Both experiments.
  var cells: [Cell] {
    [Cell.Start.random, .nudged].map {
      Cell(part: .dynamics, model: .pReLU, start: $0, loss: .squared)
    }
      + [Loss.squared, .logistic].flatMap { loss in
        Cell.Model.allCases.map { model in
          let isOrdinary = model == .powerReLU || model == .fourLayers
          return Cell(
            part: .robustness, model: model, start: isOrdinary ? .ordinary : .random, loss: loss)
        }
      }
  }

  /// What is measured.
  var metrics: [SweepMetric] {
    [
      SweepMetric("accuracy"), SweepMetric("medianRadius", heading: "median radius", digits: 4),
      SweepMetric("loss", digits: 4),
      SweepMetric("medianCosine", heading: "median cosine", digits: 4),
      SweepMetric("distance", heading: "distance to F^(p)", digits: 4),
    ]
  }

  /// As many passes over the data as training and the attack have taken at `laptop`.
  func operations(_ cell: Cell) -> Double {
    4 * Double(settings.robustnessMixture.samples) * Double(settings.robustnessMixture.dimension)
      * Double(settings.robustnessWidth) * Double(settings.epochs) * 4 * cell.cost
  }

  /// Measures one run.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    switch cell.part {
    case .dynamics:
      try GMMDynamics(settings: settings, start: cell.start).measure(context)
    case .robustness:
      try GMMRobustness(settings: settings, cell: cell).measure(context)
    }
  }

  /// The words and figures.
  func account(of results: SweepResults<Cell>) -> SweepAccount {
    GMMAccount(settings: settings, results: results).account
  }
}

extension OrthonormalMixture {
  /// Training samples and `testCount` test samples of a repeat.
  func parts(seed: UInt64, testCount: Int) throws(ExperimentError) -> (
    train: Dataset, test: Dataset
  ) {
    var testMixture = self
    testMixture.samples = testCount
    let stream = RandomStream(seed: seed).child("data")
    do {
      return (try generate(stream: stream), try testMixture.generate(stream: stream, part: "test"))
    } catch { throw ExperimentError(error) }
  }
}
