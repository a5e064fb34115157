import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies

/// What ``MNISTDeepExperiment`` makes of its results.
struct MNISTDeepReport {
  typealias Cell = MNISTDeepExperiment.Cell
  typealias Variant = DenseDesign.Variant

  let experiment: MNISTDeepExperiment
  let results: SweepResults<Cell>

  private var settings: MNISTDeepExperiment.Settings { experiment.settings }
  private var norms: [Norm] { MNISTDeepExperiment.norms }

  private func median(_ norm: Norm, _ cell: Cell) -> Double? {
    results.interval(MNISTDeepExperiment.medians[norm]!.key, cell).mean
  }

  private func accuracy(_ cell: Cell) -> Double? {
    results.interval(MNISTDeepExperiment.testAccuracy.key, cell).mean
  }

  var account: SweepAccount {
    SweepAccount(
      title: "Do deeper networks gain from pReLU? MNIST digits",
      subtitle: "Preset \(settings.preset.rawValue): "
        + "\(settings.trainingSamples) training images, width \(settings.width), Adam with a cosine "
        + "schedule, batch \(settings.batchSize), \(settings.epochs) epochs; "
        + "\(settings.attackedSamples) test images attacked by \(settings.attack)",
      introduction: """
        Ten logits. The mean image is subtracted; perturbations stay in the box [0, 1] of pixels. Every feature is \
        divided by ‖x‖^(p-1), as in the paper's networks of one hidden layer ("input norm"); from the second hidden \
        layer on with residual connections x + layer(x), or in place of that x + layer(normalisation(x)) with a layer \
        normalisation before the outputs. At depth 1 residual connections are none, and at p = 1 there is nothing \
        to divide by. The learning rate, \
        \(settings.learningRates.map { $0.formatted() }.joined(separator: ", ")), is the one with the best \
        accuracy on \(settings.validationSamples) validation images.
        """,
      answer: answer, findings: findings,
      figures: norms.map(curves) + [mediansFigure], answerTable: answerTable)
  }

  // MARK: - Figures

  /// Robust accuracy against radius: a row a variant, a panel a depth, a line a degree.
  private func curves(_ norm: Norm) -> SweepFigure {
    let last = settings.variants.count - 1
    let panels = settings.variants.enumerated().flatMap { row, variant in
      settings.depths.map { depth in
        LineChart(
          title: "\(variant.rawValue), depth \(depth)", x: Axis("\(norm.rawValue) radius"),
          y: Axis("robust accuracy", range: 0...1.02),
          series: settings.degrees.map { p in
            results.series(
              name(p), curve: norm.rawValue, cell: experiment.cell(p, depth, variant),
              x: MNISTDeepExperiment.radii(norm))
          }, legend: row == last ? .below : .none)
      }
    }
    return SweepFigure(
      "curves-\(norm.rawValue)",
      PanelFigure(
        panels: panels, columns: settings.depths.count,
        panelSize: FigureSize(width: 340, height: 280)),
      caption: "Attacked by \(settings.attack), inside the box of pixels.",
      alternative: "Robust accuracy against the \(norm.rawValue) radius by depth and degree")
  }

  private var mediansFigure: SweepFigure {
    let last = settings.variants.count - 1
    let panels = norms.flatMap { norm in
      settings.variants.enumerated().map { number, variant in
        LineChart(
          title: "\(variant.rawValue)",
          x: Axis("hidden layers"), y: Axis("median \(norm.rawValue) radius"),
          series: settings.degrees.map { p in
            let values = settings.depths.map { median(norm, experiment.cell(p, $0, variant)) }
            return Series(
              name(p), x: settings.depths.map { Double($0) }, y: values.map { $0 ?? .nan },
              style: .both)
          }, legend: norm == norms.last || number > last ? .below : .none)
      }
    }
    return SweepFigure(
      "median-radius", PanelFigure(panels: panels, columns: settings.variants.count),
      caption: "The median size of the smallest perturbation found.",
      alternative: "Median radius against depth by degree")
  }

  private func name(_ p: Double) -> String { "p = \(p.formatted())" }

  // MARK: - Answer

  /// The median radius of a degree over that of the smallest one, at the same depth and variant.
  private func gain(_ p: Double, _ depth: Int, _ variant: Variant, _ norm: Norm) -> Double? {
    guard let first = settings.degrees.first,
      let base = median(norm, experiment.cell(first, depth, variant)),
      let own = median(norm, experiment.cell(p, depth, variant)), base > 0
    else { return nil }
    return own / base
  }

