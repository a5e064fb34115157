import Datasets
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Does a finer label or a higher degree buy the same robustness? Two-layer ReLU networks with hidden biases and a
/// frozen output layer on orthogonal clusters (Li, Pan, Lyu and Li, *Feature averaging*, ICLR 2025, arXiv
/// 2410.10322): trained on two classes, trained on the clusters and read out as two classes, and beside them pReLU
/// networks of degree 3 trained on two classes. Radii are bounded from both sides.
struct FeatureAveragingExperiment: GridExperiment {
  typealias Values = FeatureAveragingValues

  static let name = "feature-averaging"
  static let summary =
    "two classes against cluster labels for ReLU, and p = 3: l2 radii from both sides, cosines to centres"

  struct Settings: ExperimentSettings {
    var experiment = FeatureAveragingExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var clusters: FeatureAveragingTraining
    /// Widths of the networks of degree ``degree``; ReLU networks have the first.
    var widths: [Int]
    var degree = 3.0
    var twoSided: TwoSidedSettings

    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try clusters.validate(
        check.at("clusters"), attackedSamples: twoSided.samples)
      // Every cluster needs a neuron, and both classes as many.
      let count = clusters.clusterCount
      try check.list("widths", widths, limit: 8) { (width) throws(ExperimentError) in
        try check.count("widths", width, in: count...100_000)
        guard width % 2 == 0 else { throw check.refusal("widths", width, "an even number") }
      }
      try check.degree("degree", degree)
      guard degree > 1 else { throw check.refusal("degree", degree, "a degree above 1") }
      try check.twoSided("twoSided", twoSided)
    }
  }

  struct Cell: GridCell {
    let p: Double
    let width: Int
    let labels: FeatureAveragingTraining.Labels
    var parameters: [Parameter] {
      [
        Parameter("p", p), Parameter("width", Double(width)),
        Parameter("labels", labels.rawValue),
      ]
    }
    /// In figures and sentences.
    var words: String {
      labels == .clusters
        ? "cluster labels, p = \(p.formatted())"
        : "two classes, p = \(p.formatted())" + (p > 1 ? ", \(width) neurons" : "")
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      clusters: FeatureAveragingTraining(
        dimension: preset.pick(quick: 768, laptop: 3072, paper: 3072),
        samples: preset.pick(quick: 250, laptop: 1000, paper: 1000)),
      widths: [10, 50],
      twoSided: TwoSidedSettings(
        samples: preset.pick(quick: 40, laptop: 200, paper: 1000),
        attack: preset == .quick ? "quick" : "standard",
        nodes: preset.pick(quick: 200, laptop: 1000, paper: 5000), seconds: nil))
  }

  // What is varied and measured.

  var cells: [Cell] {
    let first = settings.widths[0]
    return [
      Cell(p: 1, width: first, labels: .classes), Cell(p: 1, width: first, labels: .clusters),
    ] + settings.widths.map { Cell(p: settings.degree, width: $0, labels: .classes) }
  }
  let metrics = FeatureAveragingValues.metrics

  func operations(_ cell: Cell) -> Double {
    let clusters = settings.clusters
    let pass = 4 * Double(clusters.dimension) * Double(clusters.samples) * Double(cell.width)
    return pass * Double(clusters.steps(width: cell.width)) + 3e8
      * Double(settings.twoSided.samples)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    let (train, attacked) = try settings.clusters.data(
      seed: context.seed, attackedSamples: settings.twoSided.samples)
    let network = try settings.clusters.train(
      exponent: cell.p, width: cell.width, labels: cell.labels, data: train, seed: context.seed)
    let radii = try TwoSidedStudy(
      directory: context.directory, settings: settings.twoSided, name: context.name,
      seed: context.seed
    ).result({ network }, attacked: attacked, train: train, progress: context.progress)
    return Measured(
      FeatureAveragingValues(
        network, radii: radii, centers: train.groupCenters!, labels: train.groupLabels!,
        epsilons: epsilons), flags: radii.violations())
  }

  /// 0 to 60 at the dimension 3072 of the paper: lengths grow with the root of the dimension.
  private var epsilons: [Double] {
    let largest = 60 * (Double(settings.clusters.dimension) / 3072).squareRoot()
    return (0...60).map { Double($0) / 60 * largest }
  }

  // What it says.

  func account(of results: Results) -> Account {
    let half = settings.clusters.halfDistance
    let distinct = Array(cells.enumerated())
    let curves = distinct.flatMap { number, cell in
      let colour = Colour.categories[number % Colour.categories.count]
      return [
        results.series(
          cell.words, curve: \.attackedAccuracy, cell: cell, x: epsilons, colour: colour),
        results.series(
          cell.words + ", proved", curve: \.provedAccuracy, cell: cell, x: epsilons, dash: .dashed,
          colour: colour),
      ]
    }
    return Account(
      title: "Feature averaging: finer labels against a higher degree",
      subtitle: "Preset \(settings.preset.rawValue): \(settings.clusters.sizes)",
      introduction:
        "Clusters lie around orthogonal centres of length √D; each class has half of them. A network that "
        + "averages the features of its class has cosines of about \(averageCosine) to all of its centres. "
        + "Trained on the clusters, a class is where the logits of its clusters sum to more.",
      answer: answer(results), findings: findings(results),
      figures: [
        AccountFigure(
          "robust-accuracy",
          LineChart(
            title: "Robust accuracy from both sides", x: Axis("l2 radius"),
            y: Axis("accuracy", range: 0...1.02), series: curves,
            references: [.vertical(half, label: "half the distance of two centres")]),
          caption:
            "Solid: what attacks leave; dashed: what is proved. Mean with 95% interval over seeds.",
          alternative: "Robust accuracy against the l2 radius for each kind of training")
      ]
        + cells.compactMap { cosines($0, results) })
  }

  /// 1 / sqrt(clusters of a class).
  private var averageCosine: String {
    String(format: "%.2f", 1 / (Double(settings.clusters.clusterCount) / 2).squareRoot())
  }

  private func cosines(_ cell: Cell, _ results: Results) -> AccountFigure? {
    guard let values = results.values(cell).first, !values.cosines.isEmpty else { return nil }
    return AccountFigure(
      "cosines-\(cell.fileName)",
      Heatmap(
        title: cell.words, values: values.cosines, rowTitle: "neurons", columnTitle: "centres",
        valueTitle: "cosine",
        columnDividers: [settings.clusters.clusterCount - settings.clusters.clusterCount / 2]),
      caption:
        "Cosines between neurons and centres, first seed; neurons in the order of their centres.",
      alternative: "Cosines between neurons and cluster centres")
  }

  private func findings(_ results: Results) -> [String: Account.Finding] {
    var findings = [
      "half the distance of two centres": Account.Finding.number(settings.clusters.halfDistance)
    ]
    for cell in cells {
      for metric in [Values.classCosine, Values.bestCosine, Values.medianProved] {
        guard let mean = results.mean(metric, cell) else { continue }
        findings["\(metric.key), \(cell.words)"] = .number(mean)
      }
    }
    return findings
  }

  private func answer(_ results: Results) -> String {
    func radius(_ cell: Cell) -> Double? { results.mean(Values.medianAttacked, cell) }
    let (coarse, fine, high) = (cells[0], cells[1], cells[cells.count - 1])
    guard let average = radius(coarse), let finer = radius(fine), let higher = radius(high) else {
      return "No network was trained."
    }
    let gains = (finer > 1.1 * average, higher > 1.1 * average)
    let verdict =
      switch gains {
      case (true, true):
        abs(finer - higher) <= 0.1 * max(finer, higher)
          ? "A finer label and a higher degree buy the same robustness"
          : "Both buy robustness, \(finer > higher ? "the finer label" : "the higher degree") more of it"
      case (true, false): "Only the finer label buys robustness"
      case (false, true): "Only the higher degree buys robustness"
      case (false, false): "Neither buys robustness"
      }
    func text(_ cell: Cell) -> String {
      String(
        format: "%.1f (%.1f proved)", radius(cell) ?? .nan,
        results.mean(Values.medianProved, cell) ?? .nan)
    }
    return
      "\(verdict): the median l2 radius is \(text(coarse)) for two classes, \(text(fine)) for cluster labels, "
      + "and \(text(high)) for two classes at p = \(settings.degree.formatted()) with \(high.width) neurons; "
      + String(format: "half the distance of two centres is %.1f.", settings.clusters.halfDistance)
  }
}
