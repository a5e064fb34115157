import Figures
import Foundation
import Runs
import Studies
import Theory

/// What ``SubclassScalingExperiment`` makes of its results.
struct SubclassScalingReport {
  typealias Cell = SubclassScalingExperiment.Cell

  let experiment: SubclassScalingExperiment
  let results: SweepResults<Cell>

  private var settings: SubclassScalingExperiment.Settings { experiment.settings }

  /// The exponents that theory predicts: -1/2 at p = 1, 0 from p = 2 on.
  private func predictedSlope(_ p: Double) -> Double? { p == 1 ? -0.5 : p >= 2 ? 0 : nil }

  /// The line through log median radius against log K, a point a run.
  private func fit(_ cells: [Cell]) -> LineFit? {
    let points = cells.flatMap { cell in
      results.successes(cell).map { run in
        (
          log(Double(cell.subclasses)),
          log(run.metrics[NetworkMeasurement.medianRadius.key] ?? .nan)
        )
      }
    }
    return LineFit(x: points.map(\.0), y: points.map(\.1))
  }

  /// One fitted exponent.
  private struct Slope {
    let p: Double
    let alpha: Double
    let fit: LineFit

    var text: String { String(format: "%.3f", fit.slope) + (halfWidth.map { " ± " + $0 } ?? "") }
    private var halfWidth: String? { fit.slopeHalfWidth.map { String(format: "%.3f", $0) } }

    func holds(_ value: Double) -> Bool { abs(fit.slope - value) <= fit.slopeHalfWidth ?? 0 }
  }

  private var slopes: [Slope] {
    settings.degrees.flatMap { p in
      settings.alphas.compactMap { alpha in
        fit(experiment.cells(p, alpha: alpha)).map { Slope(p: p, alpha: alpha, fit: $0) }
      }
    }
  }

  var account: SweepAccount {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for slope in slopes {
      findings["slope at p = \(slope.p), alpha = \(slope.alpha)"] =
        slope.fit.slopeHalfWidth.map { .interval(value: slope.fit.slope, halfWidth: $0) }
        ?? .number(slope.fit.slope)
    }
    return SweepAccount(
      title: "How robustness falls with the number of subclasses",
      subtitle: "Preset \(settings.preset.rawValue): D = \(settings.dimension), half of the K "
        + "subclasses in each class, \(settings.samplesPerSubclass) samples a subclass but at least "
        + "\(settings.smallestSampleCount), width \(settings.classNeurons) below p = 2 and "
        + "\(settings.neuronsPerSubclass) K but at least \(settings.smallestWidth) from there on, "
        + "gradient flow of the exponential loss from weights of 1e-7",
      introduction:
        "Without noise the ideal classifier that p = 1 learns has the radius 1/√K, the one for "
        + "p = 3 √2/2 whatever K is: log radius against log K is a line of slope -1/2 and 0. At p = 2 "
        + "the ideal classifier has √2/2 too, but nothing leads there: without noise all components "
        + "of a neuron along the centres of its class grow by the same rate, up to the numbers of "
        + "samples, so that it keeps the mixture it started with. The slopes below are fitted to all "
        + "runs with their 95% intervals.",
      answer: answer, findings: findings,
      figures: [
        SweepFigure(
          "median-radius", radiusFigure,
          caption: "Mean with 95% interval over seeds, both axes logarithmic; in the legend the "
            + "fitted slope.",
          alternative: "Median radius against the number of subclasses for p = 1, 2, 3"),
        SweepFigure(
          "effective-neurons",
          panels(Axis("effective neurons", scale: .logarithmic)) { p, alpha in
            line(p, alpha, NetworkMeasurement.effectiveNeurons)
          },
          caption: "Neurons that hold 99% of all contributions.",
          alternative: "Effective neurons against the number of subclasses"),
        SweepFigure(
          "time-to-fit",
          panels(Axis("time of the flow", scale: .logarithmic)) { p, alpha in
            line(p, alpha, FlowMeasurement.fittingTime)
          },
          caption: "When the loss is a tenth of a silent network's.",
          alternative: "Time to fit against the number of subclasses"),
      ])
  }

  /// A panel for every alpha with a series for every degree.
  private func panels(
    _ axis: Axis, extra: [Series] = [],
    references: [ReferenceLine] = [], series: (Double, Double) -> Series
  ) -> PanelFigure {
    PanelFigure(
      panels: settings.alphas.map { alpha in
        LineChart(
          title: "alpha = \(alpha)", x: Axis("subclasses K", scale: .logarithmic), y: axis,
          series: settings.degrees.map { series($0, alpha) } + extra, references: references)
      })
  }

  /// A metric against K for a logarithmic axis.
  private func line(
    _ p: Double, _ alpha: Double, _ metric: SweepMetric,
    note: String = ""
  ) -> Series {
    results.series(
      "p = \(p.formatted())\(note)", metric: metric.key, cells: experiment.cells(p, alpha: alpha),
      scale: .logarithmic, x: { Double($0.subclasses) })
  }

  private var radiusFigure: PanelFigure {
    let counts = settings.subclassCounts.sorted()
    let law = Series(
      "1/√K", x: counts.map { Double($0) }, y: counts.map { CriticalRadius.relu(subclasses: $0) },
      dash: .dashed)
    return panels(
      Axis("l2 median radius", scale: .logarithmic), extra: [law],
      references: [.horizontal(CriticalRadius.optimal, label: "√2/2")]
    ) { p, alpha in
      let slope = slopes.first { $0.p == p && $0.alpha == alpha }
      return line(
        p, alpha, NetworkMeasurement.medianRadius, note: slope.map { ": \($0.text)" } ?? "")
    }
  }

  private var answer: String {
    guard !slopes.isEmpty else {
      return
        "There is no exponent: it takes networks that fit their data at two numbers of subclasses."
    }
    var sentences = settings.degrees.compactMap { p -> String? in
      let own = slopes.filter { $0.p == p }
      guard !own.isEmpty else { return nil }
      let values = own.map { "\($0.text) at alpha = \($0.alpha)" }.joined(separator: ", ")
      var sentence =
        "With p = \(p.formatted()) the median radius goes like K to the power \(values)"
      if let predicted = predictedSlope(p) {
        let inside = own.count { $0.holds(predicted) }
        let deviation = own.map { abs($0.fit.slope - predicted) }.max()!
        sentence +=
          " (predicted \(predicted.formatted()), inside \(inside) of \(own.count) intervals, off by "
          + String(format: "at most %.3f)", deviation)
      }
      if let (few, many) = ends(p) {
        sentence += String(
          format:
            "; at alpha = \(settings.alphas[0]) it falls from %.3f for K = \(few.0) to %.3f for "
            + "K = \(many.0)", few.1, many.1)
      }
      return sentence + "."
    }
    let failed = experiment.cells.reduce(0) { $0 + results.failures($1) }
    sentences.append(
      failed == 0
        ? "Every run fitted its data."
        : "\(failed) of \(experiment.cells.count * results.seeds.count) runs did not fit their data and count "
          + "nowhere.")
    return sentences.joined(separator: " ")
  }

  /// The smallest and largest K with a median radius, at the first alpha.
  private func ends(_ p: Double)
    -> (few: (Int, Double), many: (Int, Double))?
  {
    let means = experiment.cells(p, alpha: settings.alphas[0]).compactMap { cell in
      results.interval(NetworkMeasurement.medianRadius.key, cell).mean.map { (cell.subclasses, $0) }
    }
    guard let few = means.first, let many = means.last else { return nil }
    return (few, many)
  }
}
