import Figures
import Foundation
import Runs
import Studies
import Theory

extension DeepMixtureReport {
  /// The figures in order.
  var figures: [SweepFigure] {
    [
      SweepFigure(
        "median-radius", radiusFigure,
        caption: "Mean with 95% interval over the seeds that fitted. No point: no run did.",
        alternative: "Median radius against depth, by degree and start"),
      SweepFigure(
        "signal", signalFigure,
        caption:
          "Before training, usual weights (solid, dashed) and small ones (dotted). \"expected\" is the "
          + "closed form for plain networks with random directions, whose error is multiplied by p in every "
          + "layer.",
        alternative: "Logarithm of the output's size before training against depth"),
      SweepFigure(
        "alignment", alignmentFigure,
        caption:
          "Small start, SGD. Influence of a neuron: mean of |feature times derivative of the output|; "
          + "counted where the cosine is above 0.9.",
        alternative: "Share of the influence at subclass centres and at class means against depth"),
      SweepFigure(
        "curves", curveFigure,
        caption:
          "Residual networks from small weights, SGD, attacked by the whole ensemble; mean over seeds "
          + "with 95% interval.",
        alternative: "Robust accuracy against radius by depth"),
    ]
  }

  private var depthAxis: Axis {
    Axis(
      "hidden layers",
      range: Double(settings.depths.min() ?? 1) - 0.1...Double(settings.depths.max() ?? 1) + 0.1)
  }

  private func name(_ p: Double) -> String { "p = \(p.formatted())" }

  /// A metric against depth for every variant.
  private func lines(_ metric: SweepMetric, _ p: Double, _ start: Start) -> [Series] {
    settings.variants.enumerated().map { index, variant in
      let values = settings.depths.map { depth in
        results.interval(metric.key, experiment.cell(p, depth, variant, start))
      }
      return Series(
        variant.rawValue, x: settings.depths.map { Double($0) }, y: values.map { $0.mean ?? .nan },
        band: .init(lower: values.map(\.lower), upper: values.map(\.upper)), style: .both,
        dash: dash(variant), colour: Colour.categories[index])
    }
  }

  /// Variants that are the same function at depth 1 or p = 1 lie on each other: the later has gaps.
  private func dash(_ variant: Variant) -> Series.Dash {
    switch variant {
    case .plain, .layerNormalization: .solid
    case .residual, .residualNormalization: .dashed
    case .inputNormalization, .residualInputNormalization: .dotted
    }
  }

  private var radiusFigure: PanelFigure {
    PanelFigure(
      panels: settings.starts.flatMap { start in
        settings.degrees.map { p in
          LineChart(
            title: "\(name(p)), \(start.rawValue)", x: depthAxis,
            y: Axis("l2 median radius", range: 0...0.75),
            series: lines(NetworkMeasurement.medianRadius, p, start),
            references: [
              .horizontal(
                CriticalRadius.relu(subclasses: settings.measurement.mixture.subclasses),
                label: "1/√K"),
              .horizontal(CriticalRadius.optimal, label: "√2/2"),
            ], legend: start == settings.starts.last ? .below : .none)
        }
      }, columns: max(1, settings.degrees.count))
  }

  private var signalFigure: PanelFigure {
    PanelFigure(
      panels: settings.degrees.map { p in
        func measured(_ variant: Variant, _ start: Start, _ label: String, _ dash: Series.Dash)
          -> Series
        {
          let index = Variant.allCases.firstIndex(of: variant)!
          return Series(
            label, x: settings.depths.map { Double($0) },
            y: settings.depths.map {
              interval(DepthMeasurement.signal, experiment.cell(p, $0, variant, start)).mean ?? .nan
            }, style: .both, dash: dash, colour: Colour.categories[index])
        }
        let expected = [Start.standard, .small].map { start in
          Series(
            start == .standard ? "plain, expected" : "",
            x: settings.depths.map { Double($0) },
            y: settings.depths.map {
              SignalScale.expected(
                experiment.design(experiment.cell(p, $0, .plain, start)),
                dimension: settings.measurement.mixture.dimension,
                scale: settings.measurement.scale(start), length: meanLength)
            }, style: .line, dash: .dashDotted, colour: Colour(0x888888))
        }
        return LineChart(
          title: name(p), x: depthAxis, y: Axis("log10 of the output"),
          series: expected
            + settings.variants.map { measured($0, .standard, $0.rawValue, dash($0)) }
            + [measured(.plain, .small, "plain, small weights", .dotted)])
      }, columns: max(1, settings.degrees.count))
  }

  /// The root mean square length of a sample.
  private var meanLength: Double {
    (1 + settings.measurement.mixture.alpha * settings.measurement.mixture.alpha).squareRoot()
  }

  private var alignmentFigure: PanelFigure {
    let shares = [
      (DepthMeasurement.subclassShare, "at subclass centres"),
      (DepthMeasurement.classShare, "at class means"),
    ]
    return PanelFigure(
      panels: shares.flatMap { metric, place in
        settings.degrees.map { p in
          LineChart(
            title: "\(name(p)), \(place)", x: depthAxis,
            y: Axis("share of influence", range: 0...1.02), series: lines(metric, p, .small))
        }
      }, columns: max(1, settings.degrees.count))
  }

  private var curveFigure: PanelFigure {
    PanelFigure(
      panels: settings.degrees.map { p in
        LineChart(
          title: name(p), x: Axis("l2 radius", range: 0...1),
          y: Axis("robust accuracy", range: 0...1.02),
          series: settings.depths.map { depth in
            results.series(
              "depth \(depth)", curve: "robustAccuracy",
              cell: experiment.cell(p, depth, .residual, .small), x: SweepMeasurement.radii)
          },
          references: [.vertical(CriticalRadius.optimal, label: "√2/2")])
      }, columns: max(1, settings.degrees.count))
  }
}
