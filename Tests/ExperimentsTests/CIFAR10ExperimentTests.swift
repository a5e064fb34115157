import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Testing
import Training

@testable import Experiments
@testable import Runs
@testable import Studies

@Suite struct CIFAR10ExperimentTests {
  private typealias Cell = CIFAR10Experiment.Cell

  /// A directory that is removed in the end.
  private func withDirectory(_ body: (RunDirectory) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("cifar10-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(RunDirectory(path, configuration: ["test": 1], resume: false))
  }

  /// Images that are the brighter the higher their class.
  private func images(_ count: Int, _ name: String) -> Dataset {
    var stream = RandomStream(seed: 0).child(name)
    let labels = (0..<count).map { $0 % 10 }
    let values = labels.flatMap { label in
      (0..<3072).map { _ in Float(label) / 12 + Float(stream.nextUniform()) / 6 }
    }
    return Dataset(
      name: name, inputs: Matrix(rows: count, columns: 3072, elements: values), labels: labels,
      classCount: 10, imageShape: ImageShape(rows: 32, columns: 32, channels: 3),
      valueRange: 0...1)
  }

  private func training(_ settings: CIFAR10Experiment.Settings) -> CIFAR10Training {
    CIFAR10Training(
      settings: settings, train: images(60, "train"), validation: images(20, "validation"),
      heldOut: images(30, "held out"), test: images(20, "test"))
  }

  /// A small experiment.
  private var small: CIFAR10Experiment {
    var experiment = CIFAR10Experiment(ExperimentOptions(preset: .quick, repeats: 2))
    experiment.settings.learningRates = [0.03, 1e-4]
    experiment.settings.filters = [3, 3]
    experiment.settings.units = [5]
    experiment.settings.batchSize = 10
    experiment.settings.rateSamples = 40
    experiment.settings.convolutionalEpochs = 2
    experiment.settings.denseEpochs = 3
    experiment.settings.trialsPerEpoch = 2
    experiment.settings.adversarialDegrees = [1.5]
    experiment.settings.adversarialEpochs = 1
    experiment.settings.attackedImages = 2
    experiment.settings.attack = "quick"
    experiment.settings.rankSamples = 10
    return experiment
  }

  /// Settings survive their file, fit the data, and describe networks of the promised size.
  @Test(arguments: Preset.allCases) func settings(preset: Preset) throws {
    let settings = CIFAR10Experiment(ExperimentOptions(preset: preset)).settings
    let text = JSONText.encode(settings)
    #expect(
      try JSONText.decoder.decode(CIFAR10Experiment.Settings.self, from: Data(text.utf8))
        == settings)
    for network in CIFAR10Network.allCases {
      let architectures = try settings.degrees.map {
        try network.architecture(settings, exponent: $0)
      }
      #expect(architectures[0].parameterCount <= 300_000 && architectures[0].outputCount == 10)
      #expect(architectures.allSatisfy { $0.parameters == architectures[0].parameters })
    }
    #expect(settings.repeats * settings.attackedImages <= CIFAR10Values.heldOutCount)
  }

  /// Every weight of a dense layer is multiplied once for a sample, one of a filter once for each pixel.
  @Test(arguments: CIFAR10Network.allCases) func workIsThatOfTheWeights(network: CIFAR10Network)
    throws
  {
    let settings = CIFAR10Experiment(ExperimentOptions(preset: .laptop)).settings
    let architecture = try network.architecture(settings, exponent: 1)
    var products = 0
    for number in architecture.layers.layers.indices {
      for tensor in architecture.parameters
      where tensor.name.hasPrefix("layers.\(number).") && tensor.name.hasSuffix("weights") {
        products += architecture.shapes[number + 1].pixels * tensor.rows * tensor.columns
      }
    }
    #expect(network.workOfPass(settings) == 2 * Double(products))
  }

