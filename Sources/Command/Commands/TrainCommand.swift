import ArgumentParser
import Datasets
import Experiments
import Foundation
import Networks
import Runs
import Studies
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network in a run directory.",
    discussion: """
      Defaults follow the data. For mixture they are the paper's: width 2000, init scale 1e-7, SGD with \
      rate 0.2, batches of 100, 401 epochs. For other data: width 500, Kaiming initialisation, Adam \
      with rate 1e-3, batches of 100 (mnist, fashion-mnist, cifar10: 1000), 51 epochs. The loss is \
      exponential for two classes and cross-entropy for more. Where the data have a test part, it is \
      evaluated every epoch.

      --optimizer gradient-flow integrates the flow of the full-batch loss itself, from weights of any \
      size. It records every neuron: metrics.csv, results/neurons.npz and figures.

        polyrelu train --data digits --p 3 --out runs/digits
        polyrelu train --data mixture --dimension 200 --samples 2000 \\
          --width 200 --p 3 --out runs/mixture
        polyrelu train --data features.npz --p 2 --center --normalize-input \\
          --bias --loss cross-entropy --out runs/features
        polyrelu train --data mixture --dimension 200 --samples 500 --width 100 \\
          --p 3 --optimizer gradient-flow --init-scale 1e-80 --out runs/flow
        polyrelu train --data mixture --dimension 200 --samples 500 --width 10 --p 1 \\
          --hidden-bias --output-init constant --freeze-output --out runs/frozen
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Network") var model: TrainModelOptions
  @OptionGroup(title: "Training") var training: TrainLoopOptions
  @OptionGroup(title: "Gradient flow") var flow: FlowOptions

  @Option(help: "The run directory to write.")
  var out: String

  @Option(help: "The part to evaluate every epoch, or none. (default: the test part)")
  var testSplit: String?

  @Option(
    parsing: .unconditional, help: "Seconds between checkpoints. (default: 10)",
    transform: ArgumentText.amount)
  var checkpointEvery = 10.0

  @Flag(help: "Continue a run found in the directory, with the same settings.")
  var resume = false

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    try model.checkHiddenBias()
    if training.optimizer == .gradientFlow { return try runFlow() }
    // Everything a person can get wrong is looked at before the first file is written.
    if let name = flow.firstGiven {
      throw ExperimentError.usage("--\(name): only --optimizer gradient-flow has this option")
    }
    try model.checkScaleForSteps()
    let optimizer = try training.optimizerConfiguration(data: data.data)
    let (request, data, heldOut, heldOutRequest) = try load()
    let configuration = TrainingRunConfiguration(
      data: request, model: model.configuration(data: request.data),
      training: training.configuration(
        optimizer: optimizer, data: data, request: request, seed: common.seed,
        freezesOutput: model.freezeOutput))
    try TrainingRun.validate(configuration, data: data, heldOut: heldOut)
    var run = try TrainingRun(out, configuration: configuration, resume: resume)
    run.checkpointInterval = checkpointEvery
    let start = Date()
    let result = try run.run(
      data: data, heldOut: heldOut, heldOutRequest: heldOutRequest,
      progress: common.makeProgress())
    let report = try TrainReport(
      model: TrainingRun.modelPath(out), network: result.network, record: result.record,
      loss: configuration.training.loss, data: data, heldOut: heldOut,
      seconds: Date().timeIntervalSince(start))
    try Output.write(common.json ? report.json : report.text)
  }

  /// The data to train on, and those to evaluate.
  private func load() throws -> (
    request: DatasetRequest, data: Dataset, heldOut: Dataset?, heldOutRequest: DatasetRequest?
  ) {
    var request = try data.request(seed: common.seed)
    request.split = request.split ?? DatasetRequest.defaultSplits(of: request.data).train
    let heldOutSplit = testSplit ?? request.heldOutSplit
    let heldOutRequest = heldOutSplit == "none" ? nil : heldOutSplit.map { request.part($0) }
    let heldOut = try heldOutRequest?.load()
    let data = try request.load()
    // Before the first file is written, and with the numbers that the training has.
    do {
      let numbered = try heldOut?.numbered(by: data.classes, of: "the training data \(data.name)")
      return (request, data, numbered, heldOutRequest)
    } catch { throw ExperimentError(error) }
  }

  private func runFlow() throws {
    try training.checkForGradientFlow()
    let (request, data, heldOut, _) = try load()
    if flow.extremalVectors && model.hiddenBias {
      throw ExperimentError.usage(
        "--extremal-vectors: neurons with hidden biases have no directions of inputs alone; expected no "
          + "--hidden-bias")
    }
    var flowConfiguration = flow.configuration(loss: training.resolvedLoss(data))
    flowConfiguration.freezesOutput = model.freezeOutput
    let configuration = FlowRunConfiguration(
      data: request, model: model.configuration(data: request.data), flow: flowConfiguration,
      seed: common.seed,
      recordTimes: flow.recordAt?.values, findsExtremalVectors: flow.extremalVectors)
    // Throws for whatever does not fit, before the first file is written.
    try TrainingRun.validate(loss: configuration.flow.loss, data: data, heldOut: heldOut)
    _ = try configuration.makeFlow(data: data)
    var run = try FlowRun(out, configuration: configuration, resume: resume)
    run.checkpointInterval = checkpointEvery
    let start = Date()
    let result = try run.run(data: data, progress: common.makeProgress())
    try run.draw(result)
    let report = try FlowReport(
      model: TrainingRun.modelPath(out), result: result, data: data, heldOut: heldOut,
      seconds: Date().timeIntervalSince(start))
    try Output.write(common.json ? report.json : report.text)
    // The warning has said why.
    if result.hasBrokenDown { throw ExitStatus.unreliable }
  }
}

extension TrainCommand: ResumableCommand {
  var keepsWork: Bool { true }
}
