import Attacks
import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs

/// How robust a deep network was found to be, in one norm: the smallest perturbation of every sample.
package struct DeepRobustness: Codable, Sendable, Equatable {
  /// The norm of radii.
  package let norm: Norm
  /// The attack, a name of ``AttackCatalog``.
  package let attack: String
  /// The size of the smallest perturbation found of every sample: 0 for those classified wrongly as they
  /// are, infinity where nothing was found. Upper bounds of the true ones.
  package let radii: [Double]
  /// Gradient passes that all attacks together spent, summed over samples.
  package let gradientPasses: Int
  /// Passes without gradient, likewise.
  package let forwardPasses: Int
  /// Whether the result was checked for signs of a weak attack.
  package let isChecked: Bool
  /// Reasons not to trust the radii.
  package let flags: [String]

  /// The share of samples classified correctly as they are.
  package var cleanAccuracy: Double { robustAccuracy(epsilon: 0) }

  /// The share of samples that no perturbation found of size at most `epsilon` fools.
  package func robustAccuracy(epsilon: Double) -> Double {
    accuracy(ofRadii: radii, beyond: epsilon)
  }

  /// The median radius of all samples, 0 for those classified wrongly.
  package var medianRadius: Double { median(radii) ?? .nan }

  /// The median radius of the samples that are classified correctly; NaN without any.
  package var medianRadiusOfCorrect: Double { median(radii.filter { $0 > 0 }) ?? .nan }

  /// Attacks a network, in the box of the data where they have one; read from `results/robustness/NAME.json`
  /// where an earlier call has left it there. Finished chunks of samples survive an interruption.
  ///
  /// - Parameters:
  ///   - name: different for every network and norm of the directory.
  ///   - study: norm, attack, radii, seed, and whether the result is checked.
  ///   - data: the samples to be attacked.
  ///   - reference: samples that tell where other classes lie, usually training data.
  ///   - report: called now and then with the share that is done.
  package static func measured(
    in directory: RunDirectory, name: String, study: RobustnessStudy,
    network: DeepNetwork<Float>, data: Dataset, reference: Dataset,
    report: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(ExperimentError) -> DeepRobustness {
    try directory.cached("results/robustness/\(name).json") { () throws(ExperimentError) in
      _ = try directory.folder("checkpoints")
      var study = study
      study.store = AttackCheckpoint(
        directory, name: "attack-\(name)",
        identity: study.identity(
          model: network.checksum, data: data.checksum, reference: reference.checksum))
      let result = try study.run(
        classifier: network, data: data, reference: reference,
        progress: ProgressReporter(share: report))
      return DeepRobustness(
        norm: study.norm, attack: study.attack, radii: result.samples.map(\.radius),
        gradientPasses: result.samples.reduce(0) { $0 + $1.gradientPasses },
        forwardPasses: result.samples.reduce(0) { $0 + $1.forwardPasses },
        isChecked: study.isChecked, flags: result.flags)
    }
  }
}
