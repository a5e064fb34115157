import Attacks
import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Networks of each degree trained on real data, attacked in several norms, and bounded from both sides. Such
/// experiments differ in their settings and title.
protocol RealDataExperiment: GridExperiment
where
  Settings == RealDataSettings, Cell == DegreeCell, Values == RealDataValues, Source == RealData
{
  var title: String { get }
}

/// A degree.
struct DegreeCell: GridCell {
  let p: Double
  var parameters: [Parameter] { [Parameter("p", p)] }
}

struct RealData: Sendable {
  let train: Dataset
  let test: Dataset
}

/// What is measured of one network.
struct RealDataValues: Codable, Sendable {
  /// Robust accuracy against radius, in one norm.
  struct Curve: Codable, Sendable {
    /// The shares that stand at 0 and at the radii of the settings.
    var accuracy: [Double]
    /// What a usual attack alone reports there, in the first repeat: not a measure of robustness, but of how far that
    /// attack can be trusted here.
    var plain: [Double]?
    /// The reduction that the network was attacked in, where it was.
    var reduction: UsedReduction?
    /// Reasons not to trust the curve.
    var flags: [String]
  }

  /// On the whole test data.
  var testAccuracy: Double
  var inspection: NetworkInspection
  /// The course of the training.
  var epochs: [EpochRecord]
  /// One a norm.
  var curves: [Curve]
  /// Of the first repeat, where the settings ask for it.
  var twoSided: TwoSidedRadii?
  /// Said where the training stalled.
  var stallWarning: String?

  // By epoch.
  var trainAccuracies: [Double] { epochs.map { $0.features?.trainAccuracy ?? $0.trainAccuracy } }
  var testAccuracies: [Double] { epochs.map { $0.testAccuracy ?? .nan } }
  var featureStableRanks: [Double] { epochs.map { $0.features?.featureStableRank ?? .nan } }
  var weightStableRanks: [Double] { epochs.map { $0.features?.weightStableRank ?? .nan } }

  static let testAccuracy = Metric<Self>(
    \.testAccuracy, "testAccuracy", heading: "test accuracy", digits: 4)
  /// After the last epoch, as all ranks.
  static let featureStableRank = Metric<Self>("featureStableRank", heading: "rank H", digits: 2) {
    $0.featureStableRanks.last ?? .nan
  }
  static let weightStableRank = Metric<Self>("weightStableRank", heading: "rank W", digits: 2) {
    $0.weightStableRanks.last ?? .nan
  }
  static let subclassCosine = Metric<Self>("medianBestCosine", heading: "cos subclass") {
    $0.inspection.medianBestCosine ?? .nan
  }
  static let classCosine = Metric<Self>("medianBestClassCosine", heading: "cos class") {
    $0.inspection.medianBestClassCosine ?? .nan
  }
  static func robustAccuracy(_ curve: Int, _ epsilon: Int, of settings: RealDataSettings)
    -> Metric<Self>
  {
    let (norm, value) = (settings.curves[curve].norm, settings.curves[curve].epsilons[epsilon])
    return Metric(
      "robustAccuracy \(norm.rawValue) \(value.degreeText)",
      heading: "\(norm.rawValue) \(value.shortText)"
    ) { $0.curves[curve].accuracy[epsilon + 1] }
  }
}

extension RealDataExperiment {
  var cells: [DegreeCell] { settings.degrees.map(DegreeCell.init) }
  var runsOneByOne: Bool { true }

  var metrics: [Metric<Values>] {
    [
      Values.testAccuracy, Values.featureStableRank, Values.weightStableRank, Values.subclassCosine,
      Values.classCosine,
    ]
      + settings.curves.enumerated().flatMap { number, curve in
        curve.tabulated.compactMap { curve.epsilons.firstIndex(of: $0) }
          .map { Values.robustAccuracy(number, $0, of: settings) }
      }
  }

  func load() throws(ExperimentError) -> RealData {
    do {
      let all = try DatasetCatalog.load(request(settings.trainSplit)).inUserUnits()
      let train = settings.trainLimit.map { all.prefix($0) } ?? all
      let test = try DatasetCatalog.load(request(settings.testSplit)).inUserUnits()
      return RealData(
        train: train,
        test: try test.numbered(by: train.classes, of: "the training data \(train.name)"))
    } catch { throw ExperimentError(error) }
  }

  func inputs(_ source: RealData) -> [RunInput] {
    [
      RunInput(.training, source.train, request: request(settings.trainSplit)),
      RunInput(.samples, source.test, request: request(settings.testSplit)),
    ]
  }

