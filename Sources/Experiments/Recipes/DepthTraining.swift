import Alignment
import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// What is measured of a fully connected network before, in and after its training on a mixture.
struct DepthValues: Codable, Sendable, Equatable {
  /// log10 of the root mean square output before training.
  var signal: Double
  /// log10 of the length of the loss's gradient with respect to all weights before training.
  var gradient: Double
  /// The mean loss of the last epoch; NaN where training diverged.
  var loss: Double
  var epochs: Double
  var learningRate: Double
  /// Of a training that fits.
  var network: NetworkValues?
  /// The share of all influence on the output that first-layer neurons have with a cosine above 0.9 to a subclass
  /// centre; NaN where training does not fit.
  var subclassShare = Double.nan
  /// The same to a class mean.
  var classShare = Double.nan
  /// At ``radii``.
  var robustAccuracy: [Double] = []
  /// Proved and attacked l2 radii of the first attacked samples; nil where no bounds of the network are known.
  var twoSided: TwoSidedRadii?

  static let radii = (0...120).map { Double($0) / 100 }

  static let signal = Metric(\Self.signal, "signal", heading: "log10 output at start", digits: 1)
  static let gradient = Metric(
    \Self.gradient, "gradient", heading: "log10 gradient at start", digits: 1)
  static let loss = Metric(\Self.loss, "loss", digits: 4)
  static let epochs = Metric(\Self.epochs, "epochs", digits: 0)
  static let learningRate = Metric(\Self.learningRate, "learningRate", heading: "rate")
  static let subclassShare = Metric(
    \Self.subclassShare, "subclassShare", heading: "share at subclasses", digits: 2)
  static let classShare = Metric(
    \Self.classShare, "classShare", heading: "share at classes", digits: 2)
}

/// Trains a fully connected network of some design on a mixture until it fits, and measures it.
struct DepthTraining: Codable, Sendable, Equatable {
  /// From which weights, and by which steps.
  enum Start: String, Codable, Sendable, CaseIterable {
    /// Plain stochastic gradient descent from small weights: the case of the theory.
    case small = "small, SGD"
    /// The same from weights of the usual size.
    case standard = "standard, SGD"
    /// Adam from weights of the usual size.
    case adam = "standard, Adam"
  }

  var mixture: OrthonormalMixture
  /// What small initial weights are smaller than the usual ones by.
  var smallScale = 0.03
  /// Learning rates of plain descent. The smallest with which training fits is taken: the closest to gradient flow
  /// that the number of epochs allows.
  var descentRates = [0.02, 0.2, 2, 20]
  /// Likewise of Adam.
  var adamRates = [1e-3, 1e-2]
  /// Training ends behind the epoch whose mean exponential loss is at most this; 1 is that of a silent network.
  var stopLoss = 0.01
  /// Training is given up after so many epochs.
  var epochs: Int
  /// Training whose loss is then still above ``stalledLoss`` is given up after so many epochs.
  var patience: Int
  /// Samples a step.
  var batchSize: Int
  /// Test samples that are attacked.
  var attackedSamples: Int
  /// Those of them whose radii are proved as well, in the first repeat.
  var twoSided: DeepTwoSidedSettings

  /// Above this loss training has stalled: the network has learned at most the frequencies of the classes.
  static let stalledLoss = 0.9
  /// The failure of a run that has not learned.
  static let stalls = "training stalls"

  func validate(_ check: SettingsCheck) throws(ExperimentError) {
    try check.mixture("mixture", mixture, samples: ["attackedSamples": attackedSamples])
    try check.initialScale("smallScale", smallScale)
    try check.positives("descentRates", descentRates)
    try check.positives("adamRates", adamRates)
    try check.number("stopLoss", stopLoss, between: 0, and: 1)
    try check.count("epochs", epochs)
    try check.count("patience", patience)
    try check.count("batchSize", batchSize)
    try check.twoSided("twoSided", twoSided)
  }

  func scale(_ start: Start) -> Double { start == .small ? smallScale : 1 }

