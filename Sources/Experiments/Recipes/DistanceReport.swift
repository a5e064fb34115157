import Figures
import Foundation
import Runs
import Studies

/// `distance` in `results/summary.json`, and its part of the report: panel (a) of Section 5.1.
struct DistanceReport: Encodable, Sendable {
  /// A degree at an alpha, over the repeats.
  struct Row: Encodable, Sendable {
    let p, alpha: Double
    /// The largest |c f - F| found at the least-squares c, and the smallest and largest of the repeats.
    let leastSquaresDistance: MeanInterval
    let leastSquaresRange: [Double]
    /// The largest |c f - F| found at the best c.
    let bestDistance: MeanInterval
    /// What is proved not to be exceeded at either c.
    let leastSquaresUpper, bestUpper: MeanInterval
    /// What follows for radii; repeats without a claim are missing.
    let guaranteedRadius: MeanInterval
    /// The median radius that is proved sample by sample, in the first repeat; nil at values of alpha where
    /// networks are not attacked.
    let medianProvedRadius: Double?
    /// What the paper's gradient ascent found, in the repeats where it ran.
    let ascentDistance: MeanInterval
    /// The largest bound of what the reduction left out.
    let reductionBound: Double
    let idealSupremum: Double

    /// The distance in percent of sup |F|.
    var share: String {
      String(format: "%.1f%%", 100 * (leastSquaresDistance.mean ?? .nan) / idealSupremum)
    }

    fileprivate init(_ runs: [DistanceResult], medianProvedRadius: Double?) {
      func mean(_ value: (DistanceResult) -> Double) -> MeanInterval {
        MeanInterval(runs.map(value))
      }
      (p, alpha, idealSupremum) = (runs[0].p, runs[0].alpha, runs[0].idealSupremum)
      leastSquaresDistance = mean(\.leastSquaresDistance)
      let values = runs.map(\.leastSquaresDistance)
      leastSquaresRange = [values.min()!, values.max()!]
      bestDistance = mean(\.bestDistance)
      leastSquaresUpper = mean(\.leastSquaresUpper)
      bestUpper = mean(\.bestUpper)
      guaranteedRadius = mean { $0.guaranteedRadius ?? .nan }
      self.medianProvedRadius = medianProvedRadius
      ascentDistance = MeanInterval(runs.compactMap(\.ascentDistance))
      reductionBound = runs.map(\.reductionBound).max()!
    }
  }

  /// By degree, then alpha.
  let rows: [Row]
  let answer: String
  /// Networks for which the paper's search found more than ours and the bound of its reduction allow.
  let surprises: Int

  /// - Parameter proved: radii of the networks of one alpha.
  init(_ results: [DistanceResult], proved: (alpha: Double, radii: [TwoSidedRadii])) {
    let alphas = Set(results.map(\.alpha)).sorted()
    let curves = Set(results.map(\.p)).sorted().map { p in
      alphas.map { alpha in
        Row(
          results.filter { $0.p == p && $0.alpha == alpha },
          medianProvedRadius: alpha == proved.alpha
            ? proved.radii.first { $0.p == p }?.medianLower : nil)
      }
    }
    rows = curves.flatMap(\.self)
    surprises = results.count {
      ($0.ascentDistance ?? 0) > $0.leastSquaresDistance + $0.reductionBound
    }
    answer =
      "The largest distance found to the ideal classifier is "
      + curves.map { curve in
        let ends = [curve[0]] + (curve.count > 1 ? [curve[curve.count - 1]] : [])
        return ends.map { "\($0.share) of sup|F| at alpha = " + String(format: "%g", $0.alpha) }
          .joined(separator: " and ") + " for p = \(curve[0].p.degreeText)"
      }.joined(separator: ", ") + "."
  }

