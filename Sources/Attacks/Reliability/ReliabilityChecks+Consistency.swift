import LinearCore
import Networks

extension ReliabilityChecks {
  /// Is the classifier one function of its input: on a second call, sample by sample instead of all
  /// together, in double precision? And are its logits of a size that other tools can work with?
  func consistencyFlags(_ probes: Probes, unconfirmed: Int) -> [String] {
    var flags: [String] = []
    let logits = probes.classifier.logits(probes.inputs)
    let classes = predictedClasses(logits)
    func disagreements(_ others: [Int]) -> Int { zip(classes, others).count { $0 != $1 } }

    let overflowing = (0..<logits.rows).count { row in
      logits.row(row).contains { !$0.isFinite }
    }
    if overflowing > 0 {
      let precision = C.Scalar.self == Float.self ? "single" : "double"
      return [
        "on \(overflowing) of \(probes.count) samples the outputs overflow \(precision) precision: classes "
          + "and radii mean nothing there; make weights or samples smaller"
      ]
    }
    let again = changes(logits, probes.classifier.logits(probes.inputs))
    if again > 0 {
      flags.append(
        "the model answers otherwise on \(again) of \(probes.count) samples when it is asked once "
          + "more: its outputs are random, and no attack on single outputs measures its robustness; "
          + "attack the mean over many outputs")
    }
    let single = disagreements(
      (0..<probes.count).map { probes.classifier.predictions(probes.inputs.rows(at: [$0]))[0] })
    if again == 0 && single > 0 {
      flags.append(
        "\(single) of \(probes.count) samples are classified otherwise alone than in a batch: the "
          + "model mixes the samples of a batch; evaluate it in inference mode")
    }
    let exact = disagreements(
      predictedClasses(probes.classifier.referenceLogits(probes.inputs.converted())))
    if again == 0 && single == 0 && Self.isMany(exact, of: probes.count) {
      flags.append(
        "\(exact) of \(probes.count) samples are classified otherwise in double precision: single "
          + "precision does not carry this model; train or rescale it, or evaluate it in double "
          + "precision")
    }
    if unconfirmed > 0 {
      flags.append(
        "\(unconfirmed) adversarial samples fool in single precision only and were not counted: "
          + "the boundary lies below the precision of the model's outputs")
    }
    let margins = classificationMargins(logits, labels: probes.labels).map { Double($0) }
    let saturated = margins.count { !($0 < Self.largestMargin) }
    if 2 * saturated > probes.count {
      flags.append(
        "on \(saturated) of \(probes.count) samples the margin exceeds \(Int(saturating: Self.largestMargin)): "
          + "the cross-entropy of so large logits has no gradient in single precision, which masks "
          + "the model from most attacks; divide the logits by a constant, which changes no "
          + "prediction")
    }
    return flags
  }

  /// How many rows of logits differ by more than sums of another order do: noise that changes no class at
  /// the samples still hides the boundary.
  private func changes(_ first: Matrix<C.Scalar>, _ second: Matrix<C.Scalar>) -> Int {
    let largest = first.elements.reduce(0) { max($0, $1.magnitude) }
    return (0..<first.rows).count { i in
      zip(first.row(i), second.row(i)).contains {
        !(($0 - $1).magnitude <= 1e-4 * largest) && $0 != $1
      }
    }
  }

  /// exp(-104) is 0 in single precision; networks that training made confident stay far below this.
  private static var largestMargin: Double { 1000 }
}
