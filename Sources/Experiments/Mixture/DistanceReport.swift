import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// `distance` in `results/summary.json`: panel (a) of Section 5.1 in numbers.
struct DistanceSummary: Codable, Sendable, Equatable {
  /// One degree at one alpha, over the repeats.
  struct Row: Codable, Sendable, Equatable {
    /// The degree.
    let p: Double
    /// The standard deviation of a subclass, in norm.
    let alpha: Double
    /// The largest |c f - F| found at the least-squares c.
    let leastSquaresDistance: MeanInterval
    /// The smallest and largest of the repeats.
    let leastSquaresRange: [Double]
    /// The largest |c f - F| found at the best c.
    let bestDistance: MeanInterval
    /// What |c f - F| is proved not to exceed at the least-squares c.
    let leastSquaresUpper: MeanInterval
    /// The same at the best c.
    let bestUpper: MeanInterval
    /// The radius that follows from it by Proposition 3 of Min and Vidal (ICML 2025), with high probability;
    /// repeats without a claim are missing.
    let guaranteedRadius: MeanInterval
    /// The median radius that is proved sample by sample, in the first repeat; nil at values of alpha where
    /// networks are not attacked.
    let medianProvedRadius: Double?
    /// What the paper's gradient ascent found at the least-squares c.
    let ascentDistance: MeanInterval
    /// The largest bound of what the reduction left out.
    let reductionBound: Double
    /// sup |F|.
    let idealSupremum: Double
  }

  /// By degree, then alpha.
  let rows: [Row]
  /// The answer in a sentence, computed from the rows.
  let answer: String

  /// The summary of all results.
  /// - Parameter proved: radii of the networks of one alpha.
  init(_ results: [DistanceResult], proved: (alpha: Double, radii: [TwoSidedRadii])) {
    let degrees = Set(results.map(\.p)).sorted()
    let alphas = Set(results.map(\.alpha)).sorted()
    rows = degrees.flatMap { p in
      alphas.map { alpha in
        let runs = results.filter { $0.p == p && $0.alpha == alpha }
        let values = runs.map(\.leastSquaresDistance)
        return Row(
          p: p, alpha: alpha, leastSquaresDistance: MeanInterval(values),
          leastSquaresRange: [values.min()!, values.max()!],
          bestDistance: MeanInterval(runs.map(\.bestDistance)),
          leastSquaresUpper: MeanInterval(runs.map(\.leastSquaresUpper)),
          bestUpper: MeanInterval(runs.map(\.bestUpper)),
          guaranteedRadius: MeanInterval(runs.map { $0.guaranteedRadius ?? .nan }),
          medianProvedRadius: alpha == proved.alpha
            ? proved.radii.first { $0.p == p }?.medianLower : nil,
          ascentDistance: MeanInterval(runs.compactMap(\.ascentDistance)),
          reductionBound: runs.map(\.reductionBound).max()!,
          idealSupremum: runs[0].idealSupremum)
      }
    }
    answer = Self.answer(degrees: degrees, rows: rows, results: results)
  }