  private func request(_ split: String) -> DatasetRequest {
    DatasetRequest(data: settings.data, labels: settings.labels, split: split)
  }

  /// Forward, backward and the metrics of every epoch; some thousands of passes a sample for the ensemble; and the
  /// proofs of the first repeat, shared out among all.
  func operations(_ cell: DegreeCell, _ source: RealData) -> Double {
    let pass = 4 * Double(source.train.dimension) * Double(settings.hiddenWidth)
    let attacked = min(settings.attackedSamples, source.test.count) * settings.curves.count
    let proofs = (settings.twoSided?.expectedSeconds ?? 0) / Double(settings.repeats)
    return 1.6 * Double(source.train.count) * Double(settings.epochs) * pass
      + 5000 * Double(attacked) * pass + proofs * RunPlan.productRate()
  }

  func measure(_ cell: DegreeCell, _ context: Context) throws(ExperimentError)
    -> Measured<RealDataValues>
  {
    let (directory, seed, data) = (context.directory, context.seed, context.source)
    let name = ClusterRun.name(exponent: cell.p, seed: seed)
    let run = try TrainingRun(
      directory.path("networks/\(name)"),
      configuration: TrainingRunConfiguration(
        data: request(settings.trainSplit),
        model: ModelConfiguration(
          exponent: cell.p, hiddenWidth: settings.hiddenWidth, initialization: .kaiming,
          bias: settings.bias, center: true, normalizeInput: true),
        training: TrainingConfiguration(
          loss: .crossEntropy, optimizer: .adam(learningRate: settings.learningRate),
          epochs: settings.epochs, batchSize: settings.batchSize, seed: seed,
          measuresFeatures: true)),
      resume: true, title: name)
    let (network, record) = try run.run(
      data: data.train, heldOut: data.test, progress: context.progress)
    let attacked = data.test.prefix(settings.attackedSamples)
    var curves: [RealDataValues.Curve] = []
    for curve in settings.curves {
      curves.append(
        try directory.cached("checkpoints/\(name)-\(curve.norm.rawValue).json") {
          () throws(ExperimentError) in
          try attack(
            network, curve, attacked, data.train, name, seed: seed, progress: context.progress)
        })
    }
    var values = RealDataValues(
      testAccuracy: network.accuracy(data.test.inputs, labels: data.test.labels),
      inspection: try NetworkInspection(network, data: data.test), epochs: record.epochs,
      curves: curves,
      stallWarning: record.stallWarning(
        loss: .crossEntropy, outputCount: network.outputCount, exponent: cell.p))
    if seed == settings.seed, let effort = settings.twoSided {
      values.twoSided = try TwoSidedStudy(
        directory: directory, settings: effort, name: name, seed: seed
      ).result({ network }, attacked: attacked, train: data.train, progress: context.progress)
    }
    return Measured(values, flags: curves.flatMap(\.flags))
  }

  private func attack(
    _ network: PReLUNetwork<Float>, _ curve: RealDataSettings.Curve, _ attacked: Dataset,
    _ train: Dataset, _ name: String, seed: UInt64, progress: ProgressReporter
  ) throws(ExperimentError) -> RealDataValues.Curve {
    var study = RobustnessStudy(
      epsilons: curve.epsilons, norm: curve.norm, attack: curve.attack, seed: seed)
    func run() throws(ExperimentError) -> RobustnessResult<Float> {
      try study.run(
        network, data: attacked, reference: train,
        title: "\(name): \(study.attack) \(curve.norm.rawValue)", progress: progress)
    }
    func accuracy(_ result: RobustnessResult<Float>) -> [Double] {
      ([0] + curve.epsilons).map { result.robustAccuracy(epsilon: $0) }
    }
    // Whether an attack is too weak for a degree shows in the first repeat.
    let isFirst = seed == settings.seed
    study.isChecked = isFirst
    let result = try run()
    var found = RealDataValues.Curve(
      accuracy: accuracy(result),
      reduction: UsedReduction(result, p: network.exponent, seed: seed),
      flags: result.flags.map { "\(curve.norm.rawValue): \($0)" })
    if isFirst, let plain = curve.plainAttack {
      study.attack = plain
      study.restarts = 1
      study.isChecked = false
      found.plain = accuracy(try run())
    }
    return found
  }
}

extension Double {
  /// A radius in headings and sentences.
  var shortText: String { String(format: "%.3g", self) }
}
