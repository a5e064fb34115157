import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// Figures, table and text of the digits experiment.
struct DigitsReport {
  let settings: DigitsParityExperiment.Settings
  let runs: [ClusterRunResult]
  let twoSided: [TwoSidedRadii]
  let train: Dataset
  let test: Dataset

  func part(directory: RunDirectory, firstRuns: [ClusterRun], figuresLink: String)
    throws(ExperimentError) -> ExperimentPart
  {
    let figures = ClusterFigures(runs: runs)
    let summaries = figures.degrees.map { p in
      ClusterSummary(runs.filter { $0.p == p }, predictedRadius: nil)
    }
    let sides = TwoSidedReport(
      twoSided, settings: settings.twoSided, attacks: runs.prefix(twoSided.count).map(\.radii))
    let report = ClusterReport(
      experiment: DigitsParityExperiment.name, preset: settings.preset, results: summaries,
      flags: runs.flatMap(\.flags) + sides.summary.violations, twoSided: sides.summary)
    try directory.write(report, to: "results/summary.json")
    let sink = FigureSink(directory: directory, link: figuresLink)
    let ceiling = halfDistanceToOtherClass()
    var blocks: [Report.Block] = [
      .paragraph(Prose(introduction(ceiling))),
      .table(
        Report.Table(
          caption:
            "Test accuracy and median radius of each degree. No theory predicts the radius of "
            + "real data.",
          header: ClusterSummary.header.map { Prose($0) },
          rows: summaries.map { $0.cells.map { Prose($0) } })),
      try sink.figure(
        figures.robustness(
          title: "Robust accuracy on digits, even against odd", largest: 1.5,
          references: [.vertical(ceiling, label: "half distance")]), "robust-accuracy",
        caption:
          "Robust accuracy on the test digits against the l2 radius of the attack (pixels in "
          + "[0, 1]). Dashed: half the median distance from a test digit to the nearest training "
          + "digit of the other class, where a nearest-neighbour rule would break.",
        alternative: "Robust accuracy against radius for each degree"),
    ]
    blocks += try sides.blocks(sink)
    blocks += [
      try sink.figure(
        try pictures(firstRuns), "perturbed-digits",
        caption: "The first test digits of six kinds with the smallest perturbation found for each "
          + "degree: the perturbed digit and its l2 radius r.",
        alternative: "Digits before and after their smallest adversarial perturbation"),
      try sink.figure(
        figures.contributions(), "contributions", caption: "Sorted neuron contributions.",
        alternative: "Sorted neuron contributions"),
    ]
    for p in Set([figures.degrees.first!, figures.degrees.last!]).sorted() {
      blocks.append(
        try sink.figure(
          figures.cosines(
            p, columns: ["even", "odd"] + (0..<10).map { "digit \($0)" }, classCount: 2),
          "cosines-p\(p.degreeText)",
          caption: "Cosines of dominant neurons to class means and to the means of single digits.",
          alternative: "Cosines between neurons and digit means for p = \(p.degreeText)"))
    }
    blocks.append(
      try sink.figure(
        figures.training(), "training", caption: "Training loss.",
        alternative: "Training loss against epochs"))
    if let sentence = report.reductionSentence { blocks.append(.paragraph(Prose(sentence))) }
    for warning in Set(runs.compactMap(\.stallWarning) + report.flags).sorted() {
      blocks.append(.warning(Prose(warning)))
    }
    return ExperimentPart(
      directory: directory, report: report,
      section: Report.Section("Handwritten digits, even against odd", blocks))
  }

  private func introduction(_ ceiling: Double) -> String {
    let halves = ClusterFigures(runs: runs).degrees.map { p in
      let values = runs.filter { $0.p == p }.map(\.medianRadius)
      return String(format: "%.3f", values.reduce(0, +) / Double(values.count))
    }
    return
      "\(train.count) training and \(test.count) test digits of 8 x 8 pixels; the label is the parity, "
      + "so each class has five digits as subclasses, neither orthogonal nor tight. Networks subtract "
      + "the mean image, normalise their input and start from weights of size "
      + "\(settings.initialScale). Median radii for p = "
      + settings.degrees.map { "\(Int(saturating: $0))" }.joined(separator: ", ") + ": "
      + halves.joined(separator: ", ")
      + ". Half the median distance to the other class is \(String(format: "%.3f", ceiling))."
  }

  /// Half the median over test samples of the distance to the nearest training sample of the other
  /// class.
  private func halfDistanceToOtherClass() -> Double {
    let nearest = (0..<test.count).map { i -> Double in
      let row = test.inputs.row(i)
      var best = Float.infinity
      for j in 0..<train.count where train.labels[j] != test.labels[i] {
        var sum: Float = 0
        for (a, b) in zip(row, train.inputs.row(j)) { sum += (a - b) * (a - b) }
        best = min(best, sum)
      }
      return Double(best.squareRoot())
    }
    return (median(nearest) ?? .nan) / 2
  }

  /// Rows: six digits that every network gets right; columns: the digit, then perturbed for each p.
  private func pictures(_ firstRuns: [ClusterRun]) throws(ExperimentError) -> ImageGrid {
    let shape = test.imageShape!
    let results = Array(runs.prefix(firstRuns.count))
    var witnesses: [Matrix<Float>] = []
    for run in firstRuns { witnesses.append(try run.witnesses()) }
    var rows: [ImageGrid.Row] = []
    for digit in [0, 1, 3, 4, 6, 8] {
      guard
        let sample = test.groups?.indices.first(where: { i in
          test.groups![i] == digit
            && results.allSatisfy { $0.radii[i] > 0 && $0.radii[i].isFinite }
        })
      else { continue }
      let original = test.inputs.row(sample)
      var images: [ImageGrid.Image?] = [
        .init(
          values: original.map { Double($0) }, width: shape.columns, range: 0...1, colours: .ink,
          caption: "digit \(digit)")
      ]
      for (result, witness) in zip(results, witnesses) {
        let perturbed = zip(original, witness.row(sample)).map { Double($0 + $1) }
        images.append(
          .init(
            values: perturbed.map { min(max($0, 0), 1) }, width: shape.columns, range: 0...1,
            colours: .ink, caption: "r = \(String(format: "%.2f", result.radii[sample]))"))
      }
      rows.append(.init(heading: "", images: images))
    }
    return ImageGrid(
      title: "Smallest perturbations that flip even and odd",
      columnHeadings: ["original"] + results.map { "p = \($0.p.degreeText)" }, rows: rows,
      cellSize: 76)
  }
}
