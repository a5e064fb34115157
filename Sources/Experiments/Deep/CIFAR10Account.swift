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
        + "the networks of every degree with this seed reach, so that no radius is owed to a worse or better "
        + "classifier; \(emphasis: "adversarial training") is the reference point for what robustness means "
        + "here. Radii are upper bounds; those of misclassified images count as 0 in the median, which is "
        + "of all attacked images. Rank W and rank H are means over layers.",
      answer: answer, findings: findings,
      figures: [
        figure("robust-accuracy", figures.robustness(.end), "after the last epoch"),
        figure(
          "robust-accuracy-matched", figures.robustness(.matched), "at matched clean accuracy"),
        SweepFigure(
          "stable-ranks", figures.stableRanks,
          caption:
            "Stable rank of the weights, (filters, values of a patch) or (neurons, inputs), and of "
            + "the features of \(settings.rankSamples) held-out images, behind each layer of neurons, "
            + "after the last epoch.",
          alternative: "Stable rank against the layer for each degree"),
        SweepFigure(
          "training", figures.training,
          caption: "Accuracy on the 1,000 validation images in the course of ordinary training.",
          alternative: "Validation accuracy against epochs for each degree"),
      ],
      blocks: [.paragraph(Prose(rateSentence))], remarks: [rateSentence])
  }

  private func figure(_ name: String, _ figure: PanelFigure, _ moment: String) -> SweepFigure {
    SweepFigure(
      name, figure,
      caption:
        "Robust accuracy of held-out images \(moment), \(settings.attackedImages) with each of "
        + "\(settings.repeats) seed(s), by the attack \(settings.attack). Bands: 95% intervals over seeds. "
        + "Dashed: adversarial training, first seed.",
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

  /// A metric of one cell less that of another, seed by seed: the images are the same.
  func difference(_ metric: SweepMetric, _ a: CIFAR10Cell, _ b: CIFAR10Cell) -> MeanInterval {
    MeanInterval(
      zip(results.measurements(a), results.measurements(b)).compactMap { a, b in
        guard a.failure == nil, b.failure == nil, let x = a.metrics[metric.key],
          let y = b.metrics[metric.key]
        else { return nil }
        return x - y
      })
  }

  /// The degrees above the first, with how their median radius at a moment differs from the first's.
  private func differences(_ network: CIFAR10Network, _ moment: CIFAR10Cell.Moment)
    -> [(p: Double, interval: MeanInterval)]
  {
    settings.degrees.dropFirst().map { p in
      (
        p,
        difference(
          CIFAR10Measurement.medianRadius, cell(network, p, moment),
          cell(network, settings.degrees[0], moment))
      )
    }
  }

  private var findings: [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for network in CIFAR10Network.allCases {
      for moment in [CIFAR10Cell.Moment.end, .matched] {
        for (p, interval) in differences(network, moment) {
          guard let mean = interval.mean else { continue }
          findings[
            "\(network.rawValue), \(moment.rawValue): median l2 radius of p = \(p.formatted()) less "
              + "that of p = \(settings.degrees[0].formatted())"] =
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

  private func list(_ metric: SweepMetric, _ network: CIFAR10Network, _ moment: CIFAR10Cell.Moment)
    -> String
  {
    settings.degrees.map { p in
      let mean = results.interval(metric.key, cell(network, p, moment)).mean
      return mean.map { String(format: "%.3f", $0) } ?? "–"
    }.joined(separator: ", ")
  }

  private func sentences(_ network: CIFAR10Network) -> String {
    func numbers(_ moment: CIFAR10Cell.Moment) -> String {
      "held-out accuracy \(list(CIFAR10Measurement.heldOutAccuracy, network, moment)) and median l2 "
        + "radius \(list(CIFAR10Measurement.medianRadius, network, moment))"
    }
    let differences = differences(network, .matched).map { p, interval in
      "\(signed(interval)) (p = \(p.formatted()))"
    }
    return
      "The \(network.rawValue) network with p = \(degrees) has \(numbers(.end)) after the last "
      + "epoch, stable rank of the features "
      + "\(list(CIFAR10Measurement.featureRank, network, .end)); at matched accuracy it has "
      + "\(numbers(.matched)). There the median radius differs from that of p = "
      + "\(settings.degrees[0].formatted()) by \(differences.joined(separator: ", ")): "
      + "\(verdict(network))."
  }

  private func signed(_ interval: MeanInterval) -> String {
    guard let mean = interval.mean else { return "–" }
    let text = String(format: "%+.3f", mean)
    return interval.halfWidth.map { "\(text) ± \(String(format: "%.3f", $0))" } ?? text
  }

  /// What the differences at matched accuracy say, where there are seeds enough to tell.
  private func verdict(_ network: CIFAR10Network) -> String {
    let all = differences(network, .matched)
    guard all.contains(where: { $0.interval.halfWidth != nil }) else {
      return "one seed, so nothing can be said about its uncertainty"
    }
    func degrees(_ isMeant: (MeanInterval) -> Bool) -> String? {
      let found = all.filter { $0.interval.halfWidth != nil && isMeant($0.interval) }
      return found.isEmpty
        ? nil : "p = " + found.map { $0.p.formatted() }.joined(separator: ", ")
    }
    let gains = degrees { $0.lower > 0 }
    let losses = degrees { $0.upper < 0 }
    let parts =
      (gains.map { ["a gain in robustness for \($0)"] } ?? [])
      + (losses.map { ["a loss in robustness for \($0)"] } ?? [])
    return parts.isEmpty
      ? "no difference that \(settings.repeats) seeds can tell"
      : parts.joined(separator: ", ")
        + ", outside the 95% interval over \(settings.repeats) seeds"
  }

  /// What adversarial training does on the images of the first seed, and how a degree alone compares.
  private var adversarialSentence: String {
    let first = settings.degrees[0]
    func radius(_ p: Double, _ moment: CIFAR10Cell.Moment) -> Double? {
      results.measurements(cell(.convolutional, p, moment)).first?
        .metrics[CIFAR10Measurement.medianRadius.key]
    }
    let rows = settings.adversarialDegrees.compactMap { p -> String? in
      guard let after = radius(p, .adversarial), let before = radius(p, .end) else { return nil }
      let accuracy =
        results.interval(
          CIFAR10Measurement.heldOutAccuracy.key, cell(.convolutional, p, .adversarial)
        ).mean ?? .nan
      return String(
        format: "from %.3f to %.3f for p = %@ (held-out accuracy %.3f)", before, after,
        p.formatted(), accuracy)
    }
    guard !rows.isEmpty else { return "No network was trained on perturbed images." }
    var text =
      "Adversarial training of the convolutional network (\(settings.adversarial.norm.rawValue) radius "
      + "\(settings.adversarial.epsilon), \(settings.adversarial.steps) steps, "
      + "\(settings.adversarialEpochs) epochs) moves the median radius on the images of the first seed "
      + rows.joined(separator: ", ")
    let changes = differences(.convolutional, .matched).compactMap { p, interval in
      interval.mean.map { (p, $0) }
    }
    if let best = changes.max(by: { $0.1 < $1.1 }), let hardened = radius(first, .adversarial),
      let plain = radius(first, .end)
    {
      text +=
        best.1 > 0
        ? String(
          format:
            "; the degree alone changes it by at most %+.3f at matched accuracy (p = %@), where "
            + "adversarial training of p = %@ changes it by %+.3f", best.1, best.0.formatted(),
          first.formatted(), hardened - plain)
        : "; no degree above \(first.formatted()) enlarges it at matched accuracy"
    }
    return text + "."
  }
}