  private static func answer(degrees: [Double], rows: [Row], results: [DistanceResult]) -> String {
    let parts = degrees.map { p in
      let curve = rows.filter { $0.p == p }
      let values = curve.map { $0.leastSquaresDistance.mean ?? .nan }
      let isFalling = zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }
      let first = curve[0]
      let last = curve[curve.count - 1]
      return "for p = \(p.degreeText) from \(share(last)) of sup|F| at alpha = \(last.alpha) to "
        + "\(share(first)) at alpha = \(number(first.alpha))"
        + (isFalling ? "" : " (not at every step)")
    }
    let compared = results.filter { $0.ascentDistance != nil }
    let higher = compared.filter {
      $0.ascentDistance! > $0.leastSquaresDistance + $0.reductionBound
    }
    let widest = results.map { $0.bestUpper / $0.bestDistance }.max() ?? 1
    return "As alpha falls, the distance to the ideal classifier changes "
      + parts.joined(separator: ", ") + "; the paper's gradient ascent found more than the search "
      + "and the bound of its reduction allow in \(higher.count) of \(compared.count) networks. "
      + String(
        format: "At the best c the supremum is proved to be at most %.2f times what was found. ",
        widest)
      + guarantee(results)
  }

  /// What the proved distance says of radii.
  private static func guarantee(_ results: [DistanceResult]) -> String {
    let learned = results.filter { $0.p >= 3 }
    guard let nearest = learned.min(by: { $0.provedDistance < $1.provedDistance }) else {
      return ""
    }
    let limit = Double(2).squareRoot() / 8
    let claimed = learned.compactMap(\.guaranteedRadius)
    let condition = String(
      format: "the smallest distance proved is %.4f, and the proposition needs %.4f",
      nearest.provedDistance,
      pow(limit, nearest.p))
    return claimed.isEmpty
      ? "Proposition 3 of Min and Vidal (2025) gives no radius for these networks: \(condition)."
      : String(
        format: "Proposition 3 of Min and Vidal (2025) gives radii up to %.3f: ", claimed.max()!)
        + condition + "."
  }

  private static func share(_ row: Row) -> String {
    String(format: "%.1f%%", 100 * (row.leastSquaresDistance.mean ?? .nan) / row.idealSupremum)
  }

  private static func number(_ value: Double) -> String { String(format: "%.3g", value) }

  /// The header of ``cells``.
  static let header = [
    "p", "alpha", "distance", "at most", "least, most", "best c", "at most", "gradient ascent",
    "left out",
    "sup |F|", "guaranteed radius", "proved radius",
  ]

  /// The rows of a table.
  var cells: [[String]] {
    rows.map { row in
      [
        row.p.degreeText, Self.number(row.alpha), row.leastSquaresDistance.text(digits: 4),
        row.leastSquaresUpper.text(digits: 4),
        row.leastSquaresRange.map { String(format: "%.4f", $0) }.joined(separator: ", "),
        row.bestDistance.text(digits: 4), row.bestUpper.text(digits: 4),
        row.ascentDistance.text(digits: 4),
        String(format: "%.4f", row.reductionBound), String(format: "%.3f", row.idealSupremum),
        row.guaranteedRadius.mean == nil ? "no claim" : row.guaranteedRadius.text(digits: 4),
        row.medianProvedRadius.map { String(format: "%.4f", $0) } ?? "–",
      ]
    }
  }

  /// The table and the answer for the terminal.
  var text: String {
    var table = TerminalTable(header: Self.header)
    for row in cells { table.append(row) }
    return "Distance to the ideal classifier\n\(table.text)\(answer)\n"
  }

  /// Distance against alpha: a curve a degree with its 95% interval, dashed at the best c, and the
  /// gradient ascent as points.
  var figure: LineChart {
    let degrees = Set(rows.map(\.p)).sorted()
    var series: [Series] = []
    for (k, p) in degrees.enumerated() {
      let curve = rows.filter { $0.p == p }
      let ideal = p == 1 ? "F" : "F⁽ᵖ⁾"
      let colour = Colour.categories[k % Colour.categories.count]
      func add(
        _ label: String, _ value: (Row) -> MeanInterval, style: Series.Style,
        dash: Series.Dash? = nil, shaded: Bool = false
      ) {
        let shown = curve.filter { value($0).mean != nil }
        let hasBand = shaded && shown.contains { value($0).halfWidth != nil }
        series.append(
          Series(
            label, x: shown.map(\.alpha), y: shown.map { value($0).mean! / $0.idealSupremum },
            band: hasBand
              ? .init(
                lower: shown.map { value($0).lower / $0.idealSupremum },
                upper: shown.map { value($0).upper / $0.idealSupremum }) : nil,
            style: style, dash: dash, colour: colour))
      }
      add(
        "p = \(p.degreeText) to \(ideal), least-squares c", \.leastSquaresDistance, style: .line,
        shaded: true)
      add("proved upper bound", \.leastSquaresUpper, style: .line, dash: .dotted)
      add("best c", \.bestDistance, style: .line, dash: .dashed)
      add("gradient ascent", \.ascentDistance, style: .points)
    }
    let highest = series.flatMap { $0.y + ($0.band?.upper ?? []) }.filter(\.isFinite).max() ?? 1
    return LineChart(
      title: "Distance to the ideal classifier", x: Axis("alpha, standard deviation of a subclass"),
      y: Axis("sup |c f - F| / sup |F|", range: 0...(1.08 * max(highest, 1e-3))), series: series,
      legend: .below)
  }
}
