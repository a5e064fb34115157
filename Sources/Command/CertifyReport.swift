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
    /// Absent unless asked for.
    let smoothing: Smoothing?
  }

  /// A radius of the smoothed network, another classifier.
  private struct Smoothing: Encodable {
    let radius: Double
    let abstained: Bool
    let status: SmoothedRadius.Status
    let samples: Int
    let confidence: Double
    let sigma: Double
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
      samples: result.samples.enumerated().map { row, sample in
        Sample(
          index: sample.index, label: sample.label, lower: sample.lower,
          upper: Nullable(wrappedValue: sample.upper.isFinite ? sample.upper : nil),
          status: sample.status, seconds: sample.seconds,
          smoothing: Self.smoothing(result.smoothed?[row], result.smoothing))
      },
      medianGap: Nullable(wrappedValue: result.medianGap), seconds: seconds,
      network: Network(
        neurons: result.effective.neurons, rank: result.effective.rank,
        errorBound: result.effective.errorBound))
  }

  private static func smoothing(_ radius: SmoothedRadius?, _ settings: SmoothingSettings?)
    -> Smoothing?
  {
    guard let radius, let settings else { return nil }
    return Smoothing(
      radius: radius.radius, abstained: radius.status == .abstained, status: radius.status,
      samples: settings.samples, confidence: settings.confidence, sigma: settings.sigma)
  }

  /// One JSON document.
  var json: String { JSONText.encode(summary) }

  /// How many samples ended how, and quantiles of both bounds.
  var text: String {
    let samples = result.samples
    var table = TerminalTable(
      header: ["quantile", "proved", "attacked"] + (result.smoothed == nil ? [] : ["smoothed"]))
    let (lower, upper) = (samples.map(\.lower).sorted(), samples.map(\.upper).sorted())
    let smoothed = result.smoothed?.map(\.radius).sorted()
    for share in [0.1, 0.25, 0.5, 0.75, 0.9] {
      let position = min(samples.count - 1, Int(saturating: share * Double(samples.count)))
      table.append(
        [
          Format.share(share), Format.significant(lower[position]),
          Format.significant(upper[position]),
        ] + (smoothed.map { [Format.significant($0[position])] } ?? []))
    }
    var text = "\(result.norm.rawValue) radii of \(samples.count) samples\n" + table.text + "\n"
    for status in [CertifiedRadius.Status.exact, .bounded, .misclassified] {
      text += "\(status.rawValue): \(samples.count { $0.status == status })\n"
    }
    if let gap = result.medianGap { text += "median gap: \(Format.significant(gap))\n" }
    text += smoothingText
    let effective = result.effective
    text += "network: \(effective.neurons) neurons, \(effective.rank) dimensions; outputs within "
    text += "\(Format.significant(effective.errorBound)) of the network's at ||x|| = 1\n"
    text += "time: \(ProgressReporter.duration(summary.seconds))\n"
    return text
  }

  private var smoothingText: String {
    guard let smoothed = result.smoothed, let settings = result.smoothing else { return "" }
    return "smoothed: radii of another classifier, the network under Gaussian noise of "
      + "\(Format.significant(settings.sigma)) a coordinate, each with confidence "
      + "\(Format.significant(settings.confidence)) from \(settings.samples) copies, at most "
      + "\(Format.significant(settings.largestRadius)); abstained: "
      + "\(smoothed.count { $0.status == .abstained })\n"
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
