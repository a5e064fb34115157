import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// The figures that experiments on clustered data share, drawn from their results alone.
struct ClusterFigures {
  /// All repeats of all degrees.
  let runs: [ClusterRunResult]

  /// The degrees, in increasing order.
  var degrees: [Double] { Array(Set(runs.map(\.p))).sorted() }

  private func label(_ p: Double) -> String {
    "p = \(p.degreeText)"
  }

  private func first(_ p: Double) -> ClusterRunResult { runs.first { $0.p == p }! }

  /// Robust accuracy against radius, a curve a degree with the range over repeats as a band.
  func robustness(title: String, largest: Double, references: [ReferenceLine]) -> LineChart {
    let epsilons = (0...150).map { Double($0) / 150 * largest }
    let series = degrees.map { p in
      let curves = runs.filter { $0.p == p }.map { run in epsilons.map(run.robustAccuracy) }
      let columns = epsilons.indices.map { i in curves.map { $0[i] } }
      return Series(
        label(p), x: epsilons, y: columns.map { $0.reduce(0, +) / Double($0.count) },
        band: curves.count > 1
          ? .init(lower: columns.map { $0.min()! }, upper: columns.map { $0.max()! }) : nil,
        style: .line)
    }
    return LineChart(
      title: title, x: Axis("l2 radius of the attack"),
      y: Axis("robust accuracy", range: 0...1.02), series: series + plainCurves(largest),
      references: references,
      legend: .below)
  }

  /// What plain gradient descent alone reports, for degrees where it is off by more than 10% somewhere.
  private func plainCurves(_ largest: Double) -> [Series] {
    degrees.enumerated().compactMap { number, p in
      let runs = runs.filter { $0.p == p }
      let epsilons = runs[0].plainEpsilons
      let curve = epsilons.indices.map { i in
        runs.map { $0.plainRobustAccuracy[i] }.reduce(0, +) / Double(runs.count)
      }
      let isOff = runs.contains { run in
        zip(run.plainEpsilons, run.plainRobustAccuracy).contains {
          $0.1 > run.robustAccuracy($0.0) + 0.1
        }
      }
      guard isOff else { return nil }
      let shown = epsilons.indices.filter { epsilons[$0] <= largest }
      return Series(
        "\(label(p)), plain PGD alone (too weak)", x: shown.map { epsilons[$0] },
        y: shown.map { curve[$0] }, style: .line, dash: .dashed,
        colour: Colour.categories[number % Colour.categories.count])
    }
  }

  /// Sorted neuron contributions.
  func contributions() -> SortedBars {
    SortedBars(
      title: "Neuron contributions", valueLabel: "|vⱼ|·‖wⱼ‖", rankLabel: "neuron, by contribution",
      groups: degrees.map { p in
        let values = first(p).contributions
        // What is less than a billionth of the largest is not drawn: a logarithmic axis has no zero.
        return .init(label(p), values: values.filter { $0 > 1e-9 * values[0] })
      }, rankScale: .logarithmic, valueScale: .logarithmic, references: [])
  }

  /// Cosines of dominant neurons to class means and subclass centres. Neurons are sorted by the
  /// direction they are closest to, so that alignment shows as a diagonal.
  func cosines(_ p: Double, columns: [String], classCount: Int) -> Heatmap {
    let run = first(p)
    let subclasses = classCount..<run.directions.count
    func closest(_ i: Int) -> Int {
      subclasses.max { run.cosines[i][$0] < run.cosines[i][$1] } ?? 0
    }
    let order = run.cosines.indices.sorted { (closest($0), $0) < (closest($1), $1) }
    return Heatmap(
      title: "Cosines of the \(order.count) largest neurons, \(label(p))",
      values: order.map { run.cosines[$0] }, rowLabels: order.map { "\($0 + 1)" },
      columnLabels: columns, rowTitle: "neuron (rank of its contribution)",
      columnTitle: "direction", valueTitle: "cosine", range: -1...1, colours: .diverging,
      rowDividers: [], columnDividers: [classCount], showsValues: false)
  }

  /// Training loss against epochs.
  func training() -> LineChart {
    LineChart(
      title: "Training", x: Axis("epoch"), y: Axis("mean training loss", scale: .logarithmic),
      series: degrees.map { p in
        let epochs = first(p).epochs
        return Series(
          label(p), x: epochs.map { Double($0.epoch) }, y: epochs.map { max($0.loss, 1e-12) },
          style: .line)
      }, legend: .below)
  }
}
