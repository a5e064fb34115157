import Figures

extension MNISTDeepReport {
  /// Robust accuracy against radius: a row a variant, a panel a depth, a line a degree.
  func curves(_ attacked: Attacked) -> AccountFigure {
    let norm = attacked.norm.rawValue
    let panels = settings.variants.flatMap { variant in
      settings.depths.map { depth in
        LineChart(
          title: "\(variant.rawValue), depth \(depth)", x: Axis("\(norm) radius"),
          y: Axis("robust accuracy", range: 0...1.02),
          series: settings.degrees.map { p in
            results.series(
              name(p), curve: attacked.result.appending(path: \.curve),
              cell: Cell(p, depth, variant), x: attacked.radii)
          }, legend: variant == settings.variants.last ? .below : .none)
      }
    }
    return AccountFigure(
      "curves-\(norm)",
      PanelFigure(
        panels: panels, columns: settings.depths.count,
        panelSize: FigureSize(width: 340, height: 280)),
      caption: "Attacked by \(settings.attack), inside the box of pixels.",
      alternative: "Robust accuracy against the \(norm) radius by depth and degree")
  }

  var medians: AccountFigure {
    let panels = attacked.flatMap { attacked in
      settings.variants.map { variant in
        LineChart(
          title: variant.rawValue, x: Axis("hidden layers"),
          y: Axis("median \(attacked.norm.rawValue) radius"),
          series: settings.degrees.map { p in
            Series(
              name(p), x: settings.depths.map { Double($0) },
              y: settings.depths.map {
                results.mean(attacked.median, Cell(p, $0, variant)) ?? .nan
              },
              style: .both)
          }, legend: attacked.norm == .linf ? .below : .none)
      }
    }
    return AccountFigure(
      "median-radius", PanelFigure(panels: panels, columns: settings.variants.count),
      caption: "The median size of the smallest perturbation found.",
      alternative: "Median radius against depth by degree")
  }

  /// A row a kind of network, a panel a depth, a pair of lines a degree.
  func twoSidedFigure(_ side: DeepTwoSidedReport<MNISTDeepExperiment>.Side) -> AccountFigure? {
    sides.figure(
      "two-sided-\(side.norm.rawValue)",
      settings.variants.flatMap { variant in
        settings.depths.map { depth in
          sides.panel(
            "\(variant.rawValue), depth \(depth)", side,
            settings.degrees.map { p in (name(p), Cell(p, depth, variant)) })
        }
      }, columns: settings.depths.count,
      about:
        "Perturbations stay in the box of pixels; what is proved of several layers in l2 holds outside of it, too."
    )
  }
}
