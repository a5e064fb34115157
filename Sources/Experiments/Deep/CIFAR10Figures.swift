import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// The figures of the experiment on CIFAR-10, from results alone.
struct CIFAR10Figures {
  let settings: CIFAR10Settings
  let results: SweepResults<CIFAR10Cell>
  let trained: SweepResults<CIFAR10TrainingCell>

  /// Curves of one moment in both norms and networks, with those of another dashed beside them.
  func robustness(_ moment: CIFAR10Cell.Moment, beside other: CIFAR10Cell.Moment) -> PanelFigure {
    PanelFigure(
      panels: CIFAR10Network.allCases.flatMap { network in
        [
          curves(
            network, [moment, other], Norm.l2.rawValue, x: [0] + settings.l2Radii,
            axis: "l2 radius",
            title: "\(network.rawValue), l2"),
          curves(
            network, [moment, other], Norm.linf.rawValue,
            x: [0] + settings.linfRadii.map { 255 * $0 },
            axis: "linf radius / (1/255)", title: "\(network.rawValue), linf"),
        ]
      }, columns: 2, panelSize: FigureSize(width: 470, height: 420))
  }

  private func curves(
    _ network: CIFAR10Network, _ moments: [CIFAR10Cell.Moment], _ curve: String, x: [Double],
    axis: String, title: String
  ) -> LineChart {
    LineChart(
      title: title, x: Axis(axis), y: Axis("robust accuracy", range: 0...1),
      series: series(network, moments, curve, x: x), legend: .below)
  }

  /// Stable rank of weights and features, layer by layer.
  var stableRanks: PanelFigure {
    PanelFigure(
      panels: CIFAR10Network.allCases.flatMap { network in
        [
          (CIFAR10Measurement.weightRank.key, "weights"),
          (CIFAR10Measurement.featureRank.key, "features"),
        ].map { curve, name in
          LineChart(
            title: "\(network.rawValue), \(name)",
            x: Axis("layer of neurons"), y: Axis("stable rank"),
            series: series(
              network, [.end, .adversarial], curve,
              x: layers(network).map(Double.init), style: .both), legend: .below)
        }
      }, columns: 2)
  }

  private func layers(_ network: CIFAR10Network) -> ClosedRange<Int> {
    1...(network == .convolutional ? settings.filters.count : settings.units.count)
  }

  /// Validation accuracy in the course of ordinary training.
  var training: PanelFigure {
    PanelFigure(
      panels: CIFAR10Network.allCases.map { network in
        LineChart(
          title: network.rawValue, x: Axis("epoch"), y: Axis("validation accuracy"),
          series: settings.degrees.enumerated().map { number, p in
            let cell = CIFAR10TrainingCell(network: network, p: p, isAdversarial: false)
            return trained.series(
              "p = \(p.formatted())", curve: CIFAR10Training.accuracy, cell: cell,
              x: (1...network.epochs(settings)).map(Double.init), style: .both,
              dash: .solid, colour: colour(number))
          }, legend: .below)
      }, columns: 2)
  }

  private func series(
    _ network: CIFAR10Network, _ moments: [CIFAR10Cell.Moment], _ curve: String, x: [Double],
    style: Series.Style = .line
  ) -> [Series] {
    moments.flatMap { moment in
      settings.degrees.enumerated().compactMap { number, p in
        let cell = CIFAR10Cell(network: network, p: p, moment: moment)
        guard results.cells.contains(cell) else { return nil }
        return results.series(
          label(p, moment),
          curve: curve, cell: cell, x: x, style: style,
          dash: moment == moments[0] ? .solid : .dashed, colour: colour(number))
      }
    }
  }

  private func label(_ p: Double, _ moment: CIFAR10Cell.Moment) -> String {
    switch moment {
    case .end, .matched: "p = \(p.formatted())"
    case .counterpart:
      "p = \(settings.degrees[0].formatted()) as accurate as \(p.formatted())"
    case .adversarial: "p = \(p.formatted()), adversarial training"
    }
  }

  private func colour(_ number: Int) -> Colour {
    Colour.categories[number % Colour.categories.count]
  }
}
