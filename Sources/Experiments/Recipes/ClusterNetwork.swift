import Alignment
import Attacks
import Datasets
import Formats
import LinearCore
import Networks
import Runs
import Studies
import Training

/// What is measured of a network trained on clustered data.
struct ClusterValues: Codable, Sendable {
  let p: Double
  let seed: UInt64
  /// Accuracy on the attacked samples, unperturbed.
  let cleanAccuracy: Double
  /// Where robust accuracy crosses 1/2.
  let medianRadius: Double
  let inspection: NetworkInspection
  /// The l2 size of the smallest perturbation found, a number a sample: 0 for misclassified ones.
  let radii: [Double]
  /// What plain projected gradient descent alone finds, on the first samples. Not a measure of robustness, but of
  /// how far a usual attack can be trusted here.
  let plain: [RobustnessCurve.Point]
  /// The reduction that the network was attacked in, where it was.
  let reduction: UsedReduction?
  /// |v_j| ||w_j|| from the largest to the smallest.
  let contributions: [Double]
  /// Cosines of the first dominant neurons to ``directions``, row after row.
  let cosines: [[Double]]
  let directions: [String]
  let epochs: [EpochRecord]
  let stallWarning: String?
  /// Of the first samples, bounded from both sides; nil where nobody has looked.
  let twoSided: TwoSidedRadii?

  func robustAccuracy(_ epsilon: Double) -> Double { accuracy(ofRadii: radii, beyond: epsilon) }

  static let cleanAccuracy = Metric(
    \Self.cleanAccuracy, "cleanAccuracy", heading: "accuracy", digits: 4)
  static let medianRadius = Metric(
    \Self.medianRadius, "medianRadius", heading: "median radius", digits: 4)
  static let effectiveNeurons = Metric<Self>("effectiveNeurons", heading: "neurons", digits: 1) {
    Double($0.inspection.effectiveNeurons)
  }
  static let numericalRank = Metric<Self>("numericalRank", heading: "rank", digits: 1) {
    Double($0.inspection.numericalRank)
  }
  static let medianBestCosine = Metric<Self>("medianBestCosine", heading: "cos subclass") {
    $0.inspection.medianBestCosine ?? .nan
  }
  static let medianBestClassCosine = Metric<Self>("medianBestClassCosine", heading: "cos class") {
    $0.inspection.medianBestClassCosine ?? .nan
  }
  static let metrics = [
    cleanAccuracy, medianRadius, effectiveNeurons, numericalRank, medianBestCosine,
    medianBestClassCosine,
  ]
}

/// The names of networks in experiments with several degrees and seeds.
enum ClusterRun {
  /// "p3-seed0".
  static func name(exponent p: Double, seed: UInt64) -> String { "p\(p.degreeText)-seed\(seed)" }
}

/// Trains a network on clustered data, inspects and attacks it, and proves its first radii.
struct ClusterNetwork {
  /// Gets `networks/NAME`, `results/NAME-samples.csv`, `results/NAME-witnesses.npz` and `results/NAME-two-sided.json`.
  let directory: RunDirectory
  let name: String
  let configuration: TrainingRunConfiguration
  let progress: ProgressReporter

  /// The network, from an earlier process where it has one.
  func train(_ data: Dataset, heldOut: Dataset?) throws(ExperimentError)
    -> (network: PReLUNetwork<Float>, record: TrainingRecord)
  {
    // The experiment's own directory has checked that the settings are the same.
    let run = try TrainingRun(
      directory.path("networks/\(name)"), configuration: configuration, resume: true, title: name)
    return try run.run(data: data, heldOut: heldOut, progress: progress.part(0...0.5))
  }

  /// Measures what ``train(_:heldOut:)`` has made.
  ///
  /// - Parameters:
  ///   - epsilons: radii of attacks on given balls; the last is that of plain gradient descent.
  ///   - twoSided: nil for no proofs.
  func measure(
    _ network: PReLUNetwork<Float>, _ record: TrainingRecord, train: Dataset, attacked: Dataset,
    attack: String, epsilons: [Double], twoSided: TwoSidedSettings?
  ) throws(ExperimentError) -> Measured<ClusterValues> {
    let (p, seed) = (network.exponent, configuration.training.seed)
    let study = RobustnessStudy(epsilons: epsilons, attack: attack, seed: seed)
    let robustness = try study.run(
      network, data: attacked, reference: train, title: "\(name): attack",
      progress: progress.part(0.5...0.8))
    try write(robustness)
    let alignment = NeuronAlignment(
      network: network, directions: attacked.referenceDirections(center: network.center),
      limit: 30)
    let values = ClusterValues(
      p: p, seed: seed, cleanAccuracy: robustness.cleanAccuracy,
      medianRadius: robustness.medianRadius,
      inspection: try NetworkInspection(network, data: attacked),
      radii: robustness.samples.map(\.radius),
      plain: try plainAttack(network, study, attacked: attacked, train: train),
      reduction: UsedReduction(robustness, p: p, seed: seed),
      contributions: NeuronContributions(network).sorted,
      cosines: (0..<alignment.cosines.rows).map { alignment.cosines.row($0).map { Double($0) } },
      directions: alignment.directions.names, epochs: record.epochs,
      stallWarning: record.stallWarning(
        loss: configuration.training.loss, outputCount: network.outputCount, exponent: p),
      twoSided: try twoSided.map { (settings) throws(ExperimentError) in
        try TwoSidedStudy(directory: directory, settings: settings, name: name, seed: seed).result(
          { network }, attacked: attacked, train: train, progress: progress.part(0.9...1))
      })
    return Measured(values, flags: robustness.flags)
  }

  /// Projected gradient descent with one start, at 61 radii on at most 500 samples.
  private func plainAttack(
    _ network: PReLUNetwork<Float>, _ study: RobustnessStudy, attacked: Dataset, train: Dataset
  ) throws(ExperimentError) -> [RobustnessCurve.Point] {
    var plain = study
    plain.attack = "pgd"
    plain.restarts = 1
    plain.isChecked = false
    let largest = study.epsilons.max() ?? 1
    plain.epsilons = (0...60).map { Double($0) / 60 * largest }
    let result = try plain.run(
      network, data: attacked.prefix(500), reference: train,
      title: "\(name): plain gradient descent", progress: progress.part(0.8...0.9))
    return RobustnessCurve(result, epsilons: plain.epsilons).points
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

  /// The smallest perturbations that a network's attack has found, (samples, dimension).
  static func witnesses(_ name: String, in directory: RunDirectory) throws(ExperimentError)
    -> Matrix<Float>
  {
    let path = directory.path("results/\(name)-witnesses.npz")
    do {
      guard let tensor = try NPZ.read(path: path)["perturbations"], tensor.shape.count == 2 else {
        throw FormatError(path: path, "no perturbations of two axes")
      }
      return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.floats)
    } catch { throw ExperimentError(error) }
  }
}
