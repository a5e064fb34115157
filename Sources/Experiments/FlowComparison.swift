import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Theory
import Training

/// Gradient flow against what is used in its place, from the same initial weights: gradient descent, stochastic
/// gradient descent with and without momentum, and Adam.
struct FlowComparisonExperiment: GridExperiment {
  typealias Values = TrainingValues<NetworkValues>

  static let name = "flow-vs-sgd"
  static let summary =
    "gradient flow against SGD (learning rate x momentum x batch size) and Adam, same initial weights"

  struct Settings: ExperimentSettings {
    var experiment = FlowComparisonExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 3]
    var learningRates = [0.02, 0.2, 1]
    var momenta = [0, 0.9]
    /// The small ones; all samples are one more.
    var batchSizes = [10, 100]
    var compared = Compared()
    /// Loss, initial scale, data. Every optimiser stops at its loss or its end of time.
    var flow: FlowTraining
    /// Every optimiser is given up after so many steps.
    var maximumSteps: Int

    /// The hyper-parameters of the first two figures: all but Adam with steps of the same time.
    struct Compared: Codable, Equatable {
      var learningRate = 0.2
      var momentum = 0.9
      /// learningRate (1 - momentum).
      var momentumLearningRate = 0.02
      var adamLearningRate = 1e-3
      var batchSize = 100

      var methods: [Method] {
        [
          .flow, .descent(learningRate, 0, nil), .descent(learningRate, 0, batchSize),
          .descent(momentumLearningRate, momentum, batchSize), .adam(adamLearningRate, batchSize),
        ]
      }
    }

    /// Learning rate x momentum x batch size.
    var grid: [Method] {
      learningRates.flatMap { rate in
        momenta.flatMap { momentum in
          (batchSizes + [nil]).map { .descent(rate, momentum, $0) }
        }
      }
    }
    var methods: [Method] {
      [.flow] + grid + compared.methods.filter { $0 != .flow && !grid.contains($0) }
    }
    var cells: [Cell] { degrees.flatMap { p in methods.map { Cell(p: p, method: $0) } } }

    /// The times at which losses are compared: a hundred in every power of ten.
    var lossTimes: [Double] {
      let last = flow.flow.endTime
      let count = Int(saturating: (100 * log10(last / 0.01)).rounded(.up))
      return (0...count).map { 0.01 * pow(last / 0.01, Double($0) / Double(count)) }
    }

