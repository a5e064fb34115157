import Foundation
import LinearCore
import Runs
import Studies
import Theory

extension DeepMixtureReport {
  /// Three sentences at most; ``answerTable`` has the numbers.
  var answer: String {
    [depth, stalling, remedy].compactMap { $0 }.joined(separator: " ")
  }

  /// What depth does to the best network of every degree.
  private var depth: String? {
    let parts = settings.degrees.compactMap { p -> String? in
      guard let shallow = bestRadius(p, depths: [1]) else { return nil }
      guard let deep = bestRadius(p, depths: deeper) else {
        return "no deeper network fits at p = \(p.formatted())"
      }
      let change = deep.radius / shallow.radius - 1
      let verdict =
        change > 0.02 ? "helps" : change < -0.02 ? "costs robustness" : "changes little"
      return
        "\(verdict) at p = \(p.formatted()) (median radius \(number(shallow.radius)) with one layer, "
        + "\(number(deep.radius)) with more)"
    }
    return parts.isEmpty ? nil : "Depth \(parts.joined(separator: ", "))."
  }

  /// Where plain networks stop to train.
  private var stalling: String? {
    let parts = settings.degrees.compactMap { p -> String? in
      let depths = settings.starts.compactMap { firstStall(p, .plain, $0) }
      guard let first = depths.min() else { return nil }
      return "\(first) at p = \(p.formatted())"
    }
    return parts.isEmpty
      ? "Plain networks train at every depth."
      : "Plain networks stall, from some start, from depth \(parts.joined(separator: ", "))."
  }

  /// What trains at every depth from every start.
  private var remedy: String? {
    let others = settings.variants.filter { $0 != .plain }
    if others.isEmpty { return nil }
    let safe = others.filter { variant in
      settings.starts.allSatisfy { start in
        settings.degrees.allSatisfy { firstStall($0, variant, start) == nil }
      }
    }
    return safe.isEmpty
      ? "No other kind of network trains everywhere."
      : "Everywhere train: \(safe.map(\.rawValue).joined(separator: ", "))."
  }

  private var deeper: [Int] { settings.depths.filter { $0 > 1 } }

  private func bestRadius(_ p: Double, depths: [Int]) -> (radius: Double, name: String)? {
    var best: (radius: Double, name: String)?
    for cell in experiment.cells where cell.p == p && depths.contains(cell.depth) {
      guard let radius = radius(p, cell.depth, cell.variant, cell.start) else { continue }
      if best.map({ radius > $0.radius }) ?? true {
        let depth = cell.depth == 1 ? "" : ", depth \(cell.depth)"
        best = (radius, "\(cell.variant.rawValue), \(cell.start.rawValue)\(depth)")
      }
    }
    return best
  }
}

// MARK: - The numbers

extension DeepMixtureReport {
  /// What the answer rests on, a column a degree.
  var answerTable: SweepAccount.Table {
    SweepAccount.Table(
      caption:
        "What the answer rests on. Median radii are means over seeds; influence is that of first-layer "
        + "neurons of residual networks from small weights, counted where a cosine is above 0.9; the size of "
        + "outputs is that of plain networks before training.",
      header: [""] + settings.degrees.map { "p = \($0.formatted())" },
      rows: radiusRows + influenceRows + sizeRows + stallRows + deepestRows + adamRows)
  }

  private func row(_ name: String, _ cell: (Double) -> String?) -> [String] {
    [name] + settings.degrees.map { cell($0) ?? "–" }
  }

  private var radiusRows: [[String]] {
    [
      row("median radius, one layer from small weights") {
        radius($0, 1, .plain, .small).map(number)
      },
      row("its law") { p in
        p == 1 ? number(linearLaw) : p >= 3 ? number(CriticalRadius.optimal) : nil
      },
      row("best of one layer") { bestRadius($0, depths: [1]).map { number($0.radius) } },
      row("best of several layers") { bestRadius($0, depths: deeper).map { number($0.radius) } },
      row("which that is") { bestRadius($0, depths: deeper)?.name },
    ]
  }

  private var influenceRows: [[String]] {
    func share(_ metric: SweepMetric, _ p: Double, _ depth: Int) -> String? {
      results.interval(metric.key, experiment.cell(p, depth, .residual, .small)).mean
        .map { String(format: "%.0f%%", 100 * $0) }
    }
    return [
      ("influence at subclass centres", DepthMeasurement.subclassShare),
      ("influence at class means", DepthMeasurement.classShare),
    ].map { name, metric in
      row("\(name), depth 1 and \(deepest)") { p in
        guard let first = share(metric, p, 1), let last = share(metric, p, deepest) else {
          return nil
        }
        return "\(first), \(last)"
      }
    }
  }

  private var sizeRows: [[String]] {
    [
      row("size of outputs, usual weights, depth \(deepest)") { p in
        interval(DepthMeasurement.signal, experiment.cell(p, deepest, .plain, .standard)).mean
          .map { "10^\(Int(saturating: $0.rounded()))" }
      }
    ]
  }

  /// The first depth at which most runs do not fit, start by start.
  private var stallRows: [[String]] {
    settings.variants.map { variant in
      row("no fit from depth: \(variant.rawValue) (\(starts))") { p in
        settings.starts.map { start in firstStall(p, variant, start).map(String.init) ?? "none" }
          .joined(separator: ", ")
      }
    }
  }

  private var starts: String { settings.starts.map(\.rawValue).joined(separator: ", ") }

  private var deepestRows: [[String]] {
    settings.variants.filter { $0 != .plain }.map { variant in
      row("median radius at depth \(deepest): \(variant.rawValue) (\(starts))") { p in
        settings.starts.map { radius(p, deepest, variant, $0).map(number) ?? "–" }
          .joined(separator: ", ")
      }
    }
  }

  /// Adam against descent from the same weights, where both fit.
  private var adamRows: [[String]] {
    guard settings.starts.contains(.adam) else { return [] }
    return [
      row("median radius of Adam over that of SGD") { p in
        let ratios = experiment.cells.filter { $0.p == p && $0.start == .adam }.compactMap {
          cell -> Double? in
          guard let adam = radius(p, cell.depth, cell.variant, .adam),
            let descent = radius(p, cell.depth, cell.variant, .standard)
          else { return nil }
          return adam / descent
        }
        guard let smallest = ratios.min(), let largest = ratios.max() else { return nil }
        return String(format: "%.2f to %.2f", smallest, largest)
      }
    ]
  }
}
