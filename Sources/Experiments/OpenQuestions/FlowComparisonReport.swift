import Figures
import Foundation
import Runs
import Studies
import Theory
import Training

/// What ``FlowComparisonExperiment`` makes of its results.
struct FlowComparisonReport {
  typealias Cell = FlowComparisonExperiment.Cell
  typealias Method = FlowComparisonExperiment.Method

  let experiment: FlowComparisonExperiment
  let results: SweepResults<Cell>

  private var settings: FlowComparisonExperiment.Settings { experiment.settings }

  /// Agreement with the flow is a median radius within this share of it.
  static let agreement = 0.02

  /// A metric of each run over that of the flow with the same seed, the median radius by default.
  func ratio(
    _ p: Double, _ method: Method, of metric: SweepMetric = NetworkMeasurement.medianRadius
  ) -> MeanInterval {
    func value(_ run: SweepMeasurement) -> Double {
      run.failure == nil ? run.metrics[metric.key] ?? .nan : .nan
    }
    let flows = results.measurements(Cell(p: p, method: .flow)).map(value)
    let runs = results.measurements(Cell(p: p, method: method)).map(value)
    // What failed is counted elsewhere.
    return MeanInterval(zip(runs, flows).map { $0 / $1 }.filter { !$0.isNaN })
  }

