import Figures
import LinearCore

extension ClusterReport {
  private func label(_ p: Double) -> String { "p = \(p.degreeText)" }

  private func first(_ p: Double) -> ClusterValues { of(p)[0] }

  /// Robust accuracy against radius, a curve a degree with the 95% interval over repeats as a band.
  func robustness(title: String, largest: Double, references: [ReferenceLine]) -> LineChart {
    let epsilons = (0...150).map { Double($0) / 150 * largest }
    let series = degrees.map { p in
      Series(
        label(p), x: epsilons,
        repeats: epsilons.map { epsilon in of(p).map { $0.robustAccuracy(epsilon) } }, style: .line)
    }
    return LineChart(
      title: title, x: Axis("l2 radius of the attack"),
      y: Axis("robust accuracy", range: 0...1.02), series: series + plainCurves(largest),
      references: references, legend: .below)
  }

  /// What plain gradient descent alone reports, for degrees where it is off by more than 10% somewhere.
  private func plainCurves(_ largest: Double) -> [Series] {
    degrees.enumerated().compactMap { number, p in
      let isOff = of(p).contains { run in
        run.plain.contains { $0.robustAccuracy > run.robustAccuracy($0.epsilon) + 0.1 }
      }
      guard isOff else { return nil }
      let shown = first(p).plain.map(\.epsilon).enumerated().filter { $0.element <= largest }
      return Series(
        "\(label(p)), plain PGD alone (too weak)", x: shown.map(\.element),
        y: shown.map { i, _ in MeanInterval(of(p).map { $0.plain[i].robustAccuracy }).mean ?? .nan
        },
        style: .line, dash: .dashed, colour: Colour.categories[number % Colour.categories.count])
    }
  }

  /// Sorted neuron contributions of the first repeat.
  func contributions(caption: Prose) -> AccountFigure {
    let bars = SortedBars(
      title: "Neuron contributions", valueLabel: "|vⱼ|·‖wⱼ‖", rankLabel: "neuron, by contribution",
      groups: degrees.map { p in
        let values = first(p).contributions
        // What is less than a billionth of the largest is not drawn: a logarithmic axis has no zero.
        return .init(label(p), values: values.filter { $0 > 1e-9 * values[0] })
      }, rankScale: .logarithmic, valueScale: .logarithmic, references: [])
    return AccountFigure(
      "contributions", bars, caption: caption, alternative: "Sorted neuron contributions")
  }

  /// Cosines of dominant neurons to both class means and to subclass centres. Neurons are sorted by the
  /// direction they are closest to, so that alignment shows as a diagonal.
  func cosines(_ p: Double, columns: [String], caption: Prose) -> AccountFigure {
    let run = first(p)
    let classCount = 2
    func closest(_ i: Int) -> Int {
      (classCount..<run.directions.count).max { run.cosines[i][$0] < run.cosines[i][$1] } ?? 0
    }
    let order = run.cosines.indices.sorted { (closest($0), $0) < (closest($1), $1) }
    let map = Heatmap(
      title: "Cosines of the \(order.count) largest neurons, \(label(p))",
      values: order.map { run.cosines[$0] }, rowLabels: order.map { "\($0 + 1)" },
      columnLabels: columns, rowTitle: "neuron (rank of its contribution)",
      columnTitle: "direction", valueTitle: "cosine", range: -1...1, colours: .diverging,
      rowDividers: [], columnDividers: [classCount], showsValues: false)
    return AccountFigure(
      "cosines-p\(p.degreeText)", map, caption: caption,
      alternative: "Cosines between neurons and class and subclass directions for \(label(p))")
  }

  /// Training loss of the first repeat against epochs.
  func training(caption: Prose) -> AccountFigure {
    let chart = LineChart(
      title: "Training", x: Axis("epoch"), y: Axis("mean training loss", scale: .logarithmic),
      series: degrees.map { p in
        let epochs = first(p).epochs
        return Series(
          label(p), x: epochs.map { Double($0.epoch) }, y: epochs.map { max($0.loss, 1e-12) },
          style: .line)
      }, legend: .below)
    return AccountFigure(
      "training", chart, caption: caption, alternative: "Training loss against epochs")
  }
}
