import Figures
import Foundation
import LinearCore
import Runs

/// Words and figures of the experiment on CIFAR-10.
struct CIFAR10Report {
  typealias Values = CIFAR10Values
  typealias Cell = CIFAR10Experiment.Cell
  typealias Moment = CIFAR10Experiment.Moment

  let experiment: CIFAR10Experiment
  let results: GridResults<CIFAR10Experiment>

  private var settings: CIFAR10Experiment.Settings { experiment.settings }

  func account() throws(ExperimentError) -> Account {
    let rates =
      "Learning rates chosen on the validation images for p = "
      + settings.degrees.map { $0.formatted() }.joined(separator: ", ") + ": "
      + CIFAR10Network.allCases.map { network in
        let chosen = settings.degrees.map { results.source.rates[network]?[$0] }
        return "\(network.rawValue) "
          + chosen.map { $0.map { "\($0)" } ?? "–" }.joined(separator: ", ")
      }.joined(separator: "; ") + "."
    let sizes = try CIFAR10Network.allCases.map { (network) throws(ExperimentError) in
      let count = try network.architecture(settings, exponent: settings.degrees[0]).parameterCount
      return "\(network.rawValue) \(count) weights, \(network.epochs(settings)) epochs; "
    }
    return Account(
      title: "Degree and robustness of deep networks on CIFAR-10",
      subtitle: "Preset \(settings.preset.rawValue): \(settings.trainLimit) training images; "
        + sizes.joined() + "AdamW, batch \(settings.batchSize), crop and flip; "
        + "\(settings.repeats) seed(s)",
      introduction:
        "Networks of a kind differ in the degree alone. \(emphasis: "last epoch") is after all epochs; "
        + "\(emphasis: "matched accuracy") is when the validation accuracy first is at the highest percent that "
        + "the networks of every degree with this seed reach; \(emphasis: "p = 1 stopped at its accuracy") is the "
        + "network of p = 1 when its validation accuracy first is at the highest percent that the row's "
        + "degree reaches. Radii are upper bounds. Median and mean are of all attacked images, where those "
        + "misclassified count as 0, but for the median of those classified correctly. Rank W and rank H are "
        + "means over layers. Attacks on the networks of the first seed are checked for signs of weakness "
        + "after the last epoch.",
      answer: answer, findings: findings,
      figures: [
        robustness(
          "robust-accuracy", [.end, .adversarial], "after the last epoch",
          dashed: "adversarial training, first seed"),
        robustness(
          "robust-accuracy-pairs", [.end, .counterpart], "after the last epoch",
          dashed: "p = 1, stopped at the accuracy of the degree of that colour"),
        robustness(
          "robust-accuracy-matched", [.matched, .adversarial],
          "at an accuracy that all degrees reach", dashed: "adversarial training, first seed"),
        stableRanks, training,
      ],
      sections: [AccountSection(blocks: [.paragraph(Prose(rates))]), try twoSided()],
      remarks: [rates], flags: sides.violations, answerTable: answerTable)
  }

  /// Radii that are proved, after the last epoch and after adversarial training.
  private var sides: DeepTwoSidedReport<CIFAR10Experiment> {
    DeepTwoSidedReport(
      results: results, settings: settings.twoSided,
      sides: [
        .init(norm: .l2) { $0.l2TwoSided }, .init(norm: .linf) { $0.linfTwoSided },
      ])
  }

  private func twoSided() throws(ExperimentError) -> AccountSection {
    let sides = sides
    let moments = [Moment.end, .adversarial]
    let rows = CIFAR10Network.allCases.flatMap { network in
      moments.flatMap { moment in
        settings.degrees.compactMap { p -> [String]? in
          let cell = Cell(network: network, p: p, moment: moment)
          let texts = sides.sides.map { sides.text(cell, $0) }
          guard texts.contains(where: { $0 != "–" }) else { return nil }
          return [network.rawValue, moment.rawValue, p.formatted()] + texts
        }
      }
    }
    let panels = sides.sides.flatMap { side in
      CIFAR10Network.allCases.map { network in
        sides.panel(
          "\(network.rawValue), \(side.norm.rawValue)", side,
          settings.degrees.map { p in
            ("p = \(p.formatted())", Cell(network: network, p: p, moment: .end))
          })
      }
    }
    return try sides.section(
      header: ["network", "moment", "p", "l2", "linf"], rows: rows,
      figures: [
        sides.figure(
          "two-sided", panels, columns: 2, about: "After the last epoch, in the box of pixels.")
      ])
  }

