import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Theory

/// Whether deeper networks gain from the degree: fully connected pReLU networks of one to six hidden layers on the
/// orthonormal mixture, with and without what keeps their signal alive, from small and from usual weights.
struct DeepMixtureExperiment: GridExperiment {
  typealias Values = DepthValues
  typealias Variant = DenseDesign.Variant
  typealias Start = DepthTraining.Start

  static let name = "deep-mixture"
  static let summary =
    "one to six hidden layers on the mixture: radius against depth, where training stalls, what helps"

  struct Settings: ExperimentSettings {
    var experiment = DeepMixtureExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var depths: [Int]
    var variants: [Variant] = [
      .plain, .layerNormalization, .residual, .residualNormalization, .inputNormalization,
    ]
    var starts = Start.allCases
    var width: Int
    var measurement: DepthTraining

    /// Figures have a panel for every start and degree, or two for every degree.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees, limit: 26 / max(2, min(3, starts.count)))
      try check.dense(
        depths: depths, variants: variants, width: width, dimension: measurement.mixture.dimension)
      try check.list("starts", starts) { (_) throws(ExperimentError) in }
      try measurement.validate(check.at("measurement"))
      try check.cells(most: [degrees.count, depths.count, variants.count, starts.count]) {
        [Cell]()
      }
    }
  }

  /// The simplest network with the function that is asked for, and how it is trained.
  struct Cell: GridCell {
    let p: Double
    let depth: Int
    let variant: Variant
    let start: Start

    init(_ p: Double, _ depth: Int, _ variant: Variant, _ start: Start) {
      self.p = p
      self.depth = depth
      self.variant = variant.simplest(exponent: p, depth: depth)
      self.start = start
    }

    var parameters: [Parameter] {
      [
        Parameter("p", p), Parameter("depth", Double(depth)),
        Parameter("network", variant.rawValue), Parameter("start", start.rawValue),
      ]
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    let epochs = preset == .quick ? 100 : 200
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 3, paper: 5),
      depths: preset == .quick ? [1, 2, 4] : [1, 2, 3, 4, 5, 6],
      width: preset.pick(quick: 32, laptop: 64, paper: 500),
      measurement: DepthTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.1,
          samples: preset.pick(quick: 500, laptop: 2000, paper: 20_000), rotation: .random),
        epochs: epochs, patience: epochs / 2, batchSize: preset == .quick ? 50 : 100,
        attackedSamples: preset.pick(quick: 20, laptop: 50, paper: 500)))
  }

  // What is varied and measured.

  /// Each function once.
  var cells: [Cell] {
    settings.starts.flatMap { start in
      settings.degrees.flatMap { p in
        settings.variants.flatMap { variant in
          settings.depths.map { Cell(p, $0, variant, start) }.filter { $0.variant == variant }
        }
      }
    }
  }

  let metrics: [Metric<Values>] = [
    NetworkValues.medianRadius.of(\.network), NetworkValues.accuracy.of(\.network), Values.signal,
    Values.gradient, Values.loss, Values.epochs, Values.learningRate,
    NetworkValues.effectiveNeurons.of(\.network), NetworkValues.subclassCosine.of(\.network),
    NetworkValues.classCosine.of(\.network), NetworkValues.subclassesFound.of(\.network),
    Values.subclassShare, Values.classShare,
  ]

  func design(_ cell: Cell) -> DenseDesign {
    DenseDesign(
      exponent: cell.p, depth: cell.depth, width: settings.width, variant: cell.variant)
  }

  /// Forward and back are three passes of training, the ensemble takes some thousands a sample; small products and
  /// their surroundings take about three times what large ones do.
  func operations(_ cell: Cell) -> Double {
    let training = settings.measurement
    let pass = 2 * Double(design(cell).products(dimension: training.mixture.dimension))
    let passes = 3 * Double(training.epochs) * Double(training.mixture.samples)
    return 3 * pass * (passes + 8000 * Double(training.attackedSamples))
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    try settings.measurement.measure(
      design(cell), cell.start, seed: context.seed, report: context.report)
  }

  func account(of results: Results) -> Account {
    let reading = Reading(experiment: self, results: results)
    let (training, mixture) = (settings.measurement, settings.measurement.mixture)
    return Account(
      title: "Do deeper networks gain from pReLU? The mixture",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.width), exponential loss down to \(training.stopLoss), batch "
        + "\(training.batchSize), at most \(training.epochs) epochs",
      introduction: """
        Networks are plain; or with a layer normalisation behind every hidden layer; with residual connections \
        x + layer(x) from the second hidden layer on; with both; or plain with every feature divided by ‖x‖^(p-1) \
        ("input norm"). Equal functions are measured once. Weights start uniformly in ±√(6/inputs), times \
        \(training.smallScale.formatted()) for a small start. The smallest learning rate with which training fits is \
        taken: the closest to gradient flow. A training whose loss stays above \
        \(DepthTraining.stalledLoss.formatted()) of a silent network's with every rate has stalled. Theory, for one \
        hidden layer: 1/√K = \(reading.number(reading.linearLaw)) at p = 1 and √2/2 = \
        \(reading.number(CriticalRadius.optimal)) at p = 3; nothing beyond √2/2 is possible at any depth.
        """,
      answer: reading.answer, findings: reading.findings,
      figures: reading.figures, overview: reading.overview, answerTable: reading.answerTable)
  }
}

