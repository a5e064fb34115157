import Alignment
import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Trains a fully connected network of some design on a mixture until it fits, and measures it: a run of
/// ``DeepMixtureExperiment``.
struct DepthMeasurement: Codable, Sendable, Equatable {
  /// From which weights, and by which steps.
  enum Start: String, Codable, Sendable, CaseIterable {
    /// Plain stochastic gradient descent from small weights: the case of the theory.
    case small = "small, SGD"
    /// The same from weights of the usual size.
    case standard = "standard, SGD"
    /// Adam from weights of the usual size.
    case adam = "standard, Adam"
  }

  /// The data.
  var mixture: OrthonormalMixture
  /// What small initial weights are smaller than the usual ones by.
  var smallScale = 0.03
  /// Learning rates of plain descent. The smallest with which training fits is taken: the closest to gradient
  /// flow that the number of epochs allows.
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

  /// Above this loss training has stalled: the network has learned at most the frequencies of the classes.
  static let stalledLoss = 0.9

  /// What a run says that has not learned.
  static let stalls = "training stalls"

  /// log10 of the root mean square output before training.
  static let signal = SweepMetric("signal", heading: "log10 output at start", digits: 1)
  /// log10 of the length of the loss's gradient with respect to all weights before training.
  static let gradient = SweepMetric("gradient", heading: "log10 gradient at start", digits: 1)
  /// The mean loss of the last epoch.
  static let loss = SweepMetric("loss", digits: 4)
  /// Epochs trained.
  static let epochs = SweepMetric("epochs", digits: 0)
  /// The learning rate taken.
  static let learningRate = SweepMetric("learningRate", heading: "rate", digits: 3)
  /// The share of all influence on the output that first-layer neurons have with a cosine above 0.9 to a
  /// subclass centre.
  static let subclassShare = SweepMetric("subclassShare", heading: "share at subclasses", digits: 2)
  /// The same to a class mean.
  static let classShare = SweepMetric("classShare", heading: "share at classes", digits: 2)

  func scale(_ start: Start) -> Double { start == .small ? smallScale : 1 }

  private func optimizers(_ start: Start) -> [OptimizerConfiguration] {
    start == .adam
      ? adamRates.map { .adam(learningRate: $0) } : descentRates.map { .sgd(learningRate: $0) }
  }

  /// Trains and measures. Training that does not fit is a failure with what was measured before it, and no
  /// radius.
  func measure(
    _ design: DenseDesign, _ start: Start, seed: UInt64,
    report: @escaping @Sendable (Double) -> Void
  ) throws(ExperimentError) -> SweepMeasurement {
    let (train, attacked) = try NetworkMeasurement(
      mixture: mixture, attackedSamples: attackedSamples
    ).data(seed: seed)
    do {
      let initial = try DeepNetwork<Float>(
        architecture: design.architecture(
          dimension: mixture.dimension, outputs: 1, hasBias: false),
        scale: scale(start), stream: RandomStream(seed: seed).child("initialisation"))
      var metrics = try startMetrics(initial, train)
      let training = try trained(initial, on: train, optimizers(start), seed: seed)
      report(0.4)
      metrics[Self.loss.key] = training.loss
      metrics[Self.epochs.key] = Double(training.epochs)
      metrics[Self.learningRate.key] = training.learningRate
      guard training.loss <= stopLoss else {
        return SweepMeasurement(metrics: metrics, failure: failure(training))
      }
      let network = training.network.withOutputsOfOrderOne(train.inputs)
      let influence = try LayerInfluence(
        network, inputs: train.inputs, directions: train.referenceDirections(center: nil))
      metrics.merge(influence.metrics) { $1 }
      let result = try RobustnessStudy(seed: seed).run(
        classifier: network, data: attacked, reference: train,
        progress: ProgressReporter { report(0.4 + 0.6 * $0) })
      var measurement = SweepMeasurement(metrics: metrics)
      measurement.take(result)
      return measurement
    } catch { throw ExperimentError(error) }
  }

  /// Output and gradient before training, in double precision.
  private func startMetrics(_ network: DeepNetwork<Float>, _ train: Dataset) throws(NetworkError)
    -> [String: Double]
  {
    let network = network.converted(to: Double.self)
    let samples = train.prefix(200)
    let inputs = samples.inputs.converted(to: Double.self)
    let gradient = network.parameterGradient(
      inputs: inputs, labels: samples.labels, loss: .exponential)
    let squares = gradient.parameters.map { tensor in
      tensor.elements.reduce(0) { $0 + $1 * $1 }
    }
    return [
      Self.signal.key: try SignalScale.measured(network, inputs: inputs),
      Self.gradient.key: log10(squares.reduce(0, +)) / 2,
    ]
  }

  private func failure(_ training: TrainedNetwork) -> String {
    if training.loss.isNaN { return "training diverges at every learning rate" }
    return training.loss > Self.stalledLoss
      ? Self.stalls : "training does not fit the data in \(epochs) epochs"
  }

  /// How a training has ended.
  private struct TrainedNetwork {
    let network: DeepNetwork<Float>
    /// NaN where it diverged.
    let loss: Double
    let epochs: Int
    let learningRate: Double
  }

  /// The first of some trainings that fits, otherwise the one with the smallest loss.
  private func trained(
    _ initial: DeepNetwork<Float>, on data: Dataset, _ optimizers: [OptimizerConfiguration],
    seed: UInt64
  ) throws -> TrainedNetwork {
    var best: TrainedNetwork?
    for optimizer in optimizers {
      let training = try trained(initial, on: data, optimizer, seed: seed)
      if training.loss <= stopLoss { return training }
      if best.map({ $0.loss.isNaN || training.loss < $0.loss }) ?? true { best = training }
    }
    return best!
  }

  private func trained(
    _ initial: DeepNetwork<Float>, on data: Dataset, _ optimizer: OptimizerConfiguration,
    seed: UInt64
  ) throws(TrainingError) -> TrainedNetwork {
    var trainer = try DeepTrainer(
      network: initial, inputs: data.inputs, labels: data.labels,
      configuration: DeepTrainingConfiguration(
        loss: .exponential, optimizer: optimizer, schedule: .constant, epochs: epochs,
        batchSize: batchSize, seed: seed))
    var loss = Double.infinity
    while !trainer.isFinished, loss > stopLoss {
      if trainer.record.epochs.count >= patience, loss > Self.stalledLoss { break }
      loss = epochLoss(&trainer)
    }
    return TrainedNetwork(
      network: trainer.network, loss: loss, epochs: trainer.record.epochs.count,
      learningRate: optimizer.learningRate)
  }

  /// The mean loss of one more epoch; NaN, which ends a training, where it is not finite.
  private func epochLoss(_ trainer: inout DeepTrainer<Float>) -> Double {
    (try? trainer.runEpoch().loss) ?? .nan
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

extension LayerInfluence {
  /// What ``DepthMeasurement`` keeps.
  fileprivate var metrics: [String: Double] {
    let (groups, classes) = (directions.groupRange, directions.classRange)
    return [
      NetworkMeasurement.effectiveNeurons.key: Double(dominant().count),
      NetworkMeasurement.subclassCosine.key: medianBestCosine(groups),
      NetworkMeasurement.classCosine.key: medianBestCosine(classes),
      NetworkMeasurement.subclassesFound.key: Double(directionsFound(groups)),
      DepthMeasurement.subclassShare.key: alignedShare(groups),
      DepthMeasurement.classShare.key: alignedShare(classes),
    ]
  }
}
