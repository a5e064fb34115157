import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Training

/// The panels of Figure 4 of Min and Vidal (ICML 2024), from results alone.
struct RealDataFigures {
  let results: [RealDataResult]
  /// The usual attack beside each curve, where there is one.
  let plainAttacks: [String?]

  /// The degrees, in increasing order.
  var degrees: [Double] { Array(Set(results.map(\.p))).sorted() }

  /// Mean and range over repeats of a number an epoch.
  private func epochSeries(
    _ label: String, _ p: Double, dash: Series.Dash = .solid, colour: Int,
    _ value: (RealDataResult, Int) -> Double
  ) -> Series {
    let runs = results.filter { $0.p == p }
    let count = runs.map(\.epochs.count).min() ?? 0
    let columns = (0..<count).map { i in runs.map { value($0, i) } }
    return series(label, (1...max(1, count)).map(Double.init), columns, dash: dash, colour: colour)
  }

  private func series(
    _ label: String, _ x: [Double], _ columns: [[Double]], dash: Series.Dash = .solid, colour: Int
  ) -> Series {
    Series(
      label, x: Array(x.prefix(columns.count)),
      y: columns.map { $0.reduce(0, +) / Double($0.count) },
      band: columns.first.map { $0.count > 1 } == true
        ? .init(lower: columns.map { $0.min()! }, upper: columns.map { $0.max()! }) : nil,
      style: .line, dash: dash, colour: Colour.categories[colour % Colour.categories.count])
  }

  /// Train (solid) and test (dashed) accuracy against epochs.
  func accuracy() -> LineChart {
    var all: [Series] = []
    for (k, p) in degrees.enumerated() {
      all.append(
        epochSeries("p = \(p.degreeText), train", p, colour: k) {
          $0.epochs[$1].features?.trainAccuracy ?? $0.epochs[$1].trainAccuracy
        })
      all.append(
        epochSeries("test", p, dash: .dashed, colour: k) { $0.epochs[$1].testAccuracy ?? .nan })
    }
    let values = all.flatMap(\.y).filter(\.isFinite)
    let floor = max(0, ((values.min() ?? 0) * 20).rounded(.down) / 20)
    return LineChart(
      title: "Accuracy", x: Axis("epoch"), y: Axis("accuracy", range: floor...1.002), series: all,
      legend: .below)
  }

  /// Stable rank of the hidden features of the training data against epochs.
  func featureStableRank() -> LineChart {
    stableRank("Stable rank of the hidden features") { $0.featureStableRank }
  }

  /// Stable rank of the hidden weights against epochs.
  func weightStableRank() -> LineChart {
    stableRank("Stable rank of the hidden weights") { $0.weightStableRank }
  }

  private func stableRank(_ title: String, _ value: (FeatureRecord) -> Double) -> LineChart {
    LineChart(
      title: title, x: Axis("epoch"), y: Axis("stable rank"),
      series: degrees.enumerated().map { k, p in
        epochSeries("p = \(p.degreeText)", p, colour: k) {
          $0.epochs[$1].features.map(value) ?? .nan
        }
      }, legend: .below)
  }

  /// Robust accuracy against radius for the curve number `index`.
  func robustness(_ index: Int) -> LineChart {
    let first = results[0].curves[index]
    let epsilons = first.points.map(\.epsilon)
    return LineChart(
      title: "Robust accuracy, \(first.attack)", x: Axis("\(first.norm.rawValue) radius"),
      y: Axis("robust accuracy", range: 0...1.02),
      series: degrees.enumerated().map { k, p in
        let runs = results.filter { $0.p == p }
        let columns = epsilons.indices.map { i in
          runs.map { $0.curves[index].points[i].robustAccuracy }
        }
        return series("p = \(p.degreeText)", epsilons, columns, colour: k)
      } + plainCurves(index), legend: .below)
  }

  /// What a usual attack alone reports, for degrees where it is off by more than 2% somewhere.
  func plainCurves(_ index: Int) -> [Series] {
    degrees.enumerated().compactMap { k, p in
      for run in results where run.p == p {
        let curve = run.curves[index]
        guard let plain = curve.plain else { continue }
        let isOff = zip(plain, curve.points).contains {
          $0.robustAccuracy > $1.robustAccuracy + 0.02
        }
        if !isOff { return nil }
        return series(
          "p = \(p.degreeText), \(plainAttacks[index] ?? "plain attack") alone (too weak)",
          plain.map(\.epsilon), plain.map { [$0.robustAccuracy] }, dash: .dashed, colour: k)
      }
      return nil
    }
  }

  /// Cosines between centred samples, sorted by subclass within class: `perGroup` samples of each.
  static func correlation(_ data: Dataset, perGroup: Int) -> Heatmap {
    let groups = data.groups ?? data.labels
    let labels = data.groupLabels ?? Array(0..<data.classCount)
    let order = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
    var rows: [Int] = []
    var dividers: [Int] = []
    for (position, group) in order.enumerated() {
      if position > 0 && labels[group] != labels[order[position - 1]] {
        dividers.append(rows.count)
      }
      rows += groups.indices.lazy.filter { groups[$0] == group }.prefix(perGroup)
    }
    var sample = data.inputs
    sample.subtractFromRows(data.inputs.columnMeans())
    let unit = sample.rows(at: rows).rowsNormalized()
    let cosines = Matrix.product(unit, unit, transposeB: true)
    return Heatmap(
      title: "Cosines of centred samples, by class and subclass",
      values: (0..<cosines.rows).map { i in cosines.row(i).map { Double($0) } }, rowLabels: [],
      columnLabels: [], rowTitle: "sample", columnTitle: "sample", valueTitle: "cosine",
      range: -1...1, colours: .diverging, rowDividers: dividers, columnDividers: dividers,
      showsValues: false)
  }
}