  // MARK: - Differences between degrees

  /// What is compared image by image.
  enum Measure: String, CaseIterable {
    case radius = "mean l2 radius"
    case l2 = "robust accuracy at l2 0.25"
    case linf = "robust accuracy at linf 2/255"

    fileprivate func of(_ values: Values) -> [Double] {
      switch self {
      case .radius: values.l2Radii
      case .l2: values.l2Radii.map { $0 > 0.25 ? 1 : 0 }
      case .linf: values.linfRadii.map { $0 > 2.0 / 255 ? 1 : 0 }
      }
    }
  }

  /// What the images of all seeds have with one cell less what they have with another: the same images, so that it does
  /// not matter how hard they are.
  func difference(_ measure: Measure, _ a: Cell, _ b: Cell) -> MeanInterval {
    MeanInterval(
      zip(results.measurements(a), results.measurements(b)).flatMap { a, b -> [Double] in
        guard a.failure == nil, b.failure == nil else { return [] }
        return zip(measure.of(a.values), measure.of(b.values)).map { $0 - $1 }
      })
  }

  /// A degree after the last epoch, against the first degree's network stopped at the same accuracy.
  private func change(_ network: CIFAR10Network, _ p: Double, _ measure: Measure) -> MeanInterval {
    difference(
      measure, Cell(network: network, p: p, moment: .end),
      Cell(network: network, p: p, moment: .counterpart))
  }

  private var findings: [String: Account.Finding] {
    var findings: [String: Account.Finding] = [:]
    for network in CIFAR10Network.allCases {
      for (measure, p) in Measure.allCases.flatMap({ measure in
        settings.degrees.dropFirst().map { (measure, $0) }
      }) {
        let change = change(network, p, measure)
        guard let mean = change.mean else { continue }
        findings[
          "\(network.rawValue), p = \(p.formatted()) less p = 1 at equal accuracy: \(measure.rawValue)"
        ] = change.halfWidth.map { .interval(value: mean, halfWidth: $0) } ?? .number(mean)
      }
    }
    return findings
  }

  private func signed(_ interval: MeanInterval) -> String {
    guard let mean = interval.mean else { return "–" }
    // Adding 0 makes "-0.000" positive.
    let text = String(format: "%+.3f", (1000 * mean).rounded() / 1000 + 0)
    return interval.halfWidth.map { "\(text) ± \(String(format: "%.3f", $0))" } ?? text
  }

  /// The change of the mean radius by the degree alone, and by adversarial training.
  private var answer: String {
    let changes = CIFAR10Network.allCases.map { network in
      let parts = settings.degrees.dropFirst().map {
        "\(signed(change(network, $0, .radius))) (p = \($0.formatted()))"
      }
      return "\(parts.joined(separator: ", ")) in \(network.rawValue) networks"
    }
    let trainings = settings.adversarialDegrees.compactMap { p -> String? in
      let medians = [Moment.end, .adversarial].compactMap { moment in
        results.measurements(Cell(network: .convolutional, p: p, moment: moment))
          .first?.values.medianRadiusOfCorrect
      }
      guard medians.count == 2, medians.allSatisfy(\.isFinite) else { return nil }
      return String(format: "from %.3f to %.3f (p = %@)", medians[0], medians[1], p.formatted())
    }
    return "Less p = 1 stopped at the same validation accuracy, the mean l2 radius is "
      + changes.joined(separator: "; ") + "."
      + (trainings.isEmpty
        ? ""
        : " Adversarial training moves the median radius of the first seed "
          + trainings.joined(separator: ", ") + ".")
  }

  private var answerTable: Account.Table {
    let rows = CIFAR10Network.allCases.flatMap { network in
      settings.degrees.map { p -> [String] in
        func value(_ metric: Metric<Values>, _ moment: Moment) -> String {
          results.mean(metric, Cell(network: network, p: p, moment: moment))
            .map { String(format: "%.\(metric.digits)f", $0) } ?? "–"
        }
        return [
          network.rawValue, p.formatted(), value(Values.heldOutAccuracy, .end),
          value(Values.medianRadiusOfCorrect, .end), value(Values.featureRank, .end),
          value(Values.heldOutAccuracy, .matched), value(Values.medianRadiusOfCorrect, .matched),
        ] + Measure.allCases.map { signed(change(network, p, $0)) }
      }
    }
    return Account.Table(
      caption:
        "After the last epoch; where all degrees have the same accuracy (matched); and less that of p = 1 "
        + "stopped at the same validation accuracy, image by image. Radii are medians of images classified "
        + "correctly.",
      header: [
        "network", "p", "accuracy", "l2 radius", "feature rank", "matched accuracy",
        "matched radius",
      ] + Measure.allCases.map { "less p = 1: \($0.rawValue)" }, rows: rows)
  }

