import Figures
import Foundation
import LinearCore
import Runs

/// Words and tables of the experiment on depth and MNIST; its figures are in an extension.
struct MNISTDeepReport {
  typealias Cell = MNISTDeepExperiment.Cell
  typealias Variant = MNISTDeepExperiment.Variant
  typealias Attacked = MNISTDeepExperiment.Attacked

  let experiment: MNISTDeepExperiment
  let results: MNISTDeepExperiment.Results
  let sides: DeepTwoSidedReport<MNISTDeepExperiment>

  init(experiment: MNISTDeepExperiment, results: MNISTDeepExperiment.Results) {
    (self.experiment, self.results) = (experiment, results)
    sides = DeepTwoSidedReport(
      results: results, settings: experiment.settings.twoSided,
      sides: MNISTDeepExperiment.attacked.map { attacked in
        let result = attacked.result
        return .init(norm: attacked.norm) { $0[keyPath: result].twoSided }
      })
  }

  var settings: MNISTDeepExperiment.Settings { experiment.settings }
  var attacked: [Attacked] { MNISTDeepExperiment.attacked }

  func account() throws(ExperimentError) -> Account {
    let rates = settings.learningRates.map { $0.formatted() }.joined(separator: ", ")
    return Account(
      title: "Do deeper networks gain from pReLU? MNIST digits",
      subtitle: "Preset \(settings.preset.rawValue): "
        + "\(settings.trainingSamples) training images, width \(settings.width), Adam with a cosine "
        + "schedule, batch \(settings.batchSize), \(settings.epochs) epochs; "
        + "\(settings.attackedSamples) test images attacked by \(settings.attack)",
      introduction: """
        Ten logits. The mean image is subtracted; perturbations stay in the box [0, 1] of pixels. Every feature is \
        divided by ‖x‖^(p-1), as in the paper's networks of one hidden layer ("input norm"); from the second hidden \
        layer on with residual connections x + layer(x), or in place of that x + layer(normalisation(x)) with a layer \
        normalisation before the outputs. Equal functions are measured once. The learning rate, \(rates), is the one \
        with the best accuracy on \(settings.validationSamples) validation images.
        """,
      answer: answer, findings: findings,
      figures: attacked.map { curves($0) } + [medians], sections: [try twoSidedSection],
      flags: sides.violations, answerTable: answerTable)
  }

  func name(_ p: Double) -> String { "p = \(p.formatted())" }

  /// The median radius of a degree over that of the first one, at the same depth and variant.
  private func gain(
    _ attacked: Attacked, _ p: Double, _ depth: Int, _ variant: Variant
  ) -> Double? {
    let base = results.mean(attacked.median, Cell(settings.degrees[0], depth, variant)) ?? 0
    let own = results.mean(attacked.median, Cell(p, depth, variant))
    return base > 0 ? own.map { $0 / base } : nil
  }

  private var findings: [String: Account.Finding] {
    var findings: [String: Account.Finding] = [:]
    for attacked in self.attacked {
      for variant in settings.variants {
        for depth in settings.depths {
          for p in settings.degrees.dropFirst() {
            findings[
              "median \(attacked.norm.rawValue) radius over that of \(name(settings.degrees[0])): "
                + "\(variant.rawValue), depth \(depth), \(name(p))"] =
              gain(attacked, p, depth, variant).map { .number($0) }
          }
        }
      }
    }
    for side in sides.sides {
      for p in settings.degrees {
        findings["largest proved median \(side.norm.rawValue) radius: \(name(p))"] =
          bestProved(side, degree: p).map { .number($0.proved) }
      }
    }
    return findings
  }

  /// The largest proved median radius, of one degree or of all, beside what attacks found for the same images.
  private func bestProved(
    _ side: DeepTwoSidedReport<MNISTDeepExperiment>.Side, degree: Double? = nil
  )
    -> (proved: Double, attacked: Double, title: String)?
  {
    results.cells.filter { degree == nil || $0.p == degree }
      .compactMap { cell in
        sides.medians(cell, side).map { ($0.proved, $0.attacked, cell.title) }
      }.max { $0.0 < $1.0 }
  }

  /// What the last degree gains at the smallest and at the largest depth, and where the largest radius is.
  private var answer: String {
    let (first, last) = (settings.degrees[0], settings.degrees[settings.degrees.count - 1])
    let parts = Set([settings.depths.min()!, settings.depths.max()!]).sorted().compactMap {
      depth -> String? in
      let all = attacked.flatMap { attacked in
        settings.variants.compactMap { gain(attacked, last, depth, $0) }
      }
      if all.isEmpty || last == first { return nil }
      let mean = exp(all.reduce(0) { $0 + log($1) } / Double(all.count))
      return String(
        format: "in %d of %d comparisons at depth %d, by a factor of %.2f", all.count { $0 > 1 },
        all.count, depth, mean)
    }
    let best = best(attacked[0])
    return
      (parts.isEmpty
      ? ""
      : "Against \(name(first)), for both norms and all kinds, \(name(last)) gains "
        + "\(parts.joined(separator: ", and ")) (geometric means). ")
      + "The largest median l2 radius is \(best.radius) (\(best.title))."
  }

  private func best(_ attacked: Attacked) -> (radius: String, title: String) {
    results.cells.compactMap { cell in results.mean(attacked.median, cell).map { (cell.title, $0) }
    }
    .max { $0.1 < $1.1 }.map { (String(format: "%.3f", $0.1), $0.0) } ?? ("–", "–")
  }

  /// The gains over the first degree, depth by depth, and the largest radii.
  private var answerTable: Account.Table {
    let (first, last) = (settings.degrees[0], settings.degrees[settings.degrees.count - 1])
    return Account.Table(
      caption: "The median radius of \(name(last)) over that of \(name(first)), least and largest "
        + "over the kinds of networks, and the largest median radius of all."
        + (sides.isEmpty
          ? ""
          : " The largest median radius that is proved is beside what attacks found for the same images."),
      header: ["norm"] + settings.depths.map { "depth \($0)" } + ["largest radius", "of"]
        + (sides.isEmpty ? [] : ["largest proved / attacked", "of"]),
      rows: zip(attacked, sides.sides).map { attacked, side in
        let proved = bestProved(side).map {
          [
            String(
              format: side.norm == .linf ? "%.4f / %.4f" : "%.3f / %.3f", $0.proved, $0.attacked),
            $0.title,
          ]
        }
        let best = best(attacked)
        return [attacked.norm.rawValue]
          + settings.depths.map { depth in
            let gains = settings.variants.compactMap { gain(attacked, last, depth, $0) }
            guard let low = gains.min(), let high = gains.max() else { return "–" }
            return String(format: low == high ? "%.2f" : "%.2f to %.2f", low, high)
          }
          + [best.radius, best.title] + (sides.isEmpty ? [] : proved ?? ["–", "–"])
      })
  }

  /// A row a norm, kind and degree, where anything was proved.
  private var twoSidedSection: AccountSection {
    get throws(ExperimentError) {
      let rows = sides.sides.flatMap { side in
        settings.variants.flatMap { variant in
          settings.degrees.compactMap { p -> [String]? in
            let texts = settings.depths.map { sides.text(Cell(p, $0, variant), side) }
            guard texts.contains(where: { $0 != "–" }) else { return nil }
            return [side.norm.rawValue, variant.rawValue, p.formatted()] + texts
          }
        }
      }
      return try sides.section(
        header: ["norm", "network", "p"] + settings.depths.map { "depth \($0)" }, rows: rows,
        figures: sides.sides.map(twoSidedFigure))
    }
  }
}
