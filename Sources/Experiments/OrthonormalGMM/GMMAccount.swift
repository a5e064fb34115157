import Figures
import Foundation
import Networks
import Runs
import Studies
import Theory

/// Words and figures of the experiment on orthonormal mixtures.
struct GMMAccount {
  typealias Cell = OrthonormalGMMExperiment.Cell

  let settings: OrthonormalGMMExperiment.Settings
  let results: SweepResults<Cell>

  private var dynamics: [Cell] { results.cells.filter { $0.part == .dynamics } }

  private func robustness(_ loss: Loss) -> [Cell] {
    results.cells.filter { $0.part == .robustness && $0.loss == loss }
  }

  var account: SweepAccount {
    let verdicts = assumptions
    return SweepAccount(
      title: "Gradient flow learns robust classifiers of orthonormal mixtures", subtitle: subtitle,
      introduction: introduction, answer: answer, findings: ["optimalRadius": .number(optimal)],
      figures: [alignmentFigure, robustnessFigure],
      blocks: verdicts.flatMap { part -> [Report.Block] in
        [.subheading(part.title), .list(part.lines.map { Prose($0) })]
      },
      remarks: verdicts.flatMap { part in [part.title + ":"] + part.lines.map { "  \($0)" } })
  }

  private let optimal = CriticalRadius.optimal

  private var subtitle: String {
    let (first, second) = (settings.dynamicsMixture, settings.robustnessMixture)
    return "Preset \(settings.preset.rawValue): alignment with D = \(first.dimension), "
      + "K = \(first.positive) + \(first.subclasses - first.positive), n = \(first.samples), "
      + "width \(settings.dynamicsWidth); robustness with D = \(second.dimension), "
      + "K = \(second.positive) + \(second.subclasses - second.positive), n = \(second.samples), "
      + "width \(settings.robustnessWidth); \(settings.repeats) seed(s)"
  }

  private var introduction: Prose {
    let nudge = settings.nudge / (1 + settings.nudge * settings.nudge).squareRoot()
    return
      "After Min and Vidal (ICML 2025). First, full-batch gradient descent of the mean of (f - y)² "
      + "with step \(settings.learningRate) from balanced weights of size \(settings.initialScale), "
      + "random or nudged to a cosine of about \(String(format: "%.2f", nudge)) to a centre of the "
      + "neuron's class: cosines of all neurons to their closest centre, loss, and distance to the "
      + "ideal classifier F^(p) at its best scale. Second, minibatches of \(settings.batchSize): "
      + "pReLU, ReLU and tanh from such weights, the un-normalised power relu(z)^p and four layers of "
      + "ReLU with biases from weights of ordinary size, from which alone they learn. No classifier "
      + "is robust beyond √2/2 = \(number(optimal, 4)). Runs whose training stalled or diverged are "
      + "counted, not averaged."
  }

  // MARK: - Figures

  private var alignmentFigure: SweepFigure {
    let iterations = GMMDynamics.recorded(settings).map { Double($0) }
    let alignment = dynamics.map { cell in
      func mean(_ name: String) -> [Double] { results.curve(name, cell).map { $0.mean ?? .nan } }
      let median = mean("median")
      return Series(
        "\(cell.start.rawValue) start, median and quartiles",
        x: Array(iterations.prefix(median.count)), y: median,
        band: .init(lower: mean("lower"), upper: mean("upper")))
    }
    func lines(_ name: String, _ grid: [Double], _ scale: Axis.Scale) -> [Series] {
      dynamics.map {
        results.series(
          "\($0.start.rawValue) start", curve: name, cell: $0, x: grid, scale: scale)
      }
    }
    let figure = PanelFigure(
      panels: [
        LineChart(
          title: "Cosine to the closest centre", x: Axis("iteration"),
          y: Axis("cosine", range: 0...1.02), series: alignment),
        LineChart(
          title: "Loss", x: Axis("iteration"), y: Axis("mean of (f - y)²", scale: .logarithmic),
          series: lines("loss", iterations, .logarithmic)),
        LineChart(
          title: "Distance to F⁽ᵖ⁾", x: Axis("iteration"),
          y: Axis("inf over c of sup |c f - F⁽ᵖ⁾|"),
          series: lines("distance", GMMDynamics.distances(settings).map { Double($0) }, .linear)),
      ], columns: 3)
    return SweepFigure(
      "alignment", figure,
      caption: "Full-batch gradient descent. (a) Median over all neurons, band from the lower to "
        + "the upper quartile, means over seeds. (b, c) Means over seeds with 95% intervals, of "
        + "logarithms on the logarithmic axis.",
      alternative: "Cosines of neurons to their closest centre, loss and distance over iterations")
  }

