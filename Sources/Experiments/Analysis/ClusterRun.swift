import Alignment
import Attacks
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// One network trained on clustered data, looked into and attacked: the unit that the experiments are
/// made of, and that `--resume` does not repeat.
struct ClusterRunResult: Codable, Sendable {
  /// The degree.
  let p: Double
  /// The seed of the repeat.
  let seed: UInt64
  /// Accuracy on the attacked samples, unperturbed.
  let cleanAccuracy: Double
  /// Where robust accuracy crosses 1/2.
  let medianRadius: Double
  /// Structure of the network.
  let inspection: NetworkInspection
  /// Smallest adversarial perturbation found, a number a sample: 0 for misclassified ones.
  let radii: [Double]
  /// What plain projected gradient descent alone finds at each of ``plainEpsilons``: the share of samples
  /// that stand. Not a measure of robustness, but of how far a usual attack can be trusted here.
  let plainRobustAccuracy: [Double]
  /// The radii of ``plainRobustAccuracy``.
  let plainEpsilons: [Double]
  /// The reduction that the network was attacked in, where it was.
  let reduction: UsedReduction?
  /// Reasons not to trust the radii.
  let flags: [String]
  /// |v_j| ||w_j|| from the largest to the smallest.
  let contributions: [Double]
  /// Cosines of the first dominant neurons to `directions`, row after row.
  let cosines: [[Double]]
  /// The class each of these neurons speaks for: 1 or 0.
  let neuronClasses: [Int]
  /// The names of the reference directions.
  let directions: [String]
  /// The course of the training.
  let epochs: [EpochRecord]
  /// A warning when the training stalled.
  let stallWarning: String?

  /// The share of samples whose radius exceeds `epsilon`.
  func robustAccuracy(_ epsilon: Double) -> Double {
    accuracy(ofRadii: radii, beyond: epsilon)
  }
}

/// Trains, inspects and attacks one network inside an experiment's directory.
struct ClusterRun {
  let directory: RunDirectory
  let configuration: TrainingRunConfiguration
  let study: RobustnessStudy
  /// How many dominant neurons are listed with their cosines.
  var neuronLimit = 30

  /// A name for files: "p3-seed0".
  var name: String {
    Self.name(exponent: configuration.model.exponent, seed: configuration.training.seed)
  }

  /// The name of a degree and a repeat.
  static func name(exponent p: Double, seed: UInt64) -> String {
    "p\(p.degreeText)-seed\(seed)"
  }

  /// The result, from an earlier run of the experiment where there is one.
  ///
  /// - Parameters:
  ///   - train: training data.
  ///   - attacked: the samples to attack.
  ///   - heldOut: evaluated every epoch.
  func result(train: Dataset, heldOut: Dataset, attacked: Dataset, progress: ProgressReporter)
    throws(ExperimentError) -> ClusterRunResult
  {
    try directory.timed("results/\(name).json", part: name) { () throws(ExperimentError) in
      let (network, record) = try trainNetwork(train, heldOut: heldOut, progress: progress)
      let inspection = try NetworkInspection(network, data: attacked)
      let robustness = try study.run(
        network, data: attacked, reference: train, title: "\(name): attack", progress: progress)
      try write(robustness)
      let plain = try plainAttack(network, attacked: attacked, train: train, progress: progress)
      let directions = attacked.referenceDirections(center: network.center)
      let alignment = NeuronAlignment(
        network: network, directions: directions, limit: neuronLimit)
      return ClusterRunResult(
        p: configuration.model.exponent, seed: configuration.training.seed,
        cleanAccuracy: robustness.cleanAccuracy, medianRadius: robustness.medianRadius,
        inspection: inspection, radii: robustness.samples.map(\.radius),
        plainRobustAccuracy: plain.points.map(\.robustAccuracy),
        plainEpsilons: plain.points.map(\.epsilon),
        reduction: UsedReduction(
          robustness, p: configuration.model.exponent, seed: configuration.training.seed),
        flags: robustness.flags,
        contributions: NeuronContributions(network).sorted,
        cosines: (0..<alignment.cosines.rows).map { i in
          alignment.cosines.row(i).map { Double($0) }
        },
        neuronClasses: alignment.neurons.map { network.outputWeights[0, $0] > 0 ? 1 : 0 },
        directions: directions.names, epochs: record.epochs,
        stallWarning: record.stallWarning(
          loss: configuration.training.loss, outputCount: network.outputCount,
          exponent: network.exponent))
    }
  }

  /// The radii of the first attacked samples, bounded from both sides. Needs the network of ``result``.
  func twoSided(
    _ settings: TwoSidedSettings, attacked: Dataset, train: Dataset, progress: ProgressReporter
  ) throws(ExperimentError) -> TwoSidedRadii {
    try TwoSidedStudy(
      directory: directory, settings: settings, name: name, seed: configuration.training.seed
    ).result(network, attacked: attacked, train: train, progress: progress)
  }

  /// The trained network of this run.
  func network() throws(ExperimentError) -> PReLUNetwork<Float> {
    do {
      return try ModelFile.read(directory.path("networks/\(name)/\(TrainingRun.modelName)"))
    } catch { throw ExperimentError(error) }
  }

  /// The smallest perturbations found, (samples, dimension).
  func witnesses() throws(ExperimentError) -> Matrix<Float> {
    let path = directory.path("results/\(name)-witnesses.npz")
    do {
      guard let tensor = try NPZ.read(path: path)["perturbations"], tensor.shape.count == 2 else {
        throw FormatError(path: path, "no perturbations of two axes")
      }
      return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.floats)
    } catch { throw ExperimentError(error) }
  }

  /// Radii at which plain gradient descent attacks, besides 0.
  private static var plainRadii: Int { 60 }
  /// Samples that plain gradient descent attacks.
  private static var plainLimit: Int { 500 }

  private func plainAttack(
    _ network: PReLUNetwork<Float>, attacked: Dataset, train: Dataset, progress: ProgressReporter
  ) throws(ExperimentError) -> RobustnessCurve {
    var plain = study
    plain.attack = "pgd"
    plain.restarts = 1
    plain.isChecked = false
    let largest = study.epsilons.max() ?? 1
    plain.epsilons = (0...Self.plainRadii).map { Double($0) / Double(Self.plainRadii) * largest }
    let result = try plain.run(
      network, data: attacked.prefix(Self.plainLimit), reference: train,
      title: "\(name): plain gradient descent", progress: progress)
    return RobustnessCurve(result, epsilons: plain.epsilons)
  }

  private func trainNetwork(_ data: Dataset, heldOut: Dataset, progress: ProgressReporter)
    throws(ExperimentError) -> (network: PReLUNetwork<Float>, record: TrainingRecord)
  {
    // The experiment's own directory has checked that the settings are the same.
    let run = try TrainingRun(
      directory.path("networks/\(name)"), configuration: configuration, resume: true, title: name)
    return try run.run(data: data, heldOut: heldOut, progress: progress)
  }

  private func write(_ result: RobustnessResult<Float>) throws(ExperimentError) {
    _ = try directory.folder("results")
    do {
      try result.table.write(to: directory.path("results/\(name)-samples.csv"))
      try NPZ.write(
        ["perturbations": ModelFile.tensor(result.perturbations)],
        to: directory.path("results/\(name)-witnesses.npz"))
    } catch { throw ExperimentError(error) }
  }
}
