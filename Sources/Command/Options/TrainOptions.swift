import ArgumentParser
import Datasets
import Experiments
import Foundation
import Networks
import Runs
import Studies
import Training

/// The network to be trained.
struct TrainModelOptions: ParsableArguments {
  /// How output weights start, by name.
  enum OutputStart: String, ExpressibleByArgument, CaseIterable {
    case random, constant
  }

  @Option(
    parsing: .unconditional, help: "The degree, at least 1; 1 is a plain ReLU network.",
    transform: ArgumentText.degree)
  var p: Double

  @Option(
    parsing: .unconditional, help: "Hidden neurons. (default: see above)",
    transform: ArgumentText.count)
  var width: Int?

  @Option(
    parsing: .unconditional,
    help: "Standard deviation of all initial weights, or kaiming. (default: see above)",
    transform: TrainModelOptions.initialization)
  var initScale: Initialization?

  @Flag(help: "Divide features by ||x||^(p-1), so that outputs are linear in the size of x.")
  var normalizeInput = false

  @Flag(help: "Give outputs a bias.")
  var bias = false

  @Flag(help: "Give hidden neurons biases. Not with --normalize-input.")
  var hiddenBias = false

  @Option(
    help: """
      constant: output weights +1/width and -1/width in turn; of several outputs 1/width, every neuron for one \
      class. random: as --init-scale says. (default: random)
      """)
  var outputInit: OutputStart?

  @Flag(help: "Keep output weights and biases as they start.")
  var freezeOutput = false

  @Flag(help: "Subtract the mean training sample.")
  var center = false

  private static func initialization(_ text: String) throws -> Initialization {
    if text == "kaiming" { return .kaiming }
    guard let scale = Double(text), scale > 0, scale < 1e18 else {
      throw ArgumentText.Expected("expected kaiming or a positive number below 1e18")
    }
    return .gaussian(scale: scale)
  }

  /// Refuses scales whose square is 0 in single precision, which only gradient flow can start from.
  func checkScaleForSteps() throws(ExperimentError) {
    if case .gaussian(let scale) = initScale, scale <= 1e-22 {
      throw .usage(
        "--init-scale is \(scale), expected more than 1e-22; smaller ones take "
          + "--optimizer gradient-flow")
    }
  }

  /// Refuses options that exclude each other.
  func checkHiddenBias() throws(ExperimentError) {
    if hiddenBias && normalizeInput {
      throw .usage(
        "--hidden-bias and --normalize-input exclude each other: expected one of the two")
    }
  }

  /// The settings, with the defaults for some data.
  func configuration(data: String) -> ModelConfiguration {
    let isMixture = data == "mixture"
    return ModelConfiguration(
      exponent: p, hiddenWidth: width ?? (isMixture ? 2000 : 500),
      initialization: initScale ?? (isMixture ? .gaussian(scale: 1e-7) : .kaiming),
      bias: bias, center: center, normalizeInput: normalizeInput, hasHiddenBias: hiddenBias,
      hasConstantOutput: outputInit == .constant)
  }
}

/// How it is trained.
struct TrainLoopOptions: ParsableArguments {
  /// The optimisers by name.
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable {
    case sgd, adam
    case gradientFlow = "gradient-flow"
  }

  @Option(help: "exponential, logistic or squared for two classes; cross-entropy for any number.")
  var loss: Loss?

  @Option(help: "sgd, adam or gradient-flow.")
  var optimizer: OptimizerName?

  @Option(
    parsing: .unconditional, help: "Passes over the data. (default: see above)",
    transform: ArgumentText.index)
  var epochs: Int?

  @Option(
    parsing: .unconditional, help: "Samples in a step. (default: see above)",
    transform: ArgumentText.count)
  var batchSize: Int?

  @Option(
    parsing: .unconditional, help: "Step size. (default: 0.2 for sgd, 1e-3 for adam)",
    transform: ArgumentText.number)
  var learningRate: Double?

  @Option(
    parsing: .unconditional, help: "sgd: momentum. (default: 0)", transform: ArgumentText.number)
  var momentum: Double?

  @Flag(help: "sgd: Nesterov momentum.")
  var nesterov = false

  @Flag(
    help: """
      sgd: move every neuron in every step. Without it, neurons that move alike are moved as one. Neurons \
      that hardly move and add nothing to the outputs are moved once in a while. Results are the same up \
      to rounding.
      """)
  var everyNeuron = false

  @Option(
    parsing: .unconditional, help: "Weight decay, added to the gradient. (default: 0)",
    transform: ArgumentText.number)
  var weightDecay: Double?

  /// The optimiser, with the defaults for some data.
  func optimizerConfiguration(data: String) throws(ExperimentError) -> OptimizerConfiguration {
    switch optimizer ?? (data == "mixture" ? .sgd : .adam) {
    case .gradientFlow:
      preconditionFailure("gradient flow takes no steps of an optimiser")
    case .sgd:
      return .sgd(
        learningRate: learningRate ?? 0.2, momentum: momentum ?? 0, nesterov: nesterov,
        weightDecay: weightDecay ?? 0)
    case .adam:
      let given = [
        ("momentum", momentum != nil), ("nesterov", nesterov), ("every-neuron", everyNeuron),
      ]
      if let name = given.first(where: \.1)?.0 {
        throw .usage("--\(name): only --optimizer sgd has this option")
      }
      return .adam(learningRate: learningRate ?? 1e-3, weightDecay: weightDecay ?? 0)
    }
  }

  /// Refuses options of the other optimisers beside gradient flow.
  func checkForGradientFlow() throws(ExperimentError) {
    let given: [(String, Bool)] = [
      ("epochs", epochs != nil), ("batch-size", batchSize != nil),
      ("learning-rate", learningRate != nil), ("momentum", momentum != nil),
      ("nesterov", nesterov), ("weight-decay", weightDecay != nil),
      ("every-neuron", everyNeuron),
    ]
    if let name = given.first(where: \.1)?.0 {
      throw .usage("--\(name): --optimizer gradient-flow has no such option")
    }
  }

  /// The loss, with the default for some data.
  func resolvedLoss(_ data: Dataset) -> Loss {
    loss ?? (data.classCount == 2 ? .exponential : .crossEntropy)
  }

  /// The settings, with the defaults for some data.
  func configuration(
    optimizer: OptimizerConfiguration, data: Dataset, request: DatasetRequest, seed: UInt64,
    freezesOutput: Bool
  ) -> TrainingConfiguration {
    TrainingConfiguration(
      loss: resolvedLoss(data), optimizer: optimizer,
      epochs: epochs ?? (request.data == "mixture" ? 401 : 51),
      batchSize: batchSize
        ?? (["mnist", "fashion-mnist", "cifar10"].contains(request.data) ? 1000 : 100),
      seed: seed, thinning: everyNeuron ? nil : Thinning(), freezesOutput: freezesOutput)
  }
}

extension Loss: ExpressibleByArgument {}