extension DeepMixtureExperiment {
  /// What the results say.
  private struct Reading {
    let experiment: DeepMixtureExperiment
    let results: Results
    let medianRadius = NetworkValues.medianRadius.of(\DepthValues.network)

    var settings: Settings { experiment.settings }
    var deepest: Int { settings.depths.max() ?? 1 }
    var linearLaw: Double {
      CriticalRadius.relu(subclasses: settings.measurement.mixture.subclasses)
    }

    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    func name(_ p: Double) -> String { "p = \(p.formatted())" }

    /// Whether most runs of a cell fitted their data.
    func fits(_ cell: Cell) -> Bool { 2 * results.failures(cell) < results.seeds.count }

    func radius(_ cell: Cell) -> Double? { fits(cell) ? results.mean(medianRadius, cell) : nil }

    /// The largest median radius of a degree, where most runs fitted, and its cell.
    func best(_ p: Double, depth isMeant: (Int) -> Bool) -> (radius: String, cell: Cell)? {
      results.cells.filter { $0.p == p && isMeant($0.depth) }
        .compactMap { cell in radius(cell).map { ($0, cell) } }
        .max { $0.0 < $1.0 }.map { (number($0.0), $0.1) }
    }

    /// log10 of the output's size before training, over all runs.
    func signal(_ cell: Cell) -> Double? {
      MeanInterval(results.measurements(cell).map(\.values.signal)).mean
    }

    /// The first depths at which most runs do not fit.
    var stalls: [(p: Double, variant: Variant, start: Start, depth: Int)] {
      settings.starts.flatMap { start in
        settings.variants.flatMap { variant in
          settings.degrees.compactMap { p in
            settings.depths.sorted().first { !fits(Cell(p, $0, variant, start)) }
              .map { (p, variant, start, $0) }
          }
        }
      }
    }

    var findings: [String: Account.Finding] {
      let pairs = stalls.map { p, variant, start, depth in
        (
          "first depth without fit: \(variant.rawValue), \(start.rawValue), p = \(p)",
          Account.Finding.number(Double(depth))
        )
      }
      return Dictionary(uniqueKeysWithValues: pairs)
    }

    var answer: String {
      let stalls = stalls
      let radii = settings.degrees.map { p in
        let (one, more) = (best(p) { $0 == 1 }, best(p) { $0 > 1 })
        return "\(one?.radius ?? "none") and \(more?.radius ?? "none") at \(name(p))"
      }
      let plain = settings.degrees.compactMap { p in
        stalls.filter { $0.variant == .plain && $0.p == p }.map(\.depth).min()
          .map { "\($0) at \(name(p))" }
      }
      let safe = settings.variants.filter { variant in !stalls.contains { $0.variant == variant } }
      return
        "The best median radii with one layer and with more are \(radii.joined(separator: ", ")). "
        + (plain.isEmpty
          ? "" : "Plain networks stall from depth \(plain.joined(separator: ", ")); ")
        + "from every start train at every depth: "
        + (safe.isEmpty ? "none." : safe.map(\.rawValue).joined(separator: ", ") + ".")
    }

