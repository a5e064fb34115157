import Figures
import Foundation
import Runs
import Training

/// Figures of one gradient flow over its time.
struct FlowFigures {
  let trajectory: FlowTrajectory
  let phases: FlowPhases
  /// The reference directions of the cosines, class means first.
  let directions: [String]

  private var records: [FlowRecord] { trajectory.records }
  private var times: [Double] { records.map(\.time) }

  /// Time is shown on a logarithmic axis where the end is far beyond the phases.
  private var timeAxis: Axis {
    let end = times.last ?? 1
    let phaseEnd = phases.fittingTime ?? phases.alignmentTime ?? end
    return Axis("time of the flow", scale: end > 20 * phaseEnd ? .logarithmic : .linear)
  }

  private var phaseLines: [ReferenceLine] {
    [
      phases.alignmentTime.map { ReferenceLine.vertical($0, label: "aligned") },
      phases.fittingTime.map { ReferenceLine.vertical($0, label: "fitted") },
    ].compactMap { $0 }
  }

  /// Loss, and loss times time.
  var loss: LineChart {
    LineChart(
      title: "Training loss", x: timeAxis, y: Axis("mean training loss", scale: .logarithmic),
      series: [
        Series("loss", x: times, y: records.map(\.loss)),
        Series("loss x time", x: times, y: records.map { $0.loss * $0.time }, dash: .dashed),
      ], references: phaseLines)
  }

  /// Quartiles of the cosines to the closest subclass centre and class mean.
  var alignment: LineChart {
    func series(_ label: String, _ quartiles: [Quartiles]) -> Series {
      Series(
        label, x: times, y: quartiles.map(\.median),
        band: .init(lower: quartiles.map(\.lower), upper: quartiles.map(\.upper)))
    }
    var all = [series("class mean, living neurons", records.map(\.classCosines))]
    let subclass = records.compactMap(\.subclassCosines)
    if subclass.count == records.count {
      all.insert(series("subclass centre, living neurons", subclass), at: 0)
      all.append(
        Series(
          "subclass centre, dominant neurons", x: times,
          y: records.map { $0.dominantSubclassCosine ?? .nan }, dash: .dashed))
    }
    return LineChart(
      title: "Alignment: median and quartiles of the cosine to the closest", x: timeAxis,
      y: Axis("cosine", range: 0...1.02), series: all, references: phaseLines)
  }

  /// Contributions of the neurons that are largest in the end, each a curve.
  var contributions: LineChart {
    let last = trajectory.neurons.last?.logContributions ?? []
    let shown = last.indices.sorted { last[$0] > last[$1] }.prefix(24)
    // A logarithmic axis ends at 1e-300; smaller ones are not drawn.
    let series = shown.enumerated().map { rank, j in
      Series(
        "", x: times, y: trajectory.neurons.map { exp(Double($0.logContributions[j])) },
        colour: Colour.categories[rank % Colour.categories.count])
    }
    return LineChart(
      title: "Contributions of the \(series.count) largest neurons", x: timeAxis,
      y: Axis("|v|·‖w‖", scale: .logarithmic), series: series, references: phaseLines,
      legend: .none)
  }

  /// Effective neurons and stable ranks.
  var ranks: LineChart {
    LineChart(
      title: "Effective neurons and stable ranks", x: timeAxis,
      y: Axis("number", scale: .logarithmic),
      series: [
        Series("effective neurons (99%)", x: times, y: records.map { Double($0.effectiveNeurons) }),
        Series("stable rank of W", x: times, y: records.map(\.weightStableRank)),
        Series("stable rank of features", x: times, y: records.map(\.featureStableRank)),
      ], references: phaseLines)
  }

  /// The distance to the ideal classifier, where it was measured.
  var distance: LineChart? {
    let measured = records.filter { $0.idealDistance != nil }
    guard measured.count > 1 else { return nil }
    return LineChart(
      title: "Distance to the ideal classifier on the unit sphere", x: timeAxis,
      y: Axis("inf over c of sup |c f - F|", scale: .logarithmic),
      series: [
        Series(
          "largest found", x: measured.map(\.time), y: measured.map { $0.idealDistance ?? .nan },
          style: .both)
      ], references: phaseLines, legend: .none)
  }

  /// Cosines of the dominant neurons to all reference directions, at the end.
  var finalCosines: Heatmap? {
    guard let last = trajectory.neurons.last, let record = records.last else { return nil }
    let order = last.logContributions.indices
      .sorted { last.logContributions[$0] > last.logContributions[$1] }
      .prefix(min(record.effectiveNeurons, 40))
    return Heatmap(
      title: "Cosines of the \(order.count) largest neurons at the end",
      values: order.map { j in directions.indices.map { Double(last.cosines[j, $0]) } },
      rowLabels: order.indices.map { "\($0 + 1)" }, columnLabels: directions,
      rowTitle: "neuron (rank of its contribution)", columnTitle: "direction",
      valueTitle: "cosine", range: -1...1, colours: .diverging, rowDividers: [],
      columnDividers: [], showsValues: false)
  }
}

extension FlowRun {
  /// Draws the figures of a finished run into `figures/`, where gnuplot is at hand. Where it fails, a warning
  /// says so.
  package func draw(_ result: FlowResult) throws(ExperimentError) {
    let renderer = FigureRenderer()
    guard renderer.isAvailable else { return }
    let figures = FlowFigures(
      trajectory: result.trajectory, phases: result.phases, directions: result.directions)
    let folder = try directory.folder("figures")
    do {
      try renderer.write(figures.loss, named: "loss", in: folder)
      try renderer.write(figures.alignment, named: "alignment", in: folder)
      try renderer.write(figures.contributions, named: "contributions", in: folder)
      try renderer.write(figures.ranks, named: "ranks", in: folder)
      if let distance = figures.distance {
        try renderer.write(distance, named: "ideal-distance", in: folder)
      }
      if let cosines = figures.finalCosines {
        try renderer.write(cosines, named: "cosines", in: folder)
      }
    } catch  where error.isOfDrawing {
      ProgressReporter.warn("\(error)")
    } catch { throw ExperimentError(error) }
  }
}
