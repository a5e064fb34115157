import Figures
import Foundation

/// The words of the experiment on CIFAR-10, computed from the results.
struct CIFAR10Account {
  let settings: CIFAR10Settings
  let results: SweepResults<CIFAR10Cell>
  let rates: [CIFAR10TrainingCell: Double]
  let figures: CIFAR10Figures
  /// Trained numbers of each network.
  let parameterCounts: [CIFAR10Network: Int]

  var account: SweepAccount {
    SweepAccount(
      title: "Degree and robustness of deep networks on CIFAR-10", subtitle: subtitle,
      introduction:
        "Networks of a kind differ in the degree alone. \(emphasis: "last epoch") is after all epochs; "
        + "\(emphasis: "matched accuracy") is when the validation accuracy first is at the highest percent that "
        + "the networks of every degree with this seed reach; \(emphasis: "p = 1 stopped at its accuracy") is the "
        + "network of p = 1 when its validation accuracy first is at the highest percent that the row's "
        + "degree reaches, so that no radius is owed to a worse or better classifier; "
        + "\(emphasis: "adversarial training") is the reference point for what robustness means here. Radii "
        + "are upper bounds. Median and mean are of all attacked images, where those misclassified count "
        + "as 0, but for the median of those classified correctly. Rank W and rank H are means over layers. Attacks on "
        + "the networks of the first seed are checked for signs of weakness after the last epoch.",
      answer: answer, findings: findings,
      figures: [
        figure(
          "robust-accuracy", figures.robustness(.end, beside: .adversarial),
          "after the last epoch", dashed: "adversarial training, first seed"),
        figure(
          "robust-accuracy-pairs", figures.robustness(.end, beside: .counterpart),
          "after the last epoch",
          dashed: "p = 1, stopped at the accuracy of the degree of that colour"),
        figure(
          "robust-accuracy-matched", figures.robustness(.matched, beside: .adversarial),
          "at an accuracy that all degrees reach", dashed: "adversarial training, first seed"),
        SweepFigure(
          "stable-ranks", figures.stableRanks,
          caption:
            "Stable rank of the weights, (filters, values of a patch) or (neurons, inputs), and of "
            + "the features of \(settings.rankSamples) held-out images, behind each layer of neurons, "
            + "after the last epoch. Dashed: adversarial training.",
          alternative: "Stable rank against the layer for each degree"),
        SweepFigure(
          "training", figures.training,
          caption: "Accuracy on the 1,000 validation images in the course of ordinary training.",
          alternative: "Validation accuracy against epochs for each degree"),
      ],
      blocks: [.paragraph(Prose(rateSentence))], remarks: [rateSentence])
  }

  private func figure(
    _ name: String, _ figure: PanelFigure, _ moment: String, dashed: String
  ) -> SweepFigure {
    SweepFigure(
      name, figure,
      caption:
        "Robust accuracy of held-out images \(moment), \(settings.attackedImages) with each of "
        + "\(settings.repeats) seed(s), by the attack \(settings.attack). Bands: 95% intervals over seeds. "
        + "Dashed: \(dashed).",
      alternative: "Robust accuracy against radius for each degree \(moment)")
  }

  private var subtitle: String {
    let counts = CIFAR10Network.allCases.map {
      "\($0.rawValue) \(parameterCounts[$0] ?? 0) weights, \($0.epochs(settings)) epochs"
    }
    return "Preset \(settings.preset.rawValue): \(settings.trainLimit) training images; "
      + counts.joined(separator: "; ") + "; AdamW, batch \(settings.batchSize), crop and flip; "
      + "\(settings.repeats) seed(s)"
  }

  private var rateSentence: String {
    let parts = CIFAR10Network.allCases.map { network in
      let values = settings.degrees.map { p in
        let rate = rates[CIFAR10TrainingCell(network: network, p: p, isAdversarial: false)]
        return rate.map { "\($0)" } ?? "–"
      }
      return "\(network.rawValue) \(values.joined(separator: ", "))"
    }
    return "Learning rates chosen on the validation images for p = \(degrees): "
      + parts.joined(separator: "; ") + "."
  }

