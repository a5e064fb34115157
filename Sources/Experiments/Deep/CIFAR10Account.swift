import Figures
import Foundation
import Runs
import Studies

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
      blocks: [.paragraph(Prose(rateSentence))], remarks: [rateSentence], answerTable: answerTable)
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

  /// Three sentences; ``answerTable`` has the numbers.
  private var answer: String {
    let verdicts = CIFAR10Network.allCases.map { "the \($0.rawValue) networks show \(verdict($0))" }
    return "At the validation accuracy where p = 1 is stopped for comparison, "
      + verdicts.joined(separator: "; ") + ". " + adversarialSentence
  }

  private var answerTable: SweepAccount.Table {
    let rows = CIFAR10Network.allCases.flatMap { network in
      settings.degrees.map { p -> [String] in
        func value(_ metric: SweepMetric, _ moment: CIFAR10Cell.Moment) -> String {
          results.interval(metric.key, cell(network, p, moment)).mean
            .map { String(format: "%.\(metric.digits)f", $0) } ?? "–"
        }
        let radius = CIFAR10Measurement.medianRadiusOfCorrect
        let changes = Measure.allCases.map { measure in
          differences(network, measure).first { $0.p == p }.map { signed($0.interval) } ?? "–"
        }
        return [
          network.rawValue, p.formatted(), value(CIFAR10Measurement.heldOutAccuracy, .end),
          value(radius, .end), value(CIFAR10Measurement.featureRank, .end),
          value(CIFAR10Measurement.heldOutAccuracy, .matched), value(radius, .matched),
        ] + changes
      }
    }
    return SweepAccount.Table(
      caption:
        "After the last epoch; where all degrees have the same accuracy (matched); and less that of p = 1 "
        + "stopped at the same validation accuracy, image by image. Radii are medians of images classified "
        + "correctly.",
      header: [
        "network", "p", "accuracy", "l2 radius", "feature rank", "matched accuracy",
        "matched radius",
      ] + Measure.allCases.map { "less p = 1: \($0.rawValue)" }, rows: rows)
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
    func value(_ metric: SweepMetric, _ p: Double, _ moment: CIFAR10Cell.Moment) -> Double? {
      results.measurements(cell(.convolutional, p, moment)).first?.metrics[metric.key]
    }
    let radius = CIFAR10Measurement.medianRadiusOfCorrect
    let parts = settings.adversarialDegrees.compactMap { p -> String? in
      guard let before = value(radius, p, .end), let after = value(radius, p, .adversarial) else {
        return nil
      }
      return String(format: "from %.3f to %.3f (p = %@)", before, after, p.formatted())
    }
    guard !parts.isEmpty else { return "No network was trained on perturbed images." }
    let best = differences(.convolutional, .radius).compactMap(\.interval.mean).max() ?? 0
    return
      "Adversarial training of the convolutional network moves the median radius of the first seed "
      + parts.joined(separator: ", ")
      + (best > 0
        ? String(
          format: "; a degree alone adds at most %.3f to the mean radius at equal accuracy.", best)
        : "; no degree alone adds to it at equal accuracy.")
  }
}
