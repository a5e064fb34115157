import Attacks
import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// One network trained on real data and attacked.
struct RealDataResult: Codable, Sendable {
  /// A curve as measured.
  struct Curve: Codable, Sendable {
    /// The norm.
    let norm: Norm
    /// The attack.
    let attack: String
    /// The radii and what stands there; the first point is the clean accuracy at 0.
    let points: [RobustnessCurve.Point]
    /// What a usual attack alone reports at the same radii, in the first repeat: not a measure of
    /// robustness, but of how far that attack can be trusted here.
    let plain: [RobustnessCurve.Point]?
    /// The reduction that the network was attacked in, where it was.
    let reduction: UsedReduction?

    /// Robust accuracy at a radius of the list.
    func accuracy(_ epsilon: Double) -> Double? { Self.accuracy(points, epsilon) }

    /// What the usual attack reports there.
    func plainAccuracy(_ epsilon: Double) -> Double? {
      plain.flatMap { Self.accuracy($0, epsilon) }
    }

    private static func accuracy(_ points: [RobustnessCurve.Point], _ epsilon: Double) -> Double? {
      points.first { abs($0.epsilon - epsilon) < 1e-12 }?.robustAccuracy
    }
  }

  /// The degree.
  let p: Double
  /// The seed of the repeat.
  let seed: UInt64
  /// Accuracy on the whole test data.
  let testAccuracy: Double
  /// Structure of the network.
  let inspection: NetworkInspection
  /// The course of the training.
  let epochs: [EpochRecord]
  /// Robust accuracy in several norms.
  let curves: [Curve]
  /// Reasons not to trust a curve.
  let flags: [String]
  /// A warning when the training stalled.
  let stallWarning: String?
}

/// Trains and attacks one network inside an experiment's directory.
struct RealDataRun {
  let directory: RunDirectory
  let settings: RealDataSettings
  let exponent: Double
  let seed: UInt64

  private var name: String { ClusterRun.name(exponent: exponent, seed: seed) }

  private var configuration: TrainingRunConfiguration {
    TrainingRunConfiguration(
      data: DatasetRequest(
        data: settings.data, labels: settings.labels, split: settings.trainSplit),
      model: ModelConfiguration(
        exponent: exponent, hiddenWidth: settings.hiddenWidth, initialization: .kaiming,
        bias: settings.bias, center: true, normalizeInput: true),
      training: TrainingConfiguration(
        loss: .crossEntropy, optimizer: .adam(learningRate: settings.learningRate),
        epochs: settings.epochs, batchSize: settings.batchSize, seed: seed, measuresFeatures: true))
  }

  /// The radii of the first attacked samples, bounded from both sides. Needs the network of ``result``.
  func twoSided(
    _ twoSided: TwoSidedSettings, train: Dataset, test: Dataset, progress: ProgressReporter
  ) throws(ExperimentError) -> TwoSidedRadii {
    let path = directory.path("networks/\(name)/\(TrainingRun.modelName)")
    return try TwoSidedStudy(
      directory: directory, settings: twoSided, name: name, seed: seed
    ).result(
      { () throws(ExperimentError) in
        do { return try ModelFile.read(path) } catch { throw ExperimentError(error) }
      }, attacked: test.prefix(settings.attackedSamples), train: train, progress: progress)
  }

  /// The result, from an earlier run of the experiment where there is one.
  func result(train: Dataset, test: Dataset, progress: ProgressReporter) throws(ExperimentError)
    -> RealDataResult
  {
    try directory.timed("results/\(name).json", part: name) { () throws(ExperimentError) in
      let run = try TrainingRun(
        directory.path("networks/\(name)"), configuration: configuration, resume: true, title: name)
      let (network, record) = try run.run(data: train, heldOut: test, progress: progress)
      let attacked = test.prefix(settings.attackedSamples)
      var curves: [RealDataResult.Curve] = []
      var flags: [String] = []
      for curve in settings.curves {
        var study = RobustnessStudy(
          epsilons: curve.epsilons, norm: curve.norm, attack: curve.attack, seed: seed)
        // Whether an attack is too weak for a degree shows in the first repeat.
        study.isChecked = seed == settings.seed
        func points(_ study: RobustnessStudy) throws(ExperimentError) -> (
          RobustnessResult<Float>, [RobustnessCurve.Point]
        ) {
          let result = try study.run(
            network, data: attacked, reference: train,
            title: "\(name): \(study.attack) \(curve.norm.rawValue)", progress: progress)
          return (result, RobustnessCurve(result, epsilons: [0] + curve.epsilons).points)
        }
        let (result, honest) = try points(study)
        var plain: [RobustnessCurve.Point]?
        if let attack = curve.plainAttack, seed == settings.seed {
          study.attack = attack
          study.restarts = 1
          study.isChecked = false
          plain = try points(study).1
        }
        curves.append(
          .init(
            norm: curve.norm, attack: curve.attack, points: honest, plain: plain,
            reduction: UsedReduction(result, p: exponent, seed: seed)))
        flags += result.flags.map {
          "p = \(exponent.degreeText), \(curve.norm.rawValue): \($0)"
        }
      }
      return RealDataResult(
        p: exponent, seed: seed, testAccuracy: network.accuracy(test.inputs, labels: test.labels),
        inspection: try NetworkInspection(network, data: test), epochs: record.epochs,
        curves: curves, flags: flags,
        stallWarning: record.stallWarning(
          loss: .crossEntropy, outputCount: network.outputCount, exponent: exponent))
    }
  }
}
