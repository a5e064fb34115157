import LinearCore
import Networks

/// What an evaluation found for one sample.
public struct SampleRobustness: Sendable, Equatable {
  /// How a sample ended.
  public enum Status: String, Sendable, Codable {
    /// Wrong without any perturbation; the radius is 0. With a target: predicted as it already.
    case misclassified
    /// An adversarial perturbation was found; the radius is the size of the smallest.
    case attacked
    /// No attack succeeded; the radius is infinite. Not a proof of robustness.
    case survived
    /// Its own label is the target: there is nothing to attack, and the radius is no number.
    case excluded
  }

  /// The row of the data.
  public let index: Int
  /// The class of the sample in the data.
  public let label: Int
  /// The class predicted without perturbation.
  public let predicted: Int
  /// The size of the smallest adversarial perturbation found: an upper bound of the true radius.
  public var radius: Double
  /// The attack that found it.
  public var attack: String?
  /// Whether it was misclassified, attacked, or survived.
  public var status: Status
  /// Gradient passes that all attacks together spent on it.
  public var gradientPasses = 0
  /// Passes without gradient that all attacks together spent on it.
  public var forwardPasses = 0
  /// The class that it was to be predicted as; nil where any but its label would do.
  public internal(set) var target: Int?
}

extension SampleRobustness {
  /// A sample before any attack: excluded where the target is its label, misclassified where it is fooled as
  /// it is, and otherwise standing.
  init(index: Int, label: Int, target: Int?, predicted: Int) {
    let isFooled = target.map { predicted == $0 } ?? (predicted != label)
    let status: Status = target == label ? .excluded : isFooled ? .misclassified : .survived
    self.init(
      index: index, label: label, predicted: predicted,
      radius: status == .excluded ? .nan : isFooled ? 0 : .infinity, attack: nil, status: status,
      target: target)
  }
}

/// The result of an evaluation: a radius for every sample, with its witness.
public struct RobustnessResult<Scalar: LinearScalar>: Sendable {
  /// The norm of all radii.
  public let norm: Norm
  /// One entry a sample, in the order of the data.
  public internal(set) var samples: [SampleRobustness]
  /// The smallest adversarial perturbations found, (n, inputDimension); zeros where there is none.
  public internal(set) var perturbations: Matrix<Scalar>
  /// Perturbations an attack took for adversarial that an independent evaluation did not confirm.
  public internal(set) var unconfirmed = 0
  /// Whether the work was done in double precision, because single precision had no gradient to follow.
  public internal(set) var usedDoublePrecision = false
  /// Reasons not to trust the result, in words; empty when no check objects.
  public internal(set) var flags: [String] = []
  /// The reduction the samples were attacked in; nil where the network was attacked as it is.
  package internal(set) var reduction: ReductionSummary?
  /// With a reduction, the most by which it may have moved a radius, to first order: the largest
  /// ``ReducedNetwork/radiusUncertainty(at:labels:)`` of an adversarial sample.
  public internal(set) var radiusUncertainty: Double?

  /// The unit of length of ``perturbations``, a power of two; all radii are in the user's units.
  public internal(set) var unit = 1.0

  /// Whether no check objects.
  public var isReliable: Bool { flags.isEmpty }

  /// Whether samples were to be predicted as targets.
  public var isTargeted: Bool { samples.contains { $0.target != nil } }

  /// The samples that curves and medians are of: all but those whose label is their target.
  package var counted: [SampleRobustness] { samples.filter { $0.status != .excluded } }

  /// The share of samples classified correctly without perturbation. With targets: of the samples whose label
  /// is not their target.
  public var cleanAccuracy: Double {
    let counted = counted
    let correct = counted.count {
      $0.target == nil ? $0.status != .misclassified : $0.predicted == $0.label
    }
    return Double(correct) / Double(max(1, counted.count))
  }

  /// The share of samples that no perturbation found of size at most `epsilon` fools. Falls
  /// monotonically in epsilon by construction; the clean accuracy at 0.
  ///
  /// With targets a sample is fooled where it is predicted as its target, the share is of the samples whose
  /// label is another, and at 0 it is that of those not predicted as the target.
  public func robustAccuracy(epsilon: Double) -> Double {
    accuracy(ofRadii: counted.lazy.map(\.radius), beyond: epsilon)
  }

  /// The median of the samples' radii, with 0 for misclassified ones, where robust accuracy crosses 1/2: of an
  /// even count it is 1/2 between the two middle radii, and this is their mean. Infinite where half of the
  /// samples survive.
  public var medianRadius: Double { median(counted.map(\.radius)) ?? .nan }

  /// The name of ``medianRadius`` in version 0.1.
  @available(*, deprecated, renamed: "medianRadius")
  public var halfRadius: Double { medianRadius }

  /// Radii found in a unit of length, in the user's units.
  public mutating func scaleLengths(by unit: Double) {
    if unit == 1 { return }
    self.unit *= unit
    for i in samples.indices { samples[i].radius *= unit }
    radiusUncertainty = radiusUncertainty.map { $0 * unit }
  }

  /// Bounds of outputs for a network times a number.
  public mutating func scaleOutputs(by factor: Double) {
    reduction = reduction?.scaled(by: factor)
  }

  /// Takes over what was found for a chunk of samples.
  mutating func take(_ chunk: EvaluationChunk<Scalar>) {
    for (row, i) in chunk.rows.enumerated() {
      samples[i].gradientPasses = chunk.gradientPasses[row]
      samples[i].forwardPasses = chunk.forwardPasses[row]
      guard chunk.radii[row].isFinite else { continue }
      samples[i].radius = chunk.radii[row]
      samples[i].attack = chunk.attacks[row]
      samples[i].status = .attacked
      perturbations.copyRow(i, from: chunk.perturbations, row: row)
    }
    unconfirmed += chunk.unconfirmed
  }

  /// Takes over what another evaluation of some samples has found: row `rows[k]` from its sample k.
  mutating func take(_ other: RobustnessResult<Scalar>, rows: [Int]) {
    for (row, i) in rows.enumerated() {
      let found = other.samples[row]
      samples[i] = SampleRobustness(
        index: i, label: samples[i].label, predicted: samples[i].predicted, radius: found.radius,
        attack: found.attack, status: found.status, gradientPasses: found.gradientPasses,
        forwardPasses: found.forwardPasses, target: samples[i].target)
      perturbations.copyRow(i, from: other.perturbations, row: row)
    }
    unconfirmed += other.unconfirmed
  }
}
