import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Theory

/// Figures, table and text of the mixture experiment.
struct MixtureReport {
  let settings: MixtureExperiment.Settings
  let runs: [ClusterRunResult]
  let twoSided: [TwoSidedRadii]
  let distances: [DistanceResult]

  func part(directory: RunDirectory, figuresLink: String) throws(ExperimentError) -> ExperimentPart
  {
    let figures = ClusterFigures(runs: runs)
    let mixture = settings.mixture
    let summaries = figures.degrees.map { p in
      ClusterSummary(
        runs.filter { $0.p == p },
        predictedRadius: CriticalRadius.predicted(
          exponent: p, subclasses: mixture.subclasses, positive: mixture.positive))
    }
    let sides = TwoSidedReport(
      twoSided, settings: settings.twoSided, attacks: runs.prefix(twoSided.count).map(\.radii))
    let report = ClusterReport(
      experiment: MixtureExperiment.name, preset: settings.preset, results: summaries,
      flags: runs.flatMap(\.flags) + sides.summary.violations
        + DistanceResult.violations(distances),
      distance: DistanceSummary(distances, proved: (mixture.alpha, twoSided)),
      twoSided: sides.summary)
    try directory.write(report, to: "results/summary.json")
    do {
      try DistanceResult.table(distances).write(to: directory.path("results/distance.csv"))
    } catch { throw ExperimentError(error) }

    let sink = FigureSink(directory: directory, link: figuresLink)
    let relu = CriticalRadius.relu(subclasses: mixture.subclasses)
    let laws: [ReferenceLine] = [
      .vertical(relu, label: "1/√K"), .vertical(CriticalRadius.optimal, label: "√2/2"),
    ]
    var blocks: [Report.Block] = [
      .paragraph(Prose(introduction)),
      .table(
        Report.Table(
          caption: "Measured beside predicted. \(emphasis: "Median radius"): where robust accuracy "
            + "crosses 1/2. \(emphasis: "Neurons"): how many hold 99% of all contributions. "
            + "\(emphasis: "Cos"): median cosine of these neurons to the closest subclass centre and "
            + "class mean.",
          header: ClusterSummary.header.map { Prose($0) },
          rows: summaries.map { $0.cells.map { Prose($0) } })),
      try sink.figure(
        figures.robustness(
          title: "Robust accuracy under l2 attacks", largest: 1.1, references: laws),
        "robust-accuracy",
        caption: "Robust accuracy against the radius of the attack, worst case over all attacks. "
          + "Dashed: what theory predicts for p = 1 and for p ≥ 2.",
        alternative: "Robust accuracy falls at 1/sqrt(K) for p = 1 and at sqrt(2)/2 for p = 3"),
    ]
    blocks += try sides.blocks(sink, references: laws)
    blocks.append(
      try sink.figure(
        figures.contributions(), "contributions",
        caption:
          "How much each neuron can contribute to the output, sorted. For p = 3 a few neurons, "
          + "one or two a subclass, carry the network; for p = 1 many neurons share two directions.",
        alternative: "Sorted neuron contributions"))
    let columns =
      ["μ̄⁻", "μ̄⁺"] + (0..<mixture.subclasses).map { "μ\($0 + 1)" }
    for p in figures.degrees {
      blocks.append(
        try sink.figure(
          figures.cosines(p, columns: columns, classCount: 2), "cosines-p\(p.degreeText)",
          caption: p == 1
            ? "Plain ReLU neurons point along the two average class directions."
            : "Neurons of degree \(p.degreeText) point along single subclass centres.",
          alternative:
            "Cosines between neurons and class and subclass directions for p = \(p.degreeText)"
        )
      )
    }
    blocks.append(
      try sink.figure(
        figures.training(), "training",
        caption: "Training loss. The plateau is the alignment phase.",
        alternative: "Training loss against epochs"))
    blocks += try distanceBlocks(report.distance!, sink)
    if let sentence = report.reductionSentence { blocks.append(.paragraph(Prose(sentence))) }
    for warning in Set(runs.compactMap(\.stallWarning) + report.flags).sorted() {
      blocks.append(.warning(Prose(warning)))
    }
    return ExperimentPart(
      directory: directory, report: report,
      section: Report.Section("Clusters around orthonormal centres", blocks))
  }

  /// Panel (a).
  private func distanceBlocks(_ distance: DistanceSummary, _ sink: FigureSink)
    throws(ExperimentError) -> [Report.Block]
  {
    [
      .paragraph(
        Prose(
          "The distance of a network f to the ideal classifier F (for p = 1; F⁽ᵖ⁾ otherwise) is "
            + "inf over c > 0 of sup |c f(x) - F(x)| over ‖x‖ = 1. " + distance.answer)),
      .table(
        Report.Table(
          caption:
            "Largest |c f - F| found, mean and 95% interval over repeats: lower estimates of "
            + "the supremum. \(emphasis: "Distance"): at the least-squares c of the paper, searched in "
            + "the few dimensions that f and F depend on. \(emphasis: "At most"): proved upper bounds. "
            + "\(emphasis: "Guaranteed radius"): what follows from them for samples of the mixture, "
            + "with high probability. \(emphasis: "Proved radius"): the median of those proved "
            + "sample by sample, with certainty. \(emphasis: "Gradient ascent"): the "
            + "paper's search in all dimensions. \(emphasis: "Left out"): how much the supremum may "
            + "gain in the other dimensions.",
          header: DistanceSummary.header.map { Prose($0) },
          rows: distance.cells.map { $0.map { Prose($0) } })),
      try sink.figure(
        distance.figure, "distance",
        caption:
          "Distance to the ideal classifier against alpha, as a share of sup |F|. Shaded: 95% "
          + "interval over repeats. Dotted: proved upper bounds. Points: the paper's gradient ascent.",
        alternative: "The distance to the ideal classifier against alpha for every degree"),
    ]
  }

  private var introduction: String {
    let mixture = settings.mixture
    return
      "Samples are \(mixture.subclasses) orthonormal unit centres plus Gaussian noise of standard "
      + "deviation \(mixture.alpha) in norm; the first \(mixture.positive) centres have label 1. "
      + "Networks start from weights of size \(settings.initialScale). A plain ReLU network (p = 1) "
      + "learns the two average class directions and breaks at l2 radius 1/√K = "
      + String(format: "%.4f", CriticalRadius.relu(subclasses: mixture.subclasses))
      + "; from p = 3 on, gradient flow finds every subclass centre and the network stands up to "
      + "√2/2 = \(String(format: "%.4f", CriticalRadius.optimal)), which no classifier can exceed."
  }
}