    var overview: Account.Table {
      func text(_ cell: Cell) -> String {
        let failures = results.measurements(cell).compactMap(\.failure)
        if failures.count == results.seeds.count {
          return failures.allSatisfy { $0 == DepthTraining.stalls } ? "stalls" : "no fit"
        }
        return number(results.mean(medianRadius, cell) ?? .nan)
          + (failures.isEmpty ? "" : " (\(failures.count))")
      }
      return Account.Table(
        caption: "l2 median radius against the number of hidden layers, mean over "
          + "\(results.seeds.count) seed(s); in brackets how many of the runs did not fit; \"stalls\" where "
          + "none did.",
        header: ["start", "network", "p"] + settings.depths.map { "depth \($0)" },
        rows: settings.starts.flatMap { start in
          settings.variants.flatMap { variant in
            settings.degrees.compactMap { p in
              let cells = settings.depths.map { Cell(p, $0, variant, start) }
              // Rows that would repeat another one at every depth are left out.
              guard cells.contains(where: { $0.variant == variant }) else { return nil }
              return [start.rawValue, variant.rawValue, p.formatted()] + cells.map(text)
            }
          }
        })
    }

    /// What the answer rests on and the overview has not, a column a degree.
    var answerTable: Account.Table {
      func row(_ name: String, _ text: (Double) -> String?) -> [String] {
        [name] + settings.degrees.map { text($0) ?? "–" }
      }
      func influence(_ place: String, _ share: Metric<DepthValues>) -> [String] {
        row("influence at \(place), depth 1 and \(deepest)") { p in
          [1, deepest].map { depth in
            results.mean(share, Cell(p, depth, .residual, .small))
              .map { String(format: "%.0f%%", 100 * $0) } ?? "–"
          }.joined(separator: ", ")
        }
      }
      return Account.Table(
        caption:
          "Median radii are means over seeds; influence is that of first-layer neurons of residual "
          + "networks from small weights, counted where a cosine is above 0.9; the size of outputs is that "
          + "of plain networks before training.",
        header: [""] + settings.degrees.map(name),
        rows: [
          row("best median radius of one layer") { p in best(p) { $0 == 1 }?.radius },
          row("best median radius of several layers") { p in best(p) { $0 > 1 }?.radius },
          row("which that is") { p in
            best(p) { $0 > 1 }.map {
              "\($0.cell.variant.rawValue), \($0.cell.start.rawValue), depth \($0.cell.depth)"
            }
          },
          influence("subclass centres", DepthValues.subclassShare),
          influence("class means", DepthValues.classShare),
          row("size of outputs, usual weights, depth \(deepest)") {
            signal(Cell($0, deepest, .plain, .standard)).map {
              "10^\(Int(saturating: $0.rounded()))"
            }
          },
          row("median radius of Adam over that of SGD", gainOfAdam),
        ])
    }

    /// From the same weights, where most runs fit with both.
    func gainOfAdam(_ p: Double) -> String? {
      let ratios = results.cells.filter { $0.p == p && $0.start == .adam }.compactMap { adam in
        radius(Cell(p, adam.depth, adam.variant, .standard)).flatMap { sgd in
          radius(adam).map { $0 / sgd }
        }
      }
      guard let smallest = ratios.min(), let largest = ratios.max() else { return nil }
      return String(format: "%.2f to %.2f", smallest, largest)
    }

    // MARK: - Figures

    var figures: [AccountFigure] {
      func figure(_ name: String, _ panels: [LineChart], _ alternative: String, caption: Prose)
        -> AccountFigure
      {
        AccountFigure(
          name, PanelFigure(panels: panels, columns: settings.degrees.count), caption: caption,
          alternative: alternative)
      }
      let share = Axis("share of influence", range: 0...1.02)
      return [
        figure(
          "median-radius", radiusPanels, "Median radius against depth, by degree and start",
          caption: "Mean with 95% interval over the seeds that fitted. No point: no run did."),
        figure(
          "signal", settings.degrees.map(signalPanel),
          "Logarithm of the output's size before training against depth",
          caption:
            "Before training, usual weights (solid, dashed) and small ones (dotted). \"expected\" "
            + "is the closed form for plain networks with random directions, whose error is multiplied by p "
            + "in every layer."),
        figure(
          "alignment",
          panels(DepthValues.subclassShare, .small, "at subclass centres", y: share)
            + panels(DepthValues.classShare, .small, "at class means", y: share),
          "Share of the influence at subclass centres and at class means against depth",
          caption:
            "Small start, SGD. Influence of a neuron: mean of |feature times derivative of the "
            + "output|; counted where the cosine is above 0.9."),
        figure(
          "curves", settings.degrees.map(curvePanel), "Robust accuracy against radius by depth",
          caption:
            "Residual networks from small weights, SGD, attacked by the whole ensemble; mean over "
            + "seeds with 95% interval."),
      ]
    }

