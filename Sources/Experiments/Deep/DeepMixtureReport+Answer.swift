import Foundation
import LinearCore
import Theory

extension DeepMixtureReport {
  /// The paragraph, from the numbers.
  var answer: String {
    ([oneLayer] + settings.degrees.map(depthSentence) + [alignment, stalling, normalization, adam])
      .filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Depth 1 against theory.
  private var oneLayer: String {
    let parts = settings.degrees.compactMap { p -> String? in
      guard let radius = radius(p, 1, .plain, .small) else { return nil }
      let law = p == 1 ? linearLaw : p >= 3 ? CriticalRadius.optimal : nil
      return "\(number(radius)) at p = \(p.formatted())"
        + (law.map { String(format: " (theory %.3f, %+.1f%%)", $0, 100 * (radius / $0 - 1)) } ?? "")
    }
    return parts.isEmpty
      ? ""
      : "One hidden layer from small weights has the half radius \(parts.joined(separator: ", "))."
  }

  /// The best deeper network of a degree that fits, and what depth does to the best kind.
  private func depthSentence(_ p: Double) -> String {
    let name = "p = \(p.formatted())"
    guard let shallow = bestRadius(p, depths: [1]) else { return "" }
    guard let deep = bestRadius(p, depths: settings.depths.filter { $0 > 1 }) else {
      return "At \(name) no deeper network fits."
    }
    let change = deep.radius / shallow.radius - 1
    let verdict =
      change > 0.02
      ? "depth helps" : change < -0.02 ? "depth costs robustness" : "depth changes little"
    return "At \(name) \(verdict): the best network of several layers (\(deep.name)) has "
      + "\(number(deep.radius)), the best of one (\(shallow.name)) \(number(shallow.radius))."
  }

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

  /// Where the first layer points, for the smallest and the largest degree.
  private var alignment: String {
    let parts = settings.degrees.compactMap { p -> String? in
      func share(_ metric: SweepMetric, _ depth: Int) -> Double? {
        results.interval(metric.key, experiment.cell(p, depth, .residual, .small)).mean
      }
      guard let subclasses = share(DepthMeasurement.subclassShare, 1),
        let classes = share(DepthMeasurement.classShare, 1),
        let deepSubclasses = share(DepthMeasurement.subclassShare, deepest),
        let deepClasses = share(DepthMeasurement.classShare, deepest)
      else { return nil }
      return String(
        format:
          "%.0f%% of the influence at subclass centres and %.0f%% at class means at depth 1, %.0f%% and "
          + "%.0f%% at depth %d, for p = %@", 100 * subclasses, 100 * classes, 100 * deepSubclasses,
        100 * deepClasses, deepest, p.formatted())
    }
    return parts.isEmpty
      ? ""
      : "First-layer neurons of residual networks from small weights (cosine above 0.9) have "
        + "\(parts.joined(separator: "; "))."
  }

  private var stalling: String {
    let parts = settings.starts.map { start in
      let depths = settings.degrees.map { p in
        "\(firstStall(p, .plain, start).map { "\($0)" } ?? "none") at p = \(p.formatted())"
      }
      return "\(start.rawValue): \(depths.joined(separator: ", "))"
    }
    var text =
      "Plain networks do not train from depth (\(parts.joined(separator: "; ")); of \(deepest))."
    if let p = settings.degrees.last {
      let signals = settings.depths.map { depth in
        interval(DepthMeasurement.signal, experiment.cell(p, depth, .plain, .standard))
      }
      let values = zip(settings.depths, signals).compactMap { depth, signal in
        signal.mean.map { "10^\(Int(saturating: $0.rounded())) at depth \(depth)" }
      }
      text +=
        " The signal vanishes like the p-th power of the p-th power: at p = \(p.formatted()) the output of "
        + "usual weights is \(values.joined(separator: ", "))."
    }
    return text
  }

  /// Which variants train everywhere, and what they cost at the largest degree.
  private var normalization: String {
    let others = settings.variants.filter { $0 != .plain }
    let parts = others.map { variant -> String in
      let failing = settings.starts.flatMap { start in
        settings.degrees.compactMap { p in
          firstStall(p, variant, start).map {
            "\(start.rawValue), p = \(p.formatted()) from depth \($0)"
          }
        }
      }
      var text = "\(variant.rawValue) trains "
      text += failing.isEmpty ? "at every depth" : "except \(failing.joined(separator: "; "))"
      if let p = settings.degrees.last {
        let radii = settings.starts.compactMap { start in
          radius(p, deepest, variant, start).map { "\(number($0)) (\(start.rawValue))" }
        }
        if !radii.isEmpty {
          text +=
            ", with half radius \(radii.joined(separator: ", ")) at p = \(p.formatted()), depth \(deepest)"
        }
      }
      return text
    }
    return "Of what keeps the signal, " + parts.joined(separator: ". ") + "."
  }

  /// Adam against descent from the same weights.
  private var adam: String {
    let parts = settings.degrees.compactMap { p -> String? in
      let ratios = experiment.cells.filter { $0.p == p && $0.start == .adam }.compactMap {
        cell -> Double? in
        guard let adam = radius(p, cell.depth, cell.variant, .adam),
          let descent = radius(p, cell.depth, cell.variant, .standard)
        else { return nil }
        return adam / descent
      }
      guard let smallest = ratios.min(), let largest = ratios.max() else { return nil }
      return String(
        format: "%.2f to %.2f times at p = %@", smallest, largest, p.formatted())
    }
    return parts.isEmpty
      ? ""
      : "Adam gives, where both fit, \(parts.joined(separator: ", ")) the half radius of SGD from the same "
        + "weights."
  }
}