  private var table: Account.Table {
    Account.Table(
      caption:
        "Largest |c f - F| found, mean and 95% interval over repeats: lower estimates of "
        + "the supremum. \(emphasis: "Distance"): at the least-squares c of the paper, searched in "
        + "the few dimensions that f and F depend on. \(emphasis: "At most"): proved upper bounds. "
        + "\(emphasis: "Guaranteed radius"): what follows from them for samples of the mixture, "
        + "with high probability. \(emphasis: "Proved radius"): the median of those proved "
        + "sample by sample, with certainty. \(emphasis: "Gradient ascent"): the "
        + "paper's search in all dimensions. \(emphasis: "Left out"): how much the supremum may "
        + "gain in the other dimensions.",
      header: [
        "p", "alpha", "distance", "at most", "least, most", "best c", "at most", "gradient ascent",
        "left out", "sup |F|", "guaranteed radius", "proved radius",
      ],
      rows: rows.map { row in
        [
          row.p.degreeText, String(format: "%.3g", row.alpha),
          row.leastSquaresDistance.text(digits: 4), row.leastSquaresUpper.text(digits: 4),
          row.leastSquaresRange.map { String(format: "%.4f", $0) }.joined(separator: ", "),
          row.bestDistance.text(digits: 4), row.bestUpper.text(digits: 4),
          row.ascentDistance.text(digits: 4), String(format: "%.4f", row.reductionBound),
          String(format: "%.3f", row.idealSupremum),
          row.guaranteedRadius.mean == nil ? "no claim" : row.guaranteedRadius.text(digits: 4),
          row.medianProvedRadius.map { String(format: "%.4f", $0) } ?? "–",
        ]
      })
  }

  var section: AccountSection {
    AccountSection(
      blocks: [
        .paragraph(
          "The distance of a network f to the ideal classifier F (for p = 1; F⁽ᵖ⁾ otherwise) is "
            + "inf over c > 0 of sup |c f(x) - F(x)| over ‖x‖ = 1."), .table(table.report),
      ],
      figures: [
        AccountFigure(
          "distance", figure,
          caption:
            "Distance to the ideal classifier against alpha, as a share of sup |F|. Shaded: 95% "
            + "interval over repeats. Dotted: proved upper bounds. Points: the paper's gradient ascent.",
          alternative: "The distance to the ideal classifier against alpha for every degree")
      ], text: "Distance to the ideal classifier\n\(table.terminal)")
  }

  /// A curve a degree with its 95% interval, dashed at the best c, and the gradient ascent as points.
  private var figure: LineChart {
    var series: [Series] = []
    for (k, p) in Set(rows.map(\.p)).sorted().enumerated() {
      func add(
        _ label: String, _ value: (Row) -> MeanInterval, style: Series.Style = .line,
        dash: Series.Dash? = nil, isShaded: Bool = false
      ) {
        let shown = rows.filter { $0.p == p && value($0).mean != nil }
        func shares(_ end: (MeanInterval) -> Double) -> [Double] {
          shown.map { end(value($0)) / $0.idealSupremum }
        }
        let hasBand = isShaded && shown.contains { value($0).halfWidth != nil }
        series.append(
          Series(
            label, x: shown.map(\.alpha), y: shares { $0.mean! },
            band: hasBand ? .init(lower: shares(\.lower), upper: shares(\.upper)) : nil,
            style: style, dash: dash, colour: Colour.categories[k % Colour.categories.count]))
      }
      add(
        "p = \(p.degreeText) to \(p == 1 ? "F" : "F⁽ᵖ⁾"), least-squares c", \.leastSquaresDistance,
        isShaded: true)
      add("proved upper bound", \.leastSquaresUpper, dash: .dotted)
      add("best c", \.bestDistance, dash: .dashed)
      add("gradient ascent", \.ascentDistance, style: .points)
    }
    let highest = series.flatMap { $0.y + ($0.band?.upper ?? []) }.filter(\.isFinite).max() ?? 1
    return LineChart(
      title: "Distance to the ideal classifier", x: Axis("alpha, standard deviation of a subclass"),
      y: Axis("sup |c f - F| / sup |F|", range: 0...(1.08 * max(highest, 1e-3))), series: series,
      legend: .below)
  }
}
