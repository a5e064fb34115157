import Certification
import Experiments
import Figures
import LinearCore

/// What `polyrelu certify` says in the end.
struct CertifyReport {
  private let result: CertificationStudy.Result
  private let summary: Summary

  /// The JSON document.
  private struct Summary: Encodable {
    let norm: Norm
    let samples: [Sample]
    /// Null without samples that are classified correctly.
    @Nullable var medianGap: Double?
    let seconds: Double
    let network: Network
  }

  private struct Sample: Encodable {
    let index: Int
    let label: Int
    let lower: Double
    /// Null where no adversarial perturbation is known.
    @Nullable var upper: Double?
    let status: CertifiedRadius.Status
    let seconds: Double
  }

  /// What the certificates speak about.
  private struct Network: Encodable {
    let neurons: Int
    let rank: Int
    let errorBound: Double
  }

  /// Sums up a result.
  init(_ result: CertificationStudy.Result, seconds: Double) {
    self.result = result
    summary = Summary(
      norm: result.norm,
      samples: result.samples.map {
        Sample(
          index: $0.index, label: $0.label, lower: $0.lower,
          upper: Nullable(wrappedValue: $0.upper.isFinite ? $0.upper : nil), status: $0.status,
          seconds: $0.seconds)
      },
      medianGap: Nullable(wrappedValue: result.medianGap), seconds: seconds,
      network: Network(
        neurons: result.effective.neurons, rank: result.effective.rank,
        errorBound: result.effective.errorBound))
  }

  /// One JSON document.
  var json: String { JSONText.encode(summary) }

  /// How many samples ended how, and quantiles of both bounds.
  var text: String {
    let samples = result.samples
    var table = TerminalTable(
      header: ["quantile", "proved", "attacked"], alignments: [.right, .right, .right])
    let (lower, upper) = (samples.map(\.lower).sorted(), samples.map(\.upper).sorted())
    for share in [0.1, 0.25, 0.5, 0.75, 0.9] {
      let position = min(samples.count - 1, Int(share * Double(samples.count)))
      table.append([
        Format.share(share), Format.significant(lower[position]),
        Format.significant(upper[position]),
      ])
    }
    var text = "\(result.norm.rawValue) radii of \(samples.count) samples\n" + table.text + "\n"
    for status in [CertifiedRadius.Status.exact, .bounded, .misclassified] {
      text += "\(status.rawValue): \(samples.count { $0.status == status })\n"
    }
    if let gap = result.medianGap { text += "median gap: \(Format.significant(gap))\n" }
    let effective = result.effective
    text += "network: \(effective.neurons) neurons, \(effective.rank) dimensions; outputs within "
    text += "\(Format.significant(effective.errorBound)) of the network's at ||x|| = 1\n"
    text += "time: \(ProgressReporter.duration(summary.seconds))\n"
    return text
  }

  private struct Checked: Encodable {
    let verified: Int
    let radii: [Double]
  }

  /// The radii that stored certificates prove.
  static func json(checked radii: [Double]) -> String {
    JSONText.encode(Checked(verified: radii.count, radii: radii))
  }

  /// The same in words.
  static func text(checked radii: [Double]) -> String {
    let sorted = radii.sorted()
    return "verified: \(radii.count) samples, median radius "
      + "\(Format.significant(sorted.isEmpty ? 0 : sorted[sorted.count / 2]))\n"
  }
}