  private var degrees: String { settings.degrees.map { $0.formatted() }.joined(separator: ", ") }

  // MARK: - Differences between degrees

  private func cell(_ network: CIFAR10Network, _ p: Double, _ moment: CIFAR10Cell.Moment)
    -> CIFAR10Cell
  {
    CIFAR10Cell(network: network, p: p, moment: moment)
  }

  /// What is compared image by image.
  enum Measure: String, CaseIterable {
    case radius = "mean l2 radius"
    case l2 = "robust accuracy at l2 0.25"
    case linf = "robust accuracy at linf 2/255"

    fileprivate func value(_ run: SweepMeasurement) -> [Double]? {
      run.curves[CIFAR10Measurement.radii(self == .linf ? .linf : .l2)]?.map { radius in
        switch self {
        case .radius: radius
        case .l2: radius > 0.25 ? 1 : 0
        case .linf: radius > 2.0 / 255 ? 1 : 0
        }
      }
    }
  }

  /// What the images of all seeds have with one cell less what they have with another: the same images, so
  /// that it does not matter how hard they are.
  func difference(_ measure: Measure, _ a: CIFAR10Cell, _ b: CIFAR10Cell) -> MeanInterval {
    MeanInterval(
      zip(results.measurements(a), results.measurements(b)).flatMap { a, b -> [Double] in
        guard a.failure == nil, b.failure == nil, let x = measure.value(a),
          let y = measure.value(b)
        else { return [] }
        return zip(x, y).map { $0 - $1 }
      })
  }

  /// The degrees above the first, after the last epoch, against the first degree's network stopped at the
  /// same accuracy.
  private func differences(_ network: CIFAR10Network, _ measure: Measure)
    -> [(p: Double, interval: MeanInterval)]
  {
    settings.degrees.dropFirst().map { p in
      (p, difference(measure, cell(network, p, .end), cell(network, p, .counterpart)))
    }
  }

  private var findings: [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for network in CIFAR10Network.allCases {
      for measure in Measure.allCases {
        for (p, interval) in differences(network, measure) {
          guard let mean = interval.mean else { continue }
          findings[
            "\(network.rawValue), p = \(p.formatted()) less p = 1 at equal accuracy: \(measure.rawValue)"
          ] =
            interval.halfWidth.map { .interval(value: mean, halfWidth: $0) } ?? .number(mean)
        }
      }
    }
    return findings
  }

  // MARK: - The answer

  private var answer: String {
    (CIFAR10Network.allCases.map(sentences) + [adversarialSentence]).joined(separator: " ")
  }

  private func list(
    _ metric: SweepMetric, _ network: CIFAR10Network, _ moment: CIFAR10Cell.Moment, digits: Int = 3
  ) -> String {
    settings.degrees.map { p in
      results.interval(metric.key, cell(network, p, moment)).mean
        .map { String(format: "%.\(digits)f", $0) }
    }.compactMap { $0 }.joined(separator: ", ")
  }

  private func sentences(_ network: CIFAR10Network) -> String {
    func values(_ metric: SweepMetric, _ moment: CIFAR10Cell.Moment) -> String {
      list(metric, network, moment, digits: metric.digits)
    }
    let radius = CIFAR10Measurement.medianRadiusOfCorrect
    func changes(_ measure: Measure) -> String {
      differences(network, measure).map { "\(signed($0.interval)) (p = \($0.p.formatted()))" }
        .joined(separator: ", ")
    }
    return "The \(network.rawValue) network with p = \(degrees) has held-out accuracy "
      + "\(values(CIFAR10Measurement.heldOutAccuracy, .end)) after the last epoch, median l2 radius of "
      + "correctly classified images \(values(radius, .end)), and stable rank of the features "
      + "\(values(CIFAR10Measurement.featureRank, .end)). Less that of p = 1 stopped at the same validation "
      + "accuracy, image by image, its mean radius is \(changes(.radius)), robust accuracy at l2 0.25 "
      + "\(changes(.l2)) and at linf 2/255 \(changes(.linf)): \(verdict(network)). Stopped where all degrees "
      + "have the same accuracy (held-out \(values(CIFAR10Measurement.heldOutAccuracy, .matched))), the median "
      + "radii are \(values(radius, .matched))."
  }

