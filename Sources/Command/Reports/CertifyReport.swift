import Certification
import Experiments
import Figures
import Formats
import LinearCore
import Runs
import Studies

/// What `polyrelu certify` says in the end.
struct CertifyReport {
  private let norm: Norm
  private let samples: [CertifiedRadius]
  private let smoothed: [SmoothedRadius]?
  private let smoothing: SmoothingSettings?
  private let summary: Summary
  /// What radii of the result are multiplied by.
  private let unit: Double

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
    /// As the data state it: an integer or a name.
    let label: ClassLabel
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
    /// Of a network of one hidden layer.
    var rank: Int?
    var errorBound: Double?
    /// Of one of several.
    var layers: Int?
  }

  /// Sums up a result on a model and data in common units.
  ///
  /// - Parameter classes: the value of every class.
  init(
    _ result: CertificationStudy.Result, of fitted: FittedModel, classes: [ClassLabel],
    seconds: Double
  ) {
    norm = result.norm
    samples = result.samples
    (smoothed, smoothing) = (result.smoothed, result.smoothing)
    let unit = fitted.unit
    self.unit = unit
    summary = Summary(
      norm: result.norm,
      samples: result.samples.enumerated().map { row, sample in
        Sample(
          index: sample.index, label: classes[sample.label], lower: unit * sample.lower,
          upper: Nullable(wrappedValue: sample.upper.isFinite ? unit * sample.upper : nil),
          status: sample.status, seconds: sample.seconds,
          smoothing: Self.smoothing(result.smoothed?[row], result.smoothing, unit))
      },
      medianGap: Nullable(wrappedValue: result.medianGap), seconds: seconds,
      network: Network(
        neurons: result.effective.neurons, rank: result.effective.rank,
        errorBound: fitted.contributionScale * result.effective.errorBound))
  }

  /// Sums up a result of a network of several layers.
  init(_ result: DeepCertificationStudy.Result, classes: [ClassLabel], seconds: Double) {
    norm = result.norm
    samples = result.samples
    (smoothed, smoothing, unit) = (nil, nil, 1)
    summary = Summary(
      norm: result.norm,
      samples: result.samples.map { sample in
        Sample(
          index: sample.index, label: classes[sample.label], lower: sample.lower,
          upper: Nullable(wrappedValue: sample.upper.isFinite ? sample.upper : nil),
          status: sample.status, seconds: sample.seconds, smoothing: nil)
      },
      medianGap: Nullable(
        wrappedValue: median(result.samples.filter { $0.status != .misclassified }.map(\.gap))),
      seconds: seconds, network: Network(neurons: result.neurons, layers: result.layers))
  }

  private static func smoothing(
    _ radius: SmoothedRadius?, _ settings: SmoothingSettings?, _ unit: Double
  ) -> Smoothing? {
    guard let radius, let settings else { return nil }
    return Smoothing(
      radius: unit * radius.radius, abstained: radius.status == .abstained, status: radius.status,
      samples: settings.samples, confidence: settings.confidence, sigma: settings.sigma)
  }

  var json: String { JSONText.encode(summary) }

  /// How many samples ended how, and quantiles of both bounds.
  var text: String {
    var table = TerminalTable(
      header: ["quantile", "proved", "attacked"] + (smoothed == nil ? [] : ["smoothed"]))
    let columns =
      [samples.map(\.lower), samples.map(\.upper)]
      + (smoothed.map { [$0.map(\.radius)] } ?? [])
    for share in [0.1, 0.25, 0.5, 0.75, 0.9] {
      table.append(
        [Format.share(share)]
          + columns.map { Format.significant(unit * (quantile($0, share) ?? .nan)) })
    }
    var text = "\(norm.rawValue) radii of \(samples.count) samples\n" + table.text + "\n"
    for status in [
      CertifiedRadius.Status.exact, .unreachable, .bounded, .misclassified, .contradictory,
    ] {
      let count = samples.count { $0.status == status }
      if [.unreachable, .contradictory].contains(status) && count == 0 { continue }
      text += "\(status.rawValue): \(count)\n"
    }
    if let gap = summary.medianGap { text += "median gap: \(Format.significant(gap))\n" }
    text += smoothingText
    text += networkText
    text += "time: \(ProgressReporter.duration(summary.seconds))\n"
    return text
  }

  private var networkText: String {
    let network = summary.network
    if let layers = network.layers {
      return "network: \(network.neurons) neurons in \(layers) layers\n"
    }
    return "network: \(network.neurons) neurons, \(network.rank ?? 0) dimensions; outputs within "
      + "\(Format.significant(network.errorBound ?? 0)) of the network's at ||x|| = 1\n"
  }

  private var smoothingText: String {
    guard let smoothed, let settings = smoothing else { return "" }
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
    return "verified: \(radii.count) samples, median radius "
      + "\(Format.significant(median(radii) ?? 0))\n"
  }
}
