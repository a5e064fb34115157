import Datasets
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Theory

/// The two experiments of Min and Vidal, *Gradient Flow Provably Learns Robust Classifiers for Orthonormal GMMs*
/// (ICML 2025): how the neurons of a pReLU network align under full-batch gradient descent from tiny weights
/// (appendix B.1), and how robust it is beside networks that the theorem does not speak of (figure 2).
///
/// The paper gives neither code nor every number. Ours are: two-layer networks start balanced, |v_j| = ||w_j||; width 200
/// in the first experiment; alpha = 0.1 and minibatches of 100 in the second, as in the authors' earlier protocol. Step
/// sizes for the squared loss are those of the mean of (f - y)^2, twice what the loss (f - y)^2 / 2 takes.
struct OrthonormalGMMExperiment: GridExperiment {
  typealias Values = GMMValues

  static let name = "orthonormal-gmm"
  static let summary =
    "Min and Vidal (ICML 2025): alignment under gradient descent, and robustness beside controls"

  struct Settings: ExperimentSettings {
    var experiment = OrthonormalGMMExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    /// Of the pReLU networks and of the power of ReLU.
    var exponent = 3.0
    /// The standard deviation of tiny hidden weights.
    var initialScale = 1e-7
    /// The length of the nudge towards a centre, relative to the expected length of a hidden weight vector.
    var nudge = 0.5
    /// The step of both experiments.
    var learningRate = 0.2
    // The first experiment.
    var dynamicsMixture: OrthonormalMixture
    var dynamicsWidth: Int
    /// Steps of full-batch gradient descent.
    var iterations = 600
    /// Iterations between two looks at the neurons.
    var recordEvery = 10
    /// Iterations between two searches of the distance.
    var distanceEvery = 60
    // The second experiment.
    var robustnessMixture: OrthonormalMixture
    /// Units of every hidden layer.
    var robustnessWidth: Int
    var epochs: Int
    var batchSize = 100
    /// The first weights of the un-normalised power of ReLU, relative to PyTorch's: from those of the others it would not
    /// move, as its gradient vanishes with the square of the weights.
    var powerScale: Double
    var attackedSamples: Int
    /// A name of the catalogue of attacks.
    var attack = "standard"