  /// Trains and measures. Training that does not fit is a failure with what was measured before it, and no radius.
  ///
  /// - Parameters:
  ///   - store: the directory of the experiment, and the name of the run in it.
  ///   - first: the seed of the first repeat, in which radii are proved; networks of which they are go to `networks/`.
  func measure(
    _ design: DenseDesign, _ start: Start, seed: UInt64,
    in store: (directory: RunDirectory, name: String), first: UInt64,
    report: @escaping @Sendable (Double) -> Void
  ) throws(ExperimentError) -> Measured<DepthValues> {
    let (train, attacked) = try mixture.data(seed: seed, attackedSamples: attackedSamples)
    let optimizers: [OptimizerConfiguration] =
      start == .adam
      ? adamRates.map { .adam(learningRate: $0) } : descentRates.map { .sgd(learningRate: $0) }
    do {
      let initial = try DeepNetwork<Float>(
        architecture: design.architecture(
          dimension: mixture.dimension, outputs: 1, hasBias: false),
        scale: scale(start), stream: RandomStream(seed: seed).child("initialisation"))
      let training = try trained(initial, on: train, optimizers, seed: seed)
      report(0.4)
      // Output and gradient before training need double precision.
      let exact = initial.converted(to: Double.self)
      let samples = train.prefix(200)
      let inputs = samples.inputs.converted(to: Double.self)
      var values = DepthValues(
        signal: try SignalScale.measured(exact, inputs: inputs),
        gradient: exact.lengthOfGradient(inputs: inputs, labels: samples.labels),
        loss: training.loss, epochs: Double(training.epochs), learningRate: training.learningRate)
      guard training.loss <= stopLoss else {
        return Measured(values, failure: failure(training))
      }
      let network = training.network.withOutputsOfOrderOne(train.inputs)
      let influence = try LayerInfluence(
        network, inputs: train.inputs, directions: train.referenceDirections(center: nil))
      let (groups, classes) = (influence.directions.groupRange, influence.directions.classRange)
      let result = try RobustnessStudy(seed: seed).run(
        classifier: network, data: attacked, reference: train,
        progress: ProgressReporter { report(0.4 + 0.4 * $0) })
      values.network = NetworkValues(
        medianRadius: result.medianRadius, accuracy: result.cleanAccuracy,
        effectiveNeurons: Double(influence.dominant().count),
        subclassCosine: influence.medianBestCosine(groups),
        classCosine: influence.medianBestCosine(classes),
        subclassesFound: Double(influence.directionsFound(groups)))
      values.subclassShare = influence.alignedShare(groups)
      values.classShare = influence.alignedShare(classes)
      values.robustAccuracy = DepthValues.radii.map { result.robustAccuracy(epsilon: $0) }
      values.twoSided = try DeepTwoSidedStudy(
        twoSided.inRepeat(seed: seed, first: first), norm: .l2, in: store.directory,
        name: store.name, seed: seed
      ).result(
        network, p: design.exponent, data: attacked, attacked: result.samples.map(\.radius)
      ) { report(0.8 + 0.2 * $0) }
      if values.twoSided != nil {
        let folder = try store.directory.folder("networks")
        try DeepModelFile.write(network, to: "\(folder.path)/\(store.name).safetensors")
      }
      return Measured(values, flags: result.flags)
    } catch { throw ExperimentError(error) }
  }

  /// The network, the loss of its last epoch, NaN where training diverged, its epochs and learning rate.
  private typealias Training = (
    network: DeepNetwork<Float>, loss: Double, epochs: Int, learningRate: Double
  )

  private func failure(_ training: Training) -> String {
    if training.loss.isNaN { return "training diverges at every learning rate" }
    return training.loss > Self.stalledLoss
      ? Self.stalls : "training does not fit the data in \(epochs) epochs"
  }

  /// The first of some trainings that fits, otherwise the one with the smallest loss.
  private func trained(
    _ initial: DeepNetwork<Float>, on data: Dataset, _ optimizers: [OptimizerConfiguration],
    seed: UInt64
  ) throws(TrainingError) -> Training {
    var best: Training?
    for optimizer in optimizers {
      var trainer = try DeepTrainer(
        network: initial, inputs: data.inputs, labels: data.labels,
        configuration: DeepTrainingConfiguration(
          loss: .exponential, optimizer: optimizer, schedule: .constant, epochs: epochs,
          batchSize: batchSize, seed: seed))
      var loss = Double.infinity
      while !trainer.isFinished, loss > stopLoss {
        if trainer.record.epochs.count >= patience, loss > Self.stalledLoss { break }
        // An epoch whose loss is no number throws, and ends the training.
        loss = (try? trainer.runEpoch().loss) ?? .nan
      }
      let training = (
        trainer.network, loss, trainer.record.epochs.count, optimizer.learningRate
      )
      if loss <= stopLoss { return training }
      if best.map({ $0.loss.isNaN || loss < $0.loss }) ?? true { best = training }
    }
    return best!
  }
}

extension DeepNetwork<Double> {
  /// log10 of the length of the gradient of the exponential loss with respect to all weights.
  fileprivate func lengthOfGradient(inputs: Matrix<Double>, labels: [Int]) -> Double {
    let gradient = parameterGradient(inputs: inputs, labels: labels, loss: .exponential)
    let squares = gradient.parameters.map { $0.elements.reduce(0) { $0 + $1 * $1 } }
    return log10(squares.reduce(0, +)) / 2
  }
}

extension DeepNetwork<Float> {
  /// The same classifier with outputs of mean size 1/2 to 1 on `inputs`: its last layer, without biases,
  /// multiplied by a power of two. Attacks that follow losses lose their gradients where outputs are large.
  fileprivate func withOutputsOfOrderOne(_ inputs: Matrix<Float>) -> DeepNetwork {
    let sum = logits(inputs).elements.reduce(0.0) { $0 + Double(abs($1)) }
    let mean = sum / Double(inputs.rows)
    guard mean > 0, mean.isFinite else { return self }
    var result = self
    let factor = Float(pow(2, Double(-mean.exponent - 1)))
    let last = parameters.count - 1
    for k in parameters[last].elements.indices { result.parameters[last].elements[k] *= factor }
    return result
  }
}