  var account: SweepAccount {
    let mixture = settings.flow.mixture
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for cell in experiment.cells where cell.method != .flow {
      let ratio = ratio(cell.p, cell.method)
      guard let mean = ratio.mean else { continue }
      findings["median radius over the flow's at \(cell.title)"] =
        ratio.halfWidth.map { .interval(value: mean, halfWidth: $0) } ?? .number(mean)
    }
    return SweepAccount(
      title: "Gradient flow and what is used in its place",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.flow.hiddenWidth), initialisation \(settings.flow.initialScale), exponential "
        + "loss",
      introduction:
        "All optimisers start at the same weights and stop at a hundredth of a silent network's "
        + "loss. Time is the number of steps times the learning rate, with momentum times "
        + "learning rate / (1 - momentum). A step of Adam moves every weight by about its learning "
        + "rate, however small the gradient is: its time bounds the way of a weight and is no time "
        + "of gradient flow. Its first steps already lift the weights from "
        + "\(settings.flow.initialScale) to \(settings.compared.adamLearningRate).",
      answer: answer, findings: findings,
      figures: [
        SweepFigure(
          "training-loss", PanelFigure(panels: settings.degrees.map(lossChart)),
          caption: "Mean with 95% interval over seeds, as far as all of them have not stopped.",
          alternative: "Training loss against time for five optimisers"),
        SweepFigure(
          "median-radius", optimizerChart,
          caption: "Mean with 95% interval over seeds. \(numbered { $0.title }).",
          alternative: "Median radius of the networks of five optimisers"),
        SweepFigure(
          "grid", PanelFigure(panels: settings.degrees.map(gridChart)),
          caption: "Median radius against the time of a step. Settings without a point have not "
            + "fitted the data in any run.",
          alternative: "Median radius against learning rate, momentum and batch size"),
      ], blocks: [.table(ratioTable)], remarks: remarks, answerTable: answerTable)
  }

  // MARK: - Figures

  private func name(_ p: Double) -> String { "p = \(p.formatted())" }

  private func lossChart(_ p: Double) -> LineChart {
    // Curves lie on each other: the later ones have gaps that the earlier ones show through.
    let dashes: [Method: Series.Dash] = Dictionary(
      uniqueKeysWithValues: zip(experiment.compared.dropFirst(), [.dashed, .dotted, .dashDotted]))
    let series = experiment.compared.map { method in
      var series = results.series(
        method.name, curve: FlowMeasurement.lossCurve, cell: Cell(p: p, method: method),
        x: settings.lossTimes, scale: .logarithmic, dash: dashes[method] ?? .solid)
      // Where some runs have stopped the mean is one of the slow ones.
      let runs = results.successes(Cell(p: p, method: method)).count
      for (i, interval) in results.curve(
        FlowMeasurement.lossCurve, Cell(p: p, method: method)
      ).enumerated() where interval.count < runs {
        series.y[i] = .nan
        series.band?.lower[i] = .nan
        series.band?.upper[i] = .nan
      }
      return series
    }
    return LineChart(
      title: name(p), x: Axis("time", scale: .logarithmic),
      y: Axis("training loss", scale: .logarithmic, range: 0.005...2), series: series)
  }

  /// Optimisers are no scale: each has a bar of its own, with its interval around it.
  private var optimizerChart: LineChart {
    let methods = experiment.compared
    let halfWidth = 0.2
    let series = settings.degrees.map { p in
      let intervals = methods.map {
        results.interval(NetworkMeasurement.medianRadius.key, Cell(p: p, method: $0))
      }
      func bars(_ value: (MeanInterval) -> Double) -> [Double] {
        intervals.flatMap { [value($0), value($0), .nan] }
      }
      return Series(
        name(p),
        x: methods.indices.flatMap { i in [-halfWidth, halfWidth, 0.5].map { Double(i + 1) + $0 } },
        y: bars { $0.mean ?? .nan }, band: .init(lower: bars(\.lower), upper: bars(\.upper)))
    }
    return LineChart(
      title: "Median radius by optimiser",
      x: Axis(numbered { $0.name }, range: 0.5...Double(methods.count) + 0.5),
      y: Axis("l2 median radius"), series: series, references: references)
  }

  /// "1 gradient flow, 2 GD, ...".
  private func numbered(_ text: (Method) -> String) -> String {
    experiment.compared.enumerated().map { "\($0 + 1) \(text($1))" }.joined(separator: "; ")
  }

  private var references: [ReferenceLine] {
    [
      .horizontal(
        CriticalRadius.relu(subclasses: settings.flow.mixture.subclasses), label: "1/√K"),
      .horizontal(CriticalRadius.optimal, label: "√2/2"),
    ]
  }

  private func gridChart(_ p: Double) -> LineChart {
    let sizes = settings.batchSizes.map { Optional($0) } + [nil]
    let series = settings.momenta.flatMap { momentum in
      sizes.map { size in
        let cells = experiment.grid.filter { $0.momentum == momentum && $0.batchSize == size }
          .map { Cell(p: p, method: $0) }
        return results.series(
          "batch \(size.map { "\($0)" } ?? "full")"
            + (momentum == 0 ? "" : ", momentum \(momentum)"),
          metric: NetworkMeasurement.medianRadius.key, cells: cells,
          x: { $0.method.optimizer!.timeOfStep }, dash: momentum == 0 ? .solid : .dashed)
      }
    }
    let flow = results.interval(
      NetworkMeasurement.medianRadius.key, Cell(p: p, method: .flow))
    return LineChart(
      title: name(p), x: Axis("learning rate / (1 - momentum)", scale: .logarithmic),
      y: Axis("l2 median radius"), series: series,
      references: flow.mean.map { [.horizontal($0, label: "flow")] } ?? [])
  }

  private var ratioTable: Report.Table {
    let methods = experiment.cells.filter { $0.p == settings.degrees[0] && $0.method != .flow }
      .map(\.method)
    return Report.Table(
      caption: "Median radius over that of the flow with the same seed, mean with 95% interval.",
      header: ["optimiser"] + settings.degrees.map { Prose(name($0)) },
      rows: methods.map { method in
        [Prose(method.title)] + settings.degrees.map { Prose(ratio($0, method).text(digits: 4)) }
      })
  }

  private var remarks: [String] {
    [("median radius over the flow's, with the same seed:")]
      + experiment.cells.filter { $0.method != .flow }.map { cell in
        "  \(name(cell.p)), \(cell.method.title): \(ratio(cell.p, cell.method).text(digits: 4))"
      }
  }

  // MARK: - Answer

  /// Sentences; ``answerTable`` has the numbers.
  private var answer: String {
    let small = settings.degrees.map { p in
      "\(ratio(p, experiment.smallestStep).text(digits: 4)) at \(name(p))"
    }
    let agreeing = settings.degrees.map { p in
      "\(ratios(p).count { abs($0.ratio - 1) <= Self.agreement }) at \(name(p))"
    }
    return
      "\(experiment.smallestStep.title) ends with \(small.joined(separator: " and ")) times the half "
      + "radius of gradient flow from the same weights. Of \(experiment.grid.count) settings of learning "
      + "rate, momentum and batch size, \(agreeing.joined(separator: " and ")) stay within 2% of it. "
      + adamSentence
  }

  private var adamSentence: String {
    guard let adam = experiment.compared.last else { return "" }
    let fitting = settings.degrees.filter { ratio($0, adam).mean != nil }
      .map { "\(ratio($0, adam).text(digits: 3)) at \(name($0))" }
    let others = settings.degrees.filter { ratio($0, adam).mean == nil }.map(name)
    let parts =
      (fitting.isEmpty ? [] : ["ends with \(fitting.joined(separator: " and "))"])
      + (others.isEmpty ? [] : ["does not fit the data at \(others.joined(separator: " and "))"])
    return "Adam \(parts.joined(separator: " and "))."
  }

  private func ratios(_ p: Double) -> [(method: Method, ratio: Double)] {
    experiment.grid.compactMap { method in ratio(p, method).mean.map { (method, $0) } }
  }

  private var answerTable: SweepAccount.Table {
    func row(_ title: String, _ value: (Double) -> String?) -> [String] {
      [title] + settings.degrees.map { value($0) ?? "–" }
    }
    let own = settings.compared
    var rows = [
      row("settings within 2% of the flow") { p in
        "\(ratios(p).count { abs($0.ratio - 1) <= Self.agreement }) of \(experiment.grid.count)"
      },
      row("the farthest") { p in
        ratios(p).max { abs($0.ratio - 1) < abs($1.ratio - 1) }.map {
          "\($0.method.title): \(ratio(p, $0.method).text(digits: 3))"
        }
      },
      row("settings with runs that fail") { p in
        let failed = experiment.grid.filter { results.failures(Cell(p: p, method: $0)) > 0 }
        return failed.isEmpty ? "none" : failed.map(\.title).joined(separator: "; ")
      },
    ]
    for method in experiment.compared where method.momentum != nil {
      rows.append(
        row("time to fit over the flow's: \(method.name)") { p in
          ratio(p, method, of: FlowMeasurement.fittingTime).mean.map { String(format: "%.2f", $0) }
        })
    }
    if let adam = experiment.compared.last {
      func neurons(_ p: Double, _ method: Method) -> String {
        results.interval(
          NetworkMeasurement.effectiveNeurons.key, Cell(p: p, method: method)
        ).text(digits: 0)
      }
      rows.append(
        row("effective neurons: Adam, flow") { "\(neurons($0, adam)), \(neurons($0, .flow))" })
    }
    return SweepAccount.Table(
      caption: "Median radii are those of the same seed. Times are those of learning rate "
        + "\(own.learningRate), with momentum \(own.momentumLearningRate).",
      header: [""] + settings.degrees.map(name), rows: rows)
  }
}