  // MARK: - Figures

  /// A panel of each network, or two.
  private typealias Panel = (
    title: String, axis: String, curve: KeyPath<Values, [Double]>, x: [Double]
  )

  /// Curves of a moment in both norms, with those of another dashed beside them.
  private func robustness(_ name: String, _ moments: [Moment], _ when: String, dashed: String)
    -> AccountFigure
  {
    AccountFigure(
      name,
      figure(
        moments, y: Axis("robust accuracy", range: 0...1),
        size: FigureSize(width: 470, height: 420)
      ) { network in
        [
          ("\(network.rawValue), l2", "l2 radius", \.l2Curve, [0] + settings.l2Radii),
          (
            "\(network.rawValue), linf", "linf radius / (1/255)", \.linfCurve,
            [0] + settings.linfRadii.map { 255 * $0 }
          ),
        ]
      },
      caption:
        "Robust accuracy of held-out images \(when), \(settings.attackedImages) with each of "
        + "\(settings.repeats) seed(s), by the attack \(settings.attack). Bands: 95% intervals over seeds. "
        + "Dashed: \(dashed).",
      alternative: "Robust accuracy against radius for each degree \(when)")
  }

  private var stableRanks: AccountFigure {
    AccountFigure(
      "stable-ranks",
      figure([.end, .adversarial], y: Axis("stable rank"), style: .both) { network in
        let count = network == .convolutional ? settings.filters.count : settings.units.count
        let layers = (1...count).map(Double.init)
        return [
          ("\(network.rawValue), weights", "layer of neurons", \.weightRanks, layers),
          ("\(network.rawValue), features", "layer of neurons", \.featureRanks, layers),
        ]
      },
      caption:
        "Stable rank of the weights, (filters, values of a patch) or (neurons, inputs), and of the features of "
        + "\(settings.rankSamples) held-out images, behind each layer of neurons, after the last epoch. "
        + "Dashed: adversarial training.",
      alternative: "Stable rank against the layer for each degree")
  }

  private var training: AccountFigure {
    AccountFigure(
      "training",
      figure([.end], y: Axis("validation accuracy"), style: .both) { network in
        let epochs = (1...network.epochs(settings)).map(Double.init)
        return [(network.rawValue, "epoch", \.validation, epochs)]
      },
      caption: "Accuracy on the 1,000 validation images in the course of ordinary training.",
      alternative: "Validation accuracy against epochs for each degree")
  }

  /// A line a degree and moment, in the colour of the degree; those of the second moment are dashed.
  private func figure(
    _ moments: [Moment], y: Axis, style: Series.Style = .line,
    size: FigureSize = FigureSize(width: 420, height: 340),
    panels: (CIFAR10Network) -> [Panel]
  ) -> PanelFigure {
    let charts = CIFAR10Network.allCases.flatMap { network in
      panels(network).map { panel in
        LineChart(
          title: panel.title, x: Axis(panel.axis), y: y,
          series: moments.flatMap { moment in
            settings.degrees.enumerated().compactMap { number, p in
              let cell = Cell(network: network, p: p, moment: moment)
              guard results.cells.contains(cell) else { return nil }
              return results.series(
                label(cell), curve: panel.curve, cell: cell, x: panel.x, style: style,
                dash: moment == moments[0] ? .solid : .dashed,
                colour: Colour.categories[number % Colour.categories.count])
            }
          })
      }
    }
    return PanelFigure(panels: charts, panelSize: size)
  }

  private func label(_ cell: Cell) -> String {
    let p = cell.p.formatted()
    return switch cell.moment {
    case .end, .matched: "p = \(p)"
    case .counterpart: "p = \(settings.degrees[0].formatted()) as accurate as \(p)"
    case .adversarial: "p = \(p), adversarial training"
    }
  }
}