    /// Iterations at which neurons and loss are recorded.
    var recorded: [Int] { Array(stride(from: 0, through: iterations, by: recordEvery)) }
    /// Iterations at which the distance is searched; at the start f is nothing but the draw of its weights.
    var searched: [Int] {
      Array(stride(from: distanceEvery, through: iterations, by: distanceEvery))
    }

    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degree("exponent", exponent)
      try check.initialScale("initialScale", initialScale)
      try check.number("nudge", nudge, in: 0...1e30)
      try check.positive("learningRate", learningRate)
      for (name, mixture) in [
        ("dynamicsMixture", dynamicsMixture), ("robustnessMixture", robustnessMixture),
      ] {
        try check.mixture(name, mixture, samples: ["attackedSamples": attackedSamples])
      }
      try check.width("dynamicsWidth", dynamicsWidth, dimension: dynamicsMixture.dimension)
      // Deep networks have layers of width x width.
      try check.width(
        "robustnessWidth", robustnessWidth,
        dimension: max(robustnessMixture.dimension, robustnessWidth))
      try check.count("iterations", iterations)
      try check.count("recordEvery", recordEvery, in: 1...max(1, iterations))
      try check.count("distanceEvery", distanceEvery, in: 1...max(1, iterations))
      try check.count("epochs", epochs)
      try check.count("batchSize", batchSize)
      try check.positive("powerScale", powerScale)
      try check.attack("attack", attack)
    }
  }

  struct Cell: GridCell {
    enum Part: String { case dynamics, robustness }
    enum Model: String, CaseIterable {
      case pReLU
      case relu = "ReLU"
      case tanh
      case powerReLU = "power ReLU"
      case fourLayers = "4 layers"
    }
    /// Tiny and random; tiny, every neuron moved towards a centre of its own class; of ordinary size.
    enum Start: String { case random, nudged, ordinary }

    let part: Part
    let model: Model
    let start: Start
    let loss: Loss

    var parameters: [Parameter] {
      [
        Parameter("part", part.rawValue), Parameter("model", model.rawValue),
        Parameter("start", start.rawValue), Parameter("loss", loss.rawValue),
      ]
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    func mixture(_ dimension: Int, _ positive: Int, _ negative: Int, _ samples: Int)
      -> OrthonormalMixture
    {
      OrthonormalMixture(
        dimension: dimension, subclasses: positive + negative, positive: positive, alpha: 0.1,
        samples: samples)
    }
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      dynamicsMixture: preset.pick(
        quick: mixture(200, 5, 5, 1000), laptop: mixture(500, 5, 5, 2000),
        paper: mixture(1000, 5, 5, 5000)),
      dynamicsWidth: preset.pick(quick: 100, laptop: 200, paper: 200),
      robustnessMixture: preset.pick(
        quick: mixture(100, 12, 8, 1000), laptop: mixture(300, 12, 8, 3000),
        paper: mixture(2000, 12, 8, 20_000)),
      robustnessWidth: preset.pick(quick: 100, laptop: 200, paper: 200),
      epochs: preset.pick(quick: 400, laptop: 150, paper: 30),
      powerScale: preset.pick(quick: 4, laptop: 6, paper: 15),
      attackedSamples: preset.pick(quick: 60, laptop: 100, paper: 1000))
  }

  // What is varied and measured.

  private let dynamics = [Cell.Start.random, .nudged].map {
    Cell(part: .dynamics, model: .pReLU, start: $0, loss: .squared)
  }

  private func robustness(_ loss: Loss) -> [Cell] {
    Cell.Model.allCases.map { model in
      let isOrdinary = model == .powerReLU || model == .fourLayers
      return Cell(
        part: .robustness, model: model, start: isOrdinary ? .ordinary : .random, loss: loss)
    }
  }

  var cells: [Cell] { dynamics + robustness(.squared) + robustness(.logistic) }

  let metrics = [
    Metric(\Values.accuracy, "accuracy"), Values.medianRadius,
    Metric(\Values.loss, "loss", digits: 4), Values.medianCosine,
    Metric(\Values.distance, "distance", heading: "distance to F^(p)", digits: 4),
  ]

  /// Deeper networks take longer, and attacks on what cannot be reduced longest.
  func operations(_ cell: Cell) -> Double {
    let cost =
      switch (cell.part, cell.model) {
      case (.dynamics, _): 5.0
      case (_, .fourLayers): 4.0
      case (_, .tanh): 3.0
      default: 1.0
      }
    return 16 * Double(settings.robustnessMixture.samples)
      * Double(settings.robustnessMixture.dimension) * Double(settings.robustnessWidth)
      * Double(settings.epochs) * cost
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    try GMMRun(settings, cell, context).measure()
  }

  // What it says.

  private let optimal = CriticalRadius.optimal

  func account(of results: Results) -> Account {
    let (first, second) = (settings.dynamicsMixture, settings.robustnessMixture)
    func sizes(_ mixture: OrthonormalMixture, _ width: Int) -> String {
      "D = \(mixture.dimension), K = \(mixture.positive) + \(mixture.subclasses - mixture.positive), "
        + "n = \(mixture.samples), width \(width)"
    }
    let verdicts = verdicts(results)
    return Account(
      title: "Gradient flow learns robust classifiers of orthonormal mixtures",
      subtitle: "Preset \(settings.preset.rawValue): alignment with "
        + "\(sizes(first, settings.dynamicsWidth)); robustness with "
        + "\(sizes(second, settings.robustnessWidth)); \(settings.repeats) seed(s)",
      introduction:
        "After Min and Vidal (ICML 2025). First, full-batch gradient descent of the mean of (f - y)² "
        + "with step \(settings.learningRate) from balanced weights of size \(settings.initialScale), "
        + "random or nudged towards a centre of the neuron's class: cosines of all neurons to their "
        + "closest centre, loss, and distance to the ideal classifier F^(p) at its best scale. "
        + "Second, minibatches of \(settings.batchSize): pReLU, ReLU and tanh from such weights, the "
        + "un-normalised power relu(z)^p and four layers of ReLU with biases from weights of ordinary "
        + "size, from which alone they learn. Runs whose training stalled or diverged are counted, not "
        + "averaged.",
      answer: answer(results), findings: ["optimalRadius": .number(optimal)],
      figures: [alignmentFigure(results), robustnessFigure(results)],
      sections: [
        AccountSection(
          blocks: verdicts.flatMap { [.subheading($0.title), .list($0.lines.map { Prose($0) })] })
      ],
      remarks: verdicts.flatMap { [$0.title + ":"] + $0.lines.map { "  \($0)" } })
  }

  private func answer(_ results: Results) -> String {
    func text(_ metric: Metric<Values>, _ cell: Cell) -> String {
      results.interval(metric, cell).text(digits: metric.digits)
    }
    let cosines = dynamics.map {
      "\(text(Values.medianCosine, $0)) from a \($0.start.rawValue) start"
    }
    let radii = [Loss.squared, .logistic].map { loss in
      let cells = robustness(loss)
      let best = cells.dropFirst()
        .compactMap { cell in results.mean(Values.medianRadius, cell).map { (cell, $0) } }
        .max { $0.1 < $1.1 }?.0
      let control =
        best.map { "the best control, \($0.model.rawValue): \(text(Values.medianRadius, $0))" }
        ?? "no control learned"
      return "\(text(Values.medianRadius, cells[0])) with the \(loss.rawValue) loss (\(control))"
    }
    return
      "After \(settings.iterations) full-batch steps the median cosine of pReLU neurons to their "
      + "closest centre is \(cosines.joined(separator: " and ")). The median radius of pReLU is "
      + "\(radii.joined(separator: " and ")); no classifier exceeds √2/2 = "
      + String(format: "%.4f.", optimal)
  }

  /// The conditions of the theorem: the worst number of all runs decides.
  private func verdicts(_ results: Results) -> [(title: String, lines: [String])] {
    let pReLU = cells.filter { $0.part == .robustness && $0.model == .pReLU }
    return [
      ("alignment, random start", [dynamics[0]]), ("alignment, nudged start", [dynamics[1]]),
      ("robustness, pReLU", pReLU),
    ].map { title, cells in
      let runs = cells.flatMap { results.measurements($0).map(\.values.conditions) }
      let conditions = GMMCondition.worst(runs)
      return (
        "Assumptions of the theorem, \(title): \(conditions.count { $0.isMet }) of "
          + "\(conditions.count) met", conditions.map(\.verdict)
      )
    }
  }

  private func alignmentFigure(_ results: Results) -> AccountFigure {
    let recorded = settings.recorded.map { Double($0) }
    func panel(
      _ title: String, _ y: Axis, _ curve: KeyPath<Values, [Double]>, _ iterations: [Double]
    ) -> LineChart {
      LineChart(
        title: title, x: Axis("iteration"), y: y,
        series: dynamics.map {
          results.series(
            "\($0.start.rawValue) start", curve: curve, cell: $0, x: iterations, scale: y.scale)
        })
    }
    let cosines = dynamics.map { cell in
      func mean(_ path: KeyPath<Values, [Double]>) -> [Double] {
        results.curve(path, cell).map { $0.mean ?? .nan }
      }
      let median = mean(\.course.median)
      return Series(
        "\(cell.start.rawValue) start, median and quartiles",
        x: Array(recorded.prefix(median.count)), y: median,
        band: .init(lower: mean(\.course.lower), upper: mean(\.course.upper)))
    }
    return AccountFigure(
      "alignment",
      PanelFigure(
        panels: [
          LineChart(
            title: "Cosine to the closest centre", x: Axis("iteration"),
            y: Axis("cosine", range: 0...1.02), series: cosines),
          panel("Loss", Axis("mean of (f - y)²", scale: .logarithmic), \.course.loss, recorded),
          panel(
            "Distance to F⁽ᵖ⁾", Axis("inf over c of sup |c f - F⁽ᵖ⁾|"), \.course.distance,
            settings.searched.map { Double($0) }),
        ], columns: 3),
      caption: "Full-batch gradient descent. (a) Median over all neurons, band from the lower to "
        + "the upper quartile, means over seeds. (b, c) Means over seeds with 95% intervals, of "
        + "logarithms on the logarithmic axis.",
      alternative: "Cosines of neurons to their closest centre, loss and distance over iterations")
  }

  private func robustnessFigure(_ results: Results) -> AccountFigure {
    let panels = [Loss.squared, .logistic].map { loss in
      LineChart(
        title: "\(loss.rawValue) loss", x: Axis("l2 radius of the attack"),
        y: Axis("robust accuracy", range: 0...1.02),
        series: robustness(loss).filter { !results.values($0).isEmpty }.map {
          results.series($0.model.rawValue, curve: \.robustAccuracy, cell: $0, x: Values.radii)
        },
        references: [
          .vertical(optimal, label: "√2/2"),
          .vertical(
            CriticalRadius.relu(subclasses: settings.robustnessMixture.subclasses), label: "1/√K"),
        ])
    }
    return AccountFigure(
      "robustness", PanelFigure(panels: panels),
      caption: "Robust accuracy, worst case over all attacks; means over seeds with 95% intervals. "
        + "Dashed: 1/√K, where a network of average class directions breaks, and √2/2, which no "
        + "classifier exceeds.",
      alternative: "Robust accuracy against radius for pReLU and four controls, for two losses")
  }
}