  private func signed(_ interval: MeanInterval) -> String {
    guard let mean = interval.mean else { return "–" }
    // Adding 0 makes "-0.000" positive.
    let text = String(format: "%+.3f", (1000 * mean).rounded() / 1000 + 0)
    return interval.halfWidth.map { "\(text) ± \(String(format: "%.3f", $0))" } ?? text
  }

  /// What the differences of radii at equal accuracy say.
  private func verdict(_ network: CIFAR10Network) -> String {
    let all = differences(network, .radius)
    let images = all.map(\.interval.count).max() ?? 0
    func degrees(_ isMeant: (MeanInterval) -> Bool) -> String? {
      let found = all.filter { $0.interval.halfWidth != nil && isMeant($0.interval) }
      return found.isEmpty
        ? nil : "p = " + found.map { $0.p.formatted() }.joined(separator: ", ")
    }
    let parts =
      (degrees { $0.lower > 0 }.map { ["larger radii for \($0)"] } ?? [])
      + (degrees { $0.upper < 0 }.map { ["smaller radii for \($0)"] } ?? [])
    return parts.isEmpty
      ? "no difference of radii that \(images) images can tell"
      : parts.joined(separator: ", ") + ", outside the 95% interval over \(images) images"
  }

  /// What adversarial training does on the images of the first seed, and how a degree alone compares.
  private var adversarialSentence: String {
    let metric = CIFAR10Measurement.l2Accuracy
    func value(_ metric: SweepMetric, _ p: Double, _ moment: CIFAR10Cell.Moment) -> Double? {
      results.measurements(cell(.convolutional, p, moment)).first?.metrics[metric.key]
    }
    let rows = settings.adversarialDegrees.compactMap { p -> String? in
      let radius = CIFAR10Measurement.medianRadiusOfCorrect
      guard let after = value(metric, p, .adversarial), let before = value(metric, p, .end),
        let radiusAfter = value(radius, p, .adversarial), let radiusBefore = value(radius, p, .end)
      else { return nil }
      let accuracy = value(CIFAR10Measurement.heldOutAccuracy, p, .adversarial) ?? .nan
      return String(
        format:
          "for p = %@ from %.3f to %.3f, and the median radius from %.3f to %.3f, at held-out "
          + "accuracy %.3f", p.formatted(), before, after, radiusBefore, radiusAfter, accuracy)
    }
    guard !rows.isEmpty else { return "No network was trained on perturbed images." }
    var text =
      "Adversarial training of the convolutional network (\(settings.adversarial.norm.rawValue) radius "
      + "\(settings.adversarial.epsilon), \(settings.adversarial.steps) steps, "
      + "\(settings.adversarialEpochs) epochs) moves robust accuracy at l2 0.25 on the images of the first "
      + "seed " + rows.joined(separator: "; ")
    let changes = differences(.convolutional, .l2).compactMap { p, interval in
      interval.mean.map { (p, $0) }
    }
    if let best = changes.max(by: { $0.1 < $1.1 }) {
      text +=
        best.1 > 0
        ? String(
          format: ". A degree alone adds at most %.3f at equal accuracy (p = %@)", best.1,
          best.0.formatted())
        : ". No degree alone adds to it at equal accuracy"
    }
    return text + "."
  }
}
