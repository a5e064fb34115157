import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Trains a network by steps of an optimiser from the same initial weights as a gradient flow, up to the
/// same loss, and measures it in the same way.
struct DescentTraining {
  var flow: FlowTraining
  var optimizer: OptimizerConfiguration
  /// Samples a step; nil takes all.
  var batchSize: Int?
  /// The training is given up after so many steps.
  var maximumSteps: Int

  /// Trains and measures. Time is steps times ``OptimizerConfiguration/timeOfStep``.
  ///
  /// The loss on all training data is evaluated after the first step at or behind each of `lossTimes`;
  /// that is where training may end, so they should be close to each other. A training that diverges or
  /// has not reached the loss at the end is a failure without a radius.
  ///
  /// - Parameter lossTimes: in rising order, up to the end of time; the curve
  ///   ``TrainingValues/loss`` has the loss at each, between evaluations by a line in its logarithm,
  ///   and NaN after the end.
  func measure(exponent: Double, seed: UInt64, lossTimes: [Double]) throws(ExperimentError)
    -> Measured<TrainingValues<NetworkValues>>
  {
    let (train, attacked) = try flow.mixture.data(
      seed: seed, attackedSamples: flow.attackedSamples)
    let training = TrainingConfiguration(
      loss: flow.flow.loss, optimizer: optimizer, batchSize: batchSize ?? train.count, seed: seed)
    var course = DescentCourse(
      try Trainer<Float>(data: train, model: flow.model(exponent: exponent), training: training),
      train, stopLoss: flow.flow.stopLoss ?? 0, lossTimes: lossTimes)
    let ending = course.run(maximumSteps: maximumSteps)
    var values = TrainingValues<NetworkValues>(
      alignmentTime: .nan, fittingTime: course.fittingTime ?? .infinity,
      steps: Double(course.steps),
      loss: course.losses
        + Array(repeating: .nan, count: lossTimes.count - course.losses.count))
    guard ending == .stopLoss else {
      return Measured(
        values,
        failure: "\(ending.rawValue) at time \(String(format: "%.3g", course.time)) (loss "
          + "\(String(format: "%.3g", course.loss)))")
    }
    let found = try NetworkValues.measure(
      course.trainer.network, train: train, attacked: attacked, seed: seed)
    values.network = found.values
    return Measured(values, flags: found.flags)
  }
}

/// A training on the way to a loss.
private struct DescentCourse {
  enum Ending: String {
    case stopLoss = "loss reached"
    case diverged = "training diverged"
    case notFitted = "training has not fitted the data"
  }

  private(set) var trainer: Trainer<Float>
  /// The loss at the times passed so far.
  private(set) var losses: [Double] = []
  /// When the loss was a tenth of a silent network's.
  private(set) var fittingTime: Double?
  private(set) var steps = 0
  /// The last evaluation.
  private(set) var time = 0.0
  private(set) var loss = Double.nan

  private let inputs: PreparedInputs<Float>
  private let labels: [Int]
  private let silentLoss: Double
  private let stopLoss: Double
  private let lossTimes: [Double]

  init(_ trainer: Trainer<Float>, _ train: Dataset, stopLoss: Double, lossTimes: [Double]) {
    self.trainer = trainer
    self.lossTimes = lossTimes
    silentLoss = trainer.configuration.loss.ofSilentNetwork(outputCount: 1)
    self.stopLoss = stopLoss * silentLoss
    inputs = trainer.network.prepare(train.inputs)
    labels = train.labels
    loss = trainingLoss
  }

  private var trainingLoss: Double {
    trainer.configuration.loss.mean(trainer.network.logits(prepared: inputs), labels: labels)
  }

  mutating func run(maximumSteps: Int) -> Ending {
    let timeOfStep = trainer.configuration.optimizer.timeOfStep
    var epoch = 0
    while steps < maximumSteps {
      epoch += 1
      for batch in trainer.batches(ofEpoch: epoch) {
        guard steps < maximumSteps, losses.count < lossTimes.count else { return .notFitted }
        trainer.step(batch)
        steps += 1
        if let ending = evaluate(at: Double(steps) * timeOfStep) { return ending }
      }
    }
    return .notFitted
  }

  /// Evaluates the loss after a step where one of the times has been reached.
  private mutating func evaluate(at now: Double) -> Ending? {
    guard now >= lossTimes[losses.count] else { return nil }
    let last = (time: time, loss: loss)
    (time, loss) = (now, trainingLoss)
    guard loss.isFinite, trainer.network.hiddenWeights.isFinite() else { return .diverged }
    let fall = log(loss / last.loss)
    while losses.count < lossTimes.count, lossTimes[losses.count] <= now {
      let share = (lossTimes[losses.count] - last.time) / (now - last.time)
      losses.append(last.loss * exp(share * fall))
    }
    let fitted = FlowPhases.fittedLoss * silentLoss
    if fittingTime == nil, loss <= fitted {
      fittingTime = last.time + log(fitted / last.loss) / fall * (now - last.time)
    }
    return loss <= stopLoss ? .stopLoss : nil
  }
}