  private var robustnessFigure: SweepFigure {
    let panels = [Loss.squared, .logistic].map { loss in
      LineChart(
        title: "\(loss.rawValue) loss", x: Axis("l2 radius of the attack"),
        y: Axis("robust accuracy", range: 0...1.02),
        series: robustness(loss).filter { results.failures($0) < results.seeds.count }.map {
          results.series(
            $0.model.rawValue, curve: "robustAccuracy", cell: $0, x: SweepMeasurement.radii)
        },
        references: [
          .vertical(optimal, label: "√2/2"),
          .vertical(
            CriticalRadius.relu(subclasses: settings.robustnessMixture.subclasses), label: "1/√K"),
        ])
    }
    return SweepFigure(
      "robustness", PanelFigure(panels: panels),
      caption: "Robust accuracy, worst case over all attacks; means over seeds with 95% intervals. "
        + "Dashed: 1/√K, where a network of average class directions breaks, and √2/2, which no "
        + "classifier exceeds.",
      alternative: "Robust accuracy against radius for pReLU and four controls, for two losses")
  }

  // MARK: - Numbers

  /// The conditions of the theorem, for both experiments: the worst number of all runs decides.
  private var assumptions: [(title: String, lines: [String])] {
    let parts: [(String, [Cell])] = [
      ("alignment, random start", dynamics.filter { $0.start == .random }),
      ("alignment, nudged start", dynamics.filter { $0.start == .nudged }),
      (
        "robustness, pReLU",
        [Loss.squared, .logistic].flatMap(robustness).filter { $0.model == .pReLU }
      ),
    ]
    return parts.map { title, cells in
      let runs = cells.flatMap { results.measurements($0) }
      let lines = GMMAssumption.all.compactMap { assumption in
        assumption.verdict(runs.compactMap { $0.metrics[GMMAssumption.prefix + assumption.key] })
      }
      let met = lines.count { $0.isMet }
      return (
        "Assumptions of the theorem, \(title): \(met) of \(lines.count) met", lines.map(\.line)
      )
    }
  }

  /// The sentence of answer.
  private var answer: String {
    let aligned = dynamics.map { cell in
      "\(interval("medianCosine", cell)) from a \(cell.start.rawValue) start (loss "
        + "\(interval("loss", cell)), distance to F^(p) \(interval("distance", cell, digits: 3)))"
    }
    let compared = [Loss.squared, .logistic].map { loss -> String in
      let cells = robustness(loss)
      let controls = cells.filter { $0.model != .pReLU }
        .compactMap { cell in results.interval("medianRadius", cell).mean.map { (cell, $0) } }
      let best = controls.max { $0.1 < $1.1 }?.0
      let own = cells.first { $0.model == .pReLU }
      let others =
        best.map { "the best control, \($0.model.rawValue), to \(interval("medianRadius", $0))" }
        ?? "no control learned"
      return (own.map { interval("medianRadius", $0) } ?? "–")
        + " with the \(loss.rawValue) loss (\(others))"
    }
    return "After \(settings.iterations) full-batch steps the median cosine of pReLU neurons to "
      + "their closest centre is \(aligned.joined(separator: ", and ")). Half of the samples "
      + "withstand attacks on pReLU up to \(compared.joined(separator: " and up to ")); the most "
      + "that any classifier can reach is √2/2 = \(number(optimal, 4))."
  }

  private func interval(_ metric: String, _ cell: Cell, digits: Int = 4) -> String {
    results.interval(metric, cell).text(digits: digits)
  }

  private func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