    /// A figure has a panel for every degree, and losses are compared from time 0.01 on.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees, limit: 26)
      try check.positives("learningRates", learningRates)
      try check.list("momenta", momenta) { (value) throws(ExperimentError) in
        try check.momentum("momenta", value)
      }
      try check.counts("batchSizes", batchSizes)
      let own = check.at("compared")
      try own.positive("learningRate", compared.learningRate)
      try own.positive("momentumLearningRate", compared.momentumLearningRate)
      try own.positive("adamLearningRate", compared.adamLearningRate)
      try own.momentum("momentum", compared.momentum)
      try own.count("batchSize", compared.batchSize)
      try flow.validate(check.at("flow"), isFlow: false)
      guard flow.flow.endTime >= 0.02 else {
        throw check.refusal("flow.flow.endTime", flow.flow.endTime, "a number of at least 0.02")
      }
      try check.count("maximumSteps", maximumSteps)
      try check.cells(
        most: [degrees.count, learningRates.count, momenta.count, batchSizes.count + 1]
      ) { cells }
    }
  }

  /// How a network is trained; without a batch size all samples are in a step.
  struct Method: Hashable {
    let name: String
    var learningRate: Double?
    var momentum: Double?
    var batchSize: Int?

    static let flow = Method(name: "gradient flow")
    static func descent(_ rate: Double, _ momentum: Double, _ batchSize: Int?) -> Method {
      Method(
        name: (batchSize == nil ? "GD" : "SGD") + (momentum == 0 ? "" : " with momentum"),
        learningRate: rate, momentum: momentum, batchSize: batchSize)
    }
    static func adam(_ rate: Double, _ batchSize: Int?) -> Method {
      Method(name: "Adam", learningRate: rate, batchSize: batchSize)
    }

    /// nil for the flow.
    var optimizer: OptimizerConfiguration? {
      learningRate.map { rate in
        momentum.map { .sgd(learningRate: rate, momentum: $0) } ?? .adam(learningRate: rate)
      }
    }

    /// "SGD, learning rate 0.2, batch 10".
    var title: String {
      let parts = [
        name, learningRate.map { "learning rate \(Parameter.Value.number($0).text)" },
        momentum.flatMap { $0 > 0 ? "momentum \($0)" : nil }, batchSize.map { "batch \($0)" },
      ]
      return parts.compactMap(\.self).joined(separator: ", ")
    }
  }

  struct Cell: GridCell {
    let p: Double
    let method: Method

    var parameters: [Parameter] {
      func number(_ name: String, _ value: Double?) -> Parameter {
        value.map { Parameter(name, $0) } ?? Parameter(name, "-")
      }
      return [
        Parameter("p", p), Parameter("optimiser", method.name),
        number("learning rate", method.learningRate), number("momentum", method.momentum),
        Parameter("batch", method.batchSize.map { "\($0)" } ?? "full"),
      ]
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      flow: FlowTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.1,
          samples: preset.pick(quick: 200, laptop: 400, paper: 5000)),
        hiddenWidth: preset.pick(quick: 50, laptop: 100, paper: 500),
        flow: FlowConfiguration(tolerance: 1e-4, endTime: 2000, maximumSteps: 200_000),
        attackedSamples: preset.pick(quick: 60, laptop: 200, paper: 1000)),
      maximumSteps: 100_000)
  }

  // What is varied and measured.

  var cells: [Cell] { settings.cells }

  static let radius = NetworkValues.medianRadius.of(\Values.network)
  static let time = Metric(\Values.fittingTime, "fittingTime", heading: "time to fit", digits: 2)
  let metrics: [Metric<Values>] =
    [radius]
    + [NetworkValues.effectiveNeurons, NetworkValues.subclassCosine, NetworkValues.classCosine]
    .map { $0.of(\.network) } + [time]

  /// Steps are short where the learning rate is small.
  func operations(_ cell: Cell) -> Double {
    let method = cell.method
    let passes = method.optimizer.map {
      method.momentum == nil ? 2 : (method.batchSize == nil ? 0.5 : 0.2) / $0.timeOfStep
    }
    return settings.flow.workOfPass * 900 * (passes ?? 1)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    guard let optimizer = cell.method.optimizer else {
      return try settings.flow.measure(
        exponent: cell.p, seed: context.seed, lossTimes: settings.lossTimes)
    }
    return try DescentTraining(
      flow: settings.flow, optimizer: optimizer, batchSize: cell.method.batchSize,
      maximumSteps: settings.maximumSteps
    ).measure(exponent: cell.p, seed: context.seed, lossTimes: settings.lossTimes)
  }

  // What it says.

  func account(of results: Results) -> Account {
    let methods = settings.compared.methods
    /// "1 gradient flow, 2 GD, ...".
    func numbered(_ text: (Method) -> String) -> String {
      methods.enumerated().map { "\($0 + 1) \(text($1))" }.joined(separator: "; ")
    }
    func panels(_ chart: (Double, Results) -> LineChart) -> PanelFigure {
      PanelFigure(panels: settings.degrees.map { chart($0, results) })
    }
    var findings: [String: Account.Finding] = [:]
    for cell in cells where cell.method != .flow {
      let ratio = results.ratio(cell.p, cell.method)
      findings["median radius over the flow's at \(cell.title)"] = ratio.mean.map { mean in
        ratio.halfWidth.map { .interval(value: mean, halfWidth: $0) } ?? .number(mean)
      }
    }
    return Account(
      title: "Gradient flow and what is used in its place",
      subtitle: "Preset \(settings.preset.rawValue): \(settings.flow.sizes), and optimisers",
      introduction:
        "All optimisers start at the same weights and stop at a hundredth of a silent network's "
        + "loss. Time is the number of steps times the learning rate, with momentum times "
        + "learning rate / (1 - momentum). A step of Adam moves every weight by about its learning "
        + "rate, however small the gradient is: its time bounds the way of a weight and is no time "
        + "of gradient flow.",
      answer: answer(results), findings: findings,
      figures: [
        AccountFigure(
          "training-loss", panels(lossChart),
          caption: "Mean with 95% interval over seeds, as far as all of them have not stopped.",
          alternative: "Training loss against time for five optimisers"),
        AccountFigure(
          "median-radius", methodChart(results, label: numbered { $0.name }),
          caption: "Mean with 95% interval over seeds. \(numbered { $0.title }).",
          alternative: "Median radius of the networks of five optimisers"),
        AccountFigure(
          "grid", panels(gridChart),
          caption: "Median radius against the time of a step. Settings without a point have not "
            + "fitted the data in any run.",
          alternative: "Median radius against learning rate, momentum and batch size"),
      ], answerTable: ratioTable(results))
  }

  private func answer(_ results: Results) -> String {
    func list(_ number: (Double) -> String) -> String {
      settings.degrees.map { "\(number($0)) at \(degree($0))" }.joined(separator: " and ")
    }
    func ratios(_ method: Method) -> String {
      list { p in
        let ratio = results.ratio(p, method)
        return ratio.mean == nil ? "none (no fit)" : ratio.text(digits: 4)
      }
    }
    let smallestStep = Method.descent(settings.learningRates.min()!, 0, nil)
    let adam = settings.compared.methods.last!
    let close = list { p in
      let ratios = settings.grid.compactMap { results.ratio(p, $0).mean }
      return "\(ratios.count { abs($0 - 1) <= 0.02 })"
    }
    return
      "Median radii over that of gradient flow from the same weights are \(ratios(smallestStep)) for "
      + "\(smallestStep.title), and \(ratios(adam)) for \(adam.name). Of \(settings.grid.count) settings of "
      + "learning rate, momentum and batch size, \(close) stay within 2% of it."
  }

  /// Times of Adam are no times of the flow.
  private func ratioTable(_ results: Results) -> Account.Table {
    Account.Table(
      caption: "Median radius and time to fit, over those of the flow with the same seed.",
      header: ["optimiser"]
        + settings.degrees.flatMap { ["radius, \(degree($0))", "time, \(degree($0))"] },
      rows: settings.methods.dropFirst().map { method in
        [method.title]
          + settings.degrees.flatMap { p in
            [
              results.ratio(p, method).text(digits: 4),
              method.momentum == nil
                ? "–" : results.ratio(p, method, of: Self.time).text(digits: 2),
            ]
          }
      })
  }

  private func degree(_ p: Double) -> String { "p = \(p.formatted())" }

  private func lossChart(_ p: Double, _ results: Results) -> LineChart {
    // Curves lie on each other: the later ones have gaps that the earlier ones show through.
    let dashes: [Series.Dash] = [.solid, .dashed, .dotted, .dashDotted, .solid]
    let series = zip(settings.compared.methods, dashes).map { method, dash in
      let losses = results.values(Cell(p: p, method: method)).map(\.loss)
      let times = losses.isEmpty ? [] : settings.lossTimes
      // Where some runs have stopped the mean would be one of the slow ones.
      let repeats = times.indices.map { i in
        losses.allSatisfy { $0[i].isFinite } ? losses.map { $0[i] } : []
      }
      return Series(method.name, x: times, repeats: repeats, scale: .logarithmic, dash: dash)
    }
    return LineChart(
      title: degree(p), x: Axis("time", scale: .logarithmic),
      y: Axis("training loss", scale: .logarithmic, range: 0.005...2), series: series)
  }

  /// Methods are no scale: each has a bar of its own, with its interval around it.
  private func methodChart(_ results: Results, label: String) -> LineChart {
    let methods = settings.compared.methods
    let ends = methods.indices.flatMap { i in [0.8, 1.2, 1.5].map { Double(i) + $0 } }
    let series = settings.degrees.map { p in
      let intervals = methods.map { results.interval(Self.radius, Cell(p: p, method: $0)) }
      func bars(_ value: (MeanInterval) -> Double) -> [Double] {
        intervals.flatMap { [value($0), value($0), .nan] }
      }
      return Series(
        degree(p), x: ends, y: bars { $0.mean ?? .nan },
        band: .init(lower: bars(\.lower), upper: bars(\.upper)))
    }
    return LineChart(
      title: "Median radius by optimiser",
      x: Axis(label, range: 0.5...Double(methods.count) + 0.5), y: Axis("l2 median radius"),
      series: series,
      references: [
        .horizontal(
          CriticalRadius.relu(subclasses: settings.flow.mixture.subclasses), label: "1/√K"),
        .horizontal(CriticalRadius.optimal, label: "√2/2"),
      ])
  }

  private func gridChart(_ p: Double, _ results: Results) -> LineChart {
    let series = settings.momenta.flatMap { momentum in
      (settings.batchSizes + [nil]).map { size in
        results.series(
          "batch \(size.map { "\($0)" } ?? "full")"
            + (momentum == 0 ? "" : ", momentum \(momentum)"), Self.radius,
          cells: settings.learningRates.map {
            Cell(p: p, method: .descent($0, momentum, size))
          }, dash: momentum == 0 ? .solid : .dashed
        ) { $0.method.optimizer!.timeOfStep }
      }
    }
    let flow = results.mean(Self.radius, Cell(p: p, method: .flow))
    return LineChart(
      title: degree(p), x: Axis("learning rate / (1 - momentum)", scale: .logarithmic),
      y: Axis("l2 median radius"), series: series,
      references: flow.map { [.horizontal($0, label: "flow")] } ?? [])
  }
}

extension GridResults<FlowComparisonExperiment> {
  /// A metric of each run over that of the flow with the same seed; runs that failed do not count.
  fileprivate func ratio(
    _ p: Double, _ method: FlowComparisonExperiment.Method,
    of metric: Metric<Values> = FlowComparisonExperiment.radius
  ) -> MeanInterval {
    func values(_ method: FlowComparisonExperiment.Method) -> [Double] {
      measurements(Cell(p: p, method: method))
        .map { $0.failure == nil ? metric.value($0.values) : .nan }
    }
    return MeanInterval(zip(values(method), values(.flow)).map { $0 / $1 }.filter { !$0.isNaN })
  }
}