    var depths: [Double] { settings.depths.map(Double.init) }
    var depthAxis: Axis {
      Axis("hidden layers", range: depths.min()! - 0.1...depths.max()! + 0.1)
    }

    /// Variants that are the same function at depth 1 or p = 1 lie on each other: the later has gaps.
    func dash(_ variant: Variant) -> Series.Dash {
      if variant.normalizesInput { return .dotted }
      return variant == .residual || variant == .residualNormalization ? .dashed : .solid
    }

    /// A metric against depth, a panel a degree, a line a variant.
    func panels(
      _ metric: Metric<DepthValues>, _ start: Start, _ title: String, y: Axis,
      references: [ReferenceLine] = [], legend: LineChart.Legend = .below
    ) -> [LineChart] {
      settings.degrees.map { p in
        let lines = zip(settings.variants, Colour.categories).map { variant, colour in
          let values = settings.depths.map { results.interval(metric, Cell(p, $0, variant, start)) }
          return Series(
            variant.rawValue, x: depths, y: values.map { $0.mean ?? .nan },
            band: .init(lower: values.map(\.lower), upper: values.map(\.upper)), style: .both,
            dash: dash(variant), colour: colour)
        }
        return LineChart(
          title: "\(name(p)), \(title)", x: depthAxis, y: y, series: lines, references: references,
          legend: legend)
      }
    }

    var radiusPanels: [LineChart] {
      settings.starts.flatMap { start in
        panels(
          medianRadius, start, start.rawValue, y: Axis("l2 median radius", range: 0...0.75),
          references: [
            .horizontal(linearLaw, label: "1/√K"),
            .horizontal(CriticalRadius.optimal, label: "√2/2"),
          ], legend: start == settings.starts.last ? .below : .none)
      }
    }

    func signalPanel(_ p: Double) -> LineChart {
      let training = settings.measurement
      let length = (1 + training.mixture.alpha * training.mixture.alpha).squareRoot()
      let expected = [(Start.standard, "plain, expected"), (.small, "")].map { start, label in
        Series(
          label, x: depths,
          y: settings.depths.map {
            SignalScale.expected(
              experiment.design(Cell(p, $0, .plain, start)),
              dimension: training.mixture.dimension, scale: training.scale(start), length: length)
          }, style: .line, dash: .dashDotted, colour: Colour(0x888888))
      }
      func measured(_ variant: Variant, _ start: Start, _ label: String, _ dash: Series.Dash)
        -> Series
      {
        Series(
          label, x: depths, y: settings.depths.map { signal(Cell(p, $0, variant, start)) ?? .nan },
          style: .both, dash: dash,
          colour: Colour.categories[Variant.allCases.firstIndex(of: variant)!])
      }
      return LineChart(
        title: name(p), x: depthAxis, y: Axis("log10 of the output"),
        series: expected
          + settings.variants.map { measured($0, .standard, $0.rawValue, dash($0)) }
          + [measured(.plain, .small, "plain, small weights", .dotted)])
    }

    func curvePanel(_ p: Double) -> LineChart {
      LineChart(
        title: name(p), x: Axis("l2 radius", range: 0...1),
        y: Axis("robust accuracy", range: 0...1.02),
        series: settings.depths.map {
          results.series(
            "depth \($0)", curve: \.robustAccuracy, cell: Cell(p, $0, .residual, .small),
            x: DepthValues.radii)
        },
        references: [.vertical(CriticalRadius.optimal, label: "√2/2")])
    }
  }
}
