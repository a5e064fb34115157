import Datasets
import Foundation
import Networks
import Runs
import Studies
import Training

/// What is measured of a training and of the network that it has made.
struct TrainingValues<Study: Codable & Sendable>: Codable, Sendable {
  /// When outputs or directions end the alignment phase, in the time of the flow; infinite where they do not. NaN where
  /// nobody has looked.
  var alignmentTime: Double
  /// When the loss is a tenth of a silent network's; infinite where it never is.
  var fittingTime: Double
  /// Steps of the integrator or of the optimiser.
  var steps: Double
  /// The training loss at the times asked for; NaN after the end.
  var loss: [Double]
  /// Of the network, where it has fitted its data.
  var network: Study?

  static var alignmentTime: Metric<Self> {
    Metric(\.alignmentTime, "alignmentTime", heading: "time to align", digits: 0)
  }
  static var fittingTime: Metric<Self> {
    Metric(\.fittingTime, "fittingTime", heading: "time to fit", digits: 0)
  }
}

extension TrainingValues: Equatable where Study: Equatable {}

/// A network trained on a mixture by gradient flow, and measured.
struct FlowTraining: Codable, Sendable, Equatable {
  var mixture: OrthonormalMixture
  var hiddenWidth: Int
  /// The standard deviation of the initial weights.
  var initialScale = 1e-7
  /// The loss, and when its integration ends.
  var flow: FlowConfiguration
  /// Test samples that are attacked.
  var attackedSamples: Int

  /// Floating-point operations that take all samples forward and back once.
  var workOfPass: Double {
    4 * Double(mixture.samples) * Double(mixture.dimension) * Double(hiddenWidth)
  }

  /// In words, for a report.
  var sizes: String {
    "D = \(mixture.dimension), K = \(mixture.subclasses), alpha = \(mixture.alpha), "
      + "\(mixture.samples) samples, width \(hiddenWidth), initialisation \(initialScale), "
      + "gradient flow of the \(flow.loss) loss"
  }

  /// The network before training.
  func model(exponent: Double) -> ModelConfiguration {
    ModelConfiguration(
      exponent: exponent, hiddenWidth: hiddenWidth,
      initialization: .gaussian(scale: initialScale))
  }

  /// Trains, inspects and attacks.
  /// - Parameter lossTimes: where the loss is recorded, in rising order.
  func measure(exponent: Double, seed: UInt64, lossTimes: [Double] = []) throws(ExperimentError)
    -> Measured<TrainingValues<NetworkValues>>
  {
    try measure(exponent: exponent, seed: seed, lossTimes: lossTimes) {
      (network, train, attacked) throws(ExperimentError) in
      try NetworkValues.measure(network, train: train, attacked: attacked, seed: seed)
    }
  }

  /// Trains, and leaves what is measured of a network that has fitted its data to `study`, which gets the
  /// network, the training data and the samples to attack. A flow that ended before is a failure.
  func measure<Study>(
    exponent: Double, seed: UInt64, lossTimes: [Double] = [],
    study: (PReLUNetwork<Float>, Dataset, Dataset) throws(ExperimentError) -> Measured<Study>
  ) throws(ExperimentError) -> Measured<TrainingValues<Study>> {
    let (train, attacked) = try mixture.data(seed: seed, attackedSamples: attackedSamples)
    let configuration = FlowRunConfiguration(
      data: DatasetRequest(data: "mixture", mixture: mixture, seed: seed),
      model: model(exponent: exponent), flow: flow, seed: seed)
    let integration = try configuration.makeFlow(data: train)
    var losses: [Double] = []
    while integration.ending == nil {
      integration.advance()
      while losses.count < lossTimes.count, lossTimes[losses.count] <= integration.time {
        losses.append(integration.observation(at: lossTimes[losses.count]).loss)
      }
    }
    losses += Array(repeating: .nan, count: lossTimes.count - losses.count)
    var values = TrainingValues<Study>(
      alignmentTime: integration.phases.alignmentTime ?? .infinity,
      fittingTime: integration.phases.fittingTime ?? .infinity,
      steps: Double(integration.statistics.accepted), loss: losses)
    guard integration.ending == .stopLoss else {
      let ending = integration.ending?.rawValue ?? "unfinished"
      return Measured(
        values,
        failure: "gradient flow has not fitted the data: \(ending) at time "
          + String(format: "%.3g", integration.time) + ", loss "
          + String(format: "%.3g", integration.observation.loss))
    }
    let found = try study(integration.state.network().converted(to: Float.self), train, attacked)
    values.network = found.values
    return Measured(values, flags: found.flags, failure: found.failure)
  }
}
