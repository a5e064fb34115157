import Certification
import Datasets
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Real data: the parity of handwritten digits, ten subclasses in two classes, for p = 1 to 4.
struct DigitsParityExperiment: GridExperiment {
  typealias Values = ClusterValues

  static let name = "digits-parity"
  static let summary =
    "1,797 handwritten digits, even against odd, p = 1 to 4 from small initialisation, l2 attacks"

  struct Settings: ExperimentSettings {
    var experiment = DigitsParityExperiment.name
    var preset: Preset
    var seed: UInt64
    var degrees = [1.0, 2.0, 3.0, 4.0]
    var repeats: Int
    var hiddenWidth: Int
    var initialScale = 1e-3
    var learningRate = 0.5
    var momentum = 0.9
    var batchSize = 64
    var epochs: Int
    var attack = "standard"
    /// Of the first repeat.
    var twoSided: TwoSidedSettings

    /// A figure has a panel for every degree.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees, limit: 26)
      try check.width("hiddenWidth", hiddenWidth, dimension: 65)
      try check.initialScale("initialScale", initialScale)
      try check.positive("learningRate", learningRate)
      try check.momentum("momentum", momentum)
      try check.count("batchSize", batchSize)
      try check.count("epochs", epochs)
      try check.attack("attack", attack, hasRadii: true)
      try check.twoSided("twoSided", twoSided)
    }
  }

  struct Cell: GridCell {
    let p: Double
    var parameters: [Parameter] { [Parameter("p", p)] }
  }

  struct Source: Sendable {
    let train: Dataset
    let test: Dataset
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      hiddenWidth: preset.pick(quick: 200, laptop: 500, paper: 2000),
      epochs: preset.pick(quick: 80, laptop: 120, paper: 401),
      twoSided: TwoSidedSettings(
        samples: preset.pick(quick: 20, laptop: 200, paper: 200),
        attack: preset == .quick ? "quick" : "standard",
        nodes: preset.pick(quick: 400, laptop: 2000, paper: 20_000),
        smoothing: SmoothingSettings(sigma: 0.25)))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.degrees.map(Cell.init) }
  let metrics = ClusterValues.metrics

  func load() throws(ExperimentError) -> Source {
    do {
      return Source(
        train: try Digits.load(labels: .parity, split: .train),
        test: try Digits.load(labels: .parity, split: .test))
    } catch { throw ExperimentError(error) }
  }

  func inputs(_ source: Source) -> [RunInput] {
    [RunInput(.training, source.train), RunInput(.samples, source.test)]
  }

  /// Forward, backward and the metrics of an epoch for 1,442 digits; some thousands of passes for each of 355 that are
  /// attacked; half a second a proof.
  func operations(_ cell: Cell) -> Double {
    let pass = 4 * 64 * Double(settings.hiddenWidth)
    return pass * (1.6 * 1442 * Double(settings.epochs) + 5000 * 355)
      + 1e10 * Double(settings.twoSided.samples)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    let (train, test) = (context.source.train, context.source.test)
    let network = ClusterNetwork(
      directory: context.directory, name: ClusterRun.name(exponent: cell.p, seed: context.seed),
      configuration: training(cell.p, context.seed), progress: context.progress)
    let (trained, record) = try network.train(train, heldOut: test)
    return try network.measure(
      trained, record, train: train, attacked: test, attack: settings.attack,
      epsilons: (0...20).map { Double($0) / 10 },
      twoSided: context.seed == settings.seed ? settings.twoSided : nil)
  }

  private func training(_ p: Double, _ seed: UInt64) -> TrainingRunConfiguration {
    TrainingRunConfiguration(
      data: DatasetRequest(data: "digits", labels: .parity, split: "train"),
      model: ModelConfiguration(
        exponent: p, hiddenWidth: settings.hiddenWidth,
        initialization: .gaussian(scale: settings.initialScale), center: true, normalizeInput: true),
      training: TrainingConfiguration(
        loss: .logistic,
        optimizer: .sgd(learningRate: settings.learningRate, momentum: settings.momentum),
        epochs: settings.epochs, batchSize: settings.batchSize, seed: seed))
  }

  // What it says.

  func account(of results: Results) throws(ExperimentError) -> Account {
    let report = ClusterReport(results.parts { $0 }, twoSided: settings.twoSided)
    let (train, test) = (results.source.train, results.source.test)
    let ceiling = test.halfDistanceToOtherClass(in: train)
    return Account(
      title: "Handwritten digits, even against odd",
      subtitle: "Preset \(settings.preset.rawValue): width \(settings.hiddenWidth), "
        + "\(settings.epochs) epochs, initialisation \(settings.initialScale), "
        + "\(settings.repeats) repeat(s)",
      introduction:
        "\(train.count) training and \(test.count) test digits of 8 x 8 pixels; the label is the parity, "
        + "so each class has five digits as subclasses, neither orthogonal nor tight. Networks subtract "
        + "the mean image, normalise their input and start from weights of size "
        + "\(settings.initialScale). No theory predicts the radius of real data. "
        + ClusterReport.columns,
      answer: report.answer
        + String(format: " Half the median distance to the other class is %.3f.", ceiling),
      findings: ["half the median distance to the other class": .number(ceiling)],
      figures: try figures(report, ceiling, results),
      sections: [try report.sides.section(in: results.directory), report.notes],
      remarks: report.remarks, flags: report.sides.summary.violations,
      overview: report.table(caption: "Test digits, mean over repeats."),
      details: ["results": report.rows, "twoSided": report.sides.summary])
  }

  private func figures(_ report: ClusterReport, _ ceiling: Double, _ results: Results)
    throws(ExperimentError) -> [AccountFigure]
  {
    let columns = ["even", "odd"] + (0..<10).map { "digit \($0)" }
    return [
      AccountFigure(
        "robust-accuracy",
        report.robustness(
          title: "Robust accuracy on digits, even against odd", largest: 1.5,
          references: [.vertical(ceiling, label: "half distance")]),
        caption:
          "Robust accuracy on the test digits against the l2 radius of the attack (pixels in "
          + "[0, 1]). Dashed: half the median distance from a test digit to the nearest training "
          + "digit of the other class, where a nearest-neighbour rule would break.",
        alternative: "Robust accuracy against radius for each degree"),
      AccountFigure(
        "perturbed-digits",
        try PerturbedDigits.grid(
          Array(report.runs.prefix(cells.count)), of: results.source.test, in: results.directory),
        caption: "The first test digits of six kinds with the smallest perturbation found for each "
          + "degree: the perturbed digit and its l2 radius r.",
        alternative: "Digits before and after their smallest adversarial perturbation"),
      report.contributions(caption: "Sorted neuron contributions."),
    ]
      + Set([report.degrees.first!, report.degrees.last!]).sorted().map { p in
        report.cosines(
          p, columns: columns,
          caption: "Cosines of dominant neurons to class means and to the means of single digits.")
      } + [report.training(caption: "Training loss.")]
  }
}