  private var answer: String {
    let last = settings.degrees.last.flatMap { $0 > settings.degrees[0] ? $0 : nil }
    return [last.map(verdict) ?? "", depthSentence, accuracySentence].filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  /// The gains over the smallest degree, depth by depth, and the largest radii.
  private var answerTable: SweepAccount.Table? {
    guard let first = settings.degrees.first, let last = settings.degrees.last, last > first else {
      return nil
    }
    return SweepAccount.Table(
      caption:
        "The median radius of \(name(last)) over that of \(name(first)), least and largest over the "
        + "kinds of networks, and the largest median radius of all.",
      header: ["norm"] + settings.depths.map { "depth \($0)" } + ["largest radius", "of"],
      rows: norms.map { norm in
        let best = best(norm)
        return [norm.rawValue]
          + settings.depths.map { depth in
            let gains = settings.variants.compactMap { gain(last, depth, $0, norm) }
            guard let low = gains.min(), let high = gains.max() else { return "–" }
            return low == high
              ? String(format: "%.2f", low) : String(format: "%.2f to %.2f", low, high)
          } + [best.map { String(format: "%.3f", $0.1) } ?? "–", best?.0.title ?? "–"]
      })
  }

  /// In how many kinds of networks a degree gains at the smallest and at the largest depth, and how much.
  private func verdict(_ p: Double) -> String {
    let parts = [settings.depths.min(), settings.depths.max()].compactMap { depth -> String? in
      let gains = norms.flatMap { norm in
        settings.variants.compactMap { gain(p, depth ?? 1, $0, norm) }
      }
      guard let depth, !gains.isEmpty else { return nil }
      let logarithms = gains.reduce(0) { $0 + log($1) } / Double(gains.count)
      return String(
        format:
          "at depth %d \(name(p)) gains in %d of %d comparisons, by a factor of %.2f in the geometric mean",
        depth, gains.count { $0 > 1 }, gains.count, exp(logarithms))
    }
    return parts.isEmpty
      ? ""
      : "Against \(name(settings.degrees[0])), for both norms and all kinds: \(parts.joined(separator: "; "))."
  }

  private func best(_ norm: Norm) -> (Cell, Double)? {
    experiment.cells.compactMap { cell in median(norm, cell).map { (cell, $0) } }
      .max { $0.1 < $1.1 }
  }

  /// What depth does at every degree: the deepest against one layer, averaged over variants.
  private var depthSentence: String {
    guard let deepest = settings.depths.max(), let shallowest = settings.depths.min(),
      deepest > shallowest
    else { return "" }
    let parts = settings.degrees.compactMap { p -> String? in
      let ratios = settings.variants.compactMap { variant -> Double? in
        guard let deep = median(.l2, experiment.cell(p, deepest, variant)),
          let shallow = median(.l2, experiment.cell(p, shallowest, variant)), shallow > 0
        else { return nil }
        return deep / shallow
      }
      guard let low = ratios.min(), let high = ratios.max() else { return nil }
      return String(format: "%.2f to %.2f at %@", low, high, name(p))
    }
    return parts.isEmpty
      ? ""
      : "From \(shallowest) to \(deepest) hidden layers the median l2 radius changes by a factor of "
        + "\(parts.joined(separator: ", "))."
  }

  private var accuracySentence: String {
    let accuracies = experiment.cells.compactMap { cell in accuracy(cell).map { (cell, $0) } }
    guard let low = accuracies.min(by: { $0.1 < $1.1 }),
      let high = accuracies.max(by: { $0.1 < $1.1 })
    else { return "" }
    return String(
      format: "Clean accuracy lies between %.1f%% (%@) and %.1f%% (%@).", 100 * low.1, low.0.title,
      100 * high.1, high.0.title)
  }

  private var findings: [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for norm in norms {
      for variant in settings.variants {
        for depth in settings.depths {
          for p in settings.degrees.dropFirst() {
            guard let gain = gain(p, depth, variant, norm) else { continue }
            findings[
              "median \(norm.rawValue) radius over that of p = 1: \(variant.rawValue), depth \(depth), "
                + name(p)] = .number(gain)
          }
        }
      }
    }
    return findings
  }
}
