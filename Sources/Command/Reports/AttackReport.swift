import Attacks
import Datasets
import Experiments
import Figures
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
  }

  private struct Reduction: Encodable {
    let neurons: Int
    let rank: Int
    let errorBound: Double
  }

  /// Sums up a result.
  init(_ result: RobustnessResult<Float>, attack: String, epsilons: [Double], seconds: Double) {
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
        }))
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
      header: ["\(summary.norm.rawValue) radius", "robust accuracy"], alignments: [.right, .right])
    for point in summary.curve {
      table.append([Format.significant(point.epsilon), Format.share(point.robustAccuracy)])
    }
    let half =
      summary.medianRadius.map {
        "\(Format.significant($0)) (the attack fools half of the samples at this size)"
      } ?? "none, at least half of the samples survive the attack"
    var text = table.text
    text += "\nsamples: \(summary.samples), clean accuracy \(Format.share(summary.cleanAccuracy))\n"
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
