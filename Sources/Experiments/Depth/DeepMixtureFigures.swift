import Figures
import Foundation
import Studies
import Theory

extension DeepMixtureReport {
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

  /// A panel a depth, a pair of lines a degree.
  var twoSidedFigure: AccountFigure? {
    sides.figure(
      "two-sided",
      settings.depths.map { depth in
        sides.panel(
          "depth \(depth)", sides.sides[0],
          settings.degrees.map { p in (name(p), Cell(p, depth, .residual, .small)) })
      }, columns: 3, about: "Residual networks from small weights, SGD.")
  }
}
