import Attacks
import Datasets
import Experiments
import Figures
import Formats
import LinearCore
import Networks
import Runs
import Studies

/// What `polyrelu attack` says in the end.
struct AttackReport {
  private let result: RobustnessResult<Float>
  private let summary: Summary

  private struct Summary: Encodable {
    let cleanAccuracy: Double
    let norm: Norm
    let attack: String
    let curve: [RobustnessCurve.Point]
    /// The median radius; null when at least half of the samples survive every attack.
    @Nullable var medianRadius: Double?
    /// The same under the name of version 0.1, for one version.
    @Nullable var halfRadius: Double?
    let reliable: Bool
    let flags: [String]
    let samples: Int
    /// Absent in run directories, where `timing.json` has it.
    var seconds: Double?
    /// Null where the network was attacked as it is.
    @Nullable var reduction: Reduction?
    /// Absent where any class but the label would do.
    let targets: Targets?
  }

  private struct Targets: Encodable {
    /// The values of the classes that samples were to be predicted as.
    let classes: [ClassLabel]
    /// Samples whose label is not their target; curve, accuracy and median are of these.
    let attacked: Int
    /// Samples that are left out because their label is their target.
    let excluded: Int
    /// Samples predicted as their target without any perturbation, of those with another label.
    let reachedUnperturbed: Int

    var text: String {
      let noun = classes.count == 1 ? "target" : "targets"
      var text = "\(noun): \(ClassLabel.listing(classes)); "
      text += "predicted so without any perturbation: \(reachedUnperturbed)\n"
      if excluded > 0 { text += "left out, as their label is the target: \(excluded)\n" }
      return text
    }

    /// Nil for an attack without targets.
    init?(_ result: RobustnessResult<Float>, classes: [ClassLabel]) {
      guard result.isTargeted else { return nil }
      self.classes = Set(result.samples.compactMap(\.target)).sorted().map { classes[$0] }
      attacked = result.counted.count
      excluded = result.samples.count - attacked
      reachedUnperturbed = result.samples.count { $0.status == .misclassified }
    }
  }

  private struct Reduction: Encodable {
    let neurons: Int
    let rank: Int
    let errorBound: Double
  }

  /// Sums up a result.
  ///
  /// - Parameter classes: the values of the classes.
  init(
    _ result: RobustnessResult<Float>, attack: String, epsilons: [Double], seconds: Double,
    classes: [ClassLabel]
  ) {
    self.result = result
    let radius = Nullable(
      wrappedValue: result.medianRadius.isFinite ? result.medianRadius : nil)
    summary = Summary(
      cleanAccuracy: result.cleanAccuracy, norm: result.norm, attack: attack,
      curve: RobustnessCurve(result, epsilons: epsilons).points,
      medianRadius: radius, halfRadius: radius,
      reliable: result.isReliable, flags: result.flags, samples: result.samples.count,
      seconds: seconds,
      reduction: Nullable(
        wrappedValue: result.reduction.map {
          Reduction(neurons: $0.neurons, rank: $0.rank, errorBound: $0.errorBound)
        }), targets: Targets(result, classes: classes))
  }

  var json: String { JSONText.encode(summary) }

  /// The same without seconds, as a run directory keeps it.
  var storedJSON: String {
    var stored = summary
    stored.seconds = nil
    return JSONText.encode(stored)
  }

  /// The curve as a table, the median radius, and the flags in words.
  var text: String {
    var table = TerminalTable(
      header: [
        "\(summary.norm.rawValue) radius",
        summary.targets == nil ? "robust accuracy" : "not predicted as target",
      ], alignments: [.right, .right])
    for point in summary.curve {
      table.append([Format.significant(point.epsilon), Format.share(point.robustAccuracy)])
    }
    let half =
      summary.medianRadius.map {
        "\(Format.significant($0)) (the attack fools half of the samples at this size)"
      } ?? "none, at least half of the samples survive the attack"
    var text = table.text
    text += "\nsamples: \(summary.targets?.attacked ?? summary.samples), "
    text += "clean accuracy \(Format.share(summary.cleanAccuracy))\n"
    if let targets = summary.targets { text += targets.text }
    text += "median radius: \(half)\n"
    text += "attack: \(summary.attack), \(ProgressReporter.duration(summary.seconds ?? 0))\n"
    if let reduction = result.reduction {
      text += "reduction: \(reduction.neurons) of \(reduction.originalNeurons) neurons, "
      text += "\(reduction.rank) of \(reduction.originalDimension) dimensions; outputs within "
      text += "\(Format.significant(reduction.errorBound)) of the network's at ||x|| = 1\n"
      if let uncertainty = result.radiusUncertainty {
        text +=
          uncertainty.isFinite
          ? "radii may differ by up to \(Format.significant(uncertainty)) for that\n"
          : "where the outputs hardly change, radii may differ by any amount for that\n"
      }
    }
    if result.usedDoublePrecision {
      text += "computed in double precision: single precision has no gradients here\n"
    }
    for flag in summary.flags { text += "UNRELIABLE: \(flag)\n" }
    return text
  }
}

/// A value that JSON shows as null where there is none, instead of leaving it out.
@propertyWrapper
struct Nullable<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