  @Test func moreSeedsThanImagesAreRefused() {
    #expect(throws: ExperimentError.self) {
      try CIFAR10Experiment(ExperimentOptions(preset: .paper, repeats: 10)).settings.validate()
    }
  }

  /// Rates are chosen by validation accuracy; the networks of every moment are as accurate as it says, also those of a
  /// degree that is trained on perturbed images alone; a second look trains nothing and finds the same.
  @Test func networksOfEveryMoment() throws {
    let experiment = small
    let settings = experiment.settings
    try withDirectory { directory in
      let data = training(settings)
      func trained() throws -> CIFAR10Training {
        try data.trained(
          seeds: experiment.seeds, in: directory, ProgressReporter(quiet: true))
      }
      let training = try trained()
      for network in CIFAR10Network.allCases {
        for p in settings.degrees {
          let accuracies = try [1e-4, 0.03].map { rate in
            let name = "network-\(network.rawValue)_p-\(p.formatted())_rate-\(rate)-seed0.json"
            let path = directory.path("networks/\(name)")
            let record = try JSONText.decoder.decode(
              TrainingRecord.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            return try #require(record.epochs.last?.testAccuracy)
          }
          let best = accuracies[1] > accuracies[0] ? 0.03 : 1e-4
          #expect(training.rates[network]?[p] == best, "\(network), p = \(p)")
        }
      }
      #expect(training.rates[.convolutional]?[1.5] != nil && training.rates[.dense]?[1.5] == nil)
      func snapshot(_ p: Double, _ moment: CIFAR10Experiment.Moment) throws
        -> CIFAR10Training.Snapshot
      {
        try #require(
          try training.network(
            Cell(network: .dense, p: p, moment: moment), seed: 1, in: directory))
      }
      func accuracy(_ snapshot: CIFAR10Training.Snapshot) -> Double {
        snapshot.network.accuracy(data.validation.inputs, labels: data.validation.labels)
      }
      let ends = try settings.degrees.map { try snapshot($0, .end) }
      for end in ends {
        #expect(end.epoch == 3 && end.validation.count == 3 && end.validation[2] == accuracy(end))
      }
      // Trials are at the ends of epochs, too: what all reach is at least what all have then.
      let reached = try #require(ends.compactMap { $0.validation.max() }.min())
      for moment in [CIFAR10Experiment.Moment.matched, .counterpart] {
        let stopped = try snapshot(moment == .matched ? 1 : 3, moment)
        #expect(accuracy(stopped) >= reached - 1e-9 && stopped.epoch <= 3)
        #expect(stopped.validation == ends[0].validation)
      }
      let adversarial = Cell(network: .convolutional, p: 1.5, moment: .adversarial)
      #expect(try training.network(adversarial, seed: 0, in: directory)?.epoch == 1)
      let again = try trained()
      #expect(again.rates == training.rates)
      let end = Cell(network: .dense, p: 1, moment: .end)
      #expect(try again.network(end, seed: 1, in: directory)?.network == ends[0].network)
    }
  }

  /// Adversarial training is of the first seed alone, the others are measured with every seed.
  @Test func cellsAreMeasuredWithTheirSeeds() throws {
    let experiment = small
    let moments = experiment.cells.map(\.moment)
    #expect(moments.count { $0 == .end } == 4 && moments.count { $0 == .matched } == 4)
    #expect(moments.count { $0 == .counterpart } == 2 && moments.last == .adversarial)
    let grid = Grid(
      name: "cifar10", cells: experiment.cells, seeds: experiment.seeds,
      repeats: experiment.repeats(of:), operations: experiment.operations)
    #expect(grid.jobs.count == 21 && Set(grid.jobs.map(\.name)).count == 21)
    #expect(grid.jobs.allSatisfy { $0.operations > 0 && $0.operations.isFinite })
    try withDirectory { directory in
      #expect(grid.plan(directory, oneByOne: false).seconds.isFinite)
      let runs = try grid.run(
        in: directory, source: training(experiment.settings),
        progress: ProgressReporter(quiet: true)
      ) { (cell, context: CIFAR10Experiment.Context) throws(ExperimentError) in
        Measured(CIFAR10Values(epoch: Double(context.seed), meanRadius: cell.p))
      }
      #expect(runs.map(\.count) == Array(repeating: 2, count: 10) + [1])
      for (cell, row) in zip(experiment.cells, runs) {
        #expect(row.allSatisfy { $0.values.meanRadius == cell.p })
        #expect(row.map(\.values.epoch) == Array([0.0, 1].prefix(row.count)))
      }
    }
  }

  /// Differences are taken image by image, and a cell measured with fewer seeds has fewer.
  @Test func differencesArePaired() throws {
    let experiment = CIFAR10Experiment(ExperimentOptions(preset: .laptop))
    func cell(_ p: Double, _ moment: CIFAR10Experiment.Moment) -> Cell {
      Cell(network: .convolutional, p: p, moment: moment)
    }
    // Two images, of which one is twice as hard.
    func runs(_ values: [Double]) -> [Measured<CIFAR10Values>] {
      values.map {
        Measured(
          CIFAR10Values(
            medianRadiusOfCorrect: $0, l2Radii: [$0, $0 / 2], linfRadii: [$0 / 32, $0 / 64]))
      }
    }
    let cells = [
      cell(1, .end), cell(3, .end), cell(3, .counterpart), cell(1, .adversarial),
    ]
    try withDirectory { directory in
      let report = CIFAR10Report(
        experiment: experiment,
        results: GridResults(
          cells: cells, seeds: [0, 1, 2],
          runs: [
            runs([0.1, 0.2, 0.3]), runs([0.3, 0.4, 0.5]), runs([0.1, 0.2, 0.3]), runs([0.5]),
          ], source: training(experiment.settings), directory: directory))
      let difference = report.difference(.radius, cells[1], cells[2])
      #expect(difference.count == 6 && abs((difference.mean ?? 0) - 0.15) < 1e-12)
      // Differences of 0.2 and 0.1, however far the seeds lie apart: t = 2.5706 with 5 degrees of freedom.
      #expect(abs((difference.halfWidth ?? 1) - 2.5706 * 0.05 / 5.0.squareRoot()) < 1e-5)
      #expect(report.difference(.radius, cells[3], cells[0]).count == 2)
      // Of six radii, three exceed 0.25 with p = 3 and one does with p = 1.
      #expect(abs((report.difference(.l2, cells[1], cells[2]).mean ?? 0) - 2.0 / 6) < 1e-12)
      let account = try report.account()
      #expect(account.answer.contains("+0.150 ± 0.057 (p = 3)"))
      #expect(account.answer.contains("the median radius of the first seed from 0.100 to 0.500"))
      let rows = try #require(account.answerTable).rows
      #expect(rows.contains { $0.contains("3") && $0.contains("+0.150 ± 0.057") })
      #expect(account.answer.split(separator: ". ").count <= 2)
    }
  }
}
