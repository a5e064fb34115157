import Datasets
import Foundation
import Networks
import Runs
import Studies
import Training

/// Trains a network on a mixture by gradient flow, and measures it: a run of the sweeps that ask what
/// gradient flow learns.
struct FlowMeasurement: Codable, Sendable, Equatable {
  /// The data.
  var mixture: OrthonormalMixture
  /// Hidden neurons.
  var hiddenWidth: Int
  /// The standard deviation of the initial weights.
  var initialScale = 1e-7
  /// The loss, and when its integration ends.
  var flow: FlowConfiguration
  /// Test samples that are attacked.
  var attackedSamples: Int

  /// The end of the alignment phase.
  static let alignmentTime = SweepMetric("alignmentTime", heading: "time to align", digits: 0)
  /// The end of the fitting phase.
  static let fittingTime = SweepMetric("fittingTime", heading: "time to fit", digits: 0)

  /// The curve of the training loss.
  static let lossCurve = "loss"

  /// Floating-point operations that take all samples forward and back once.
  var workOfPass: Double {
    4 * Double(mixture.samples) * Double(mixture.dimension) * Double(hiddenWidth)
  }

  /// The network before training; that of the flow up to rounding.
  func model(exponent: Double) -> ModelConfiguration {
    ModelConfiguration(
      exponent: exponent, hiddenWidth: hiddenWidth,
      initialization: .gaussian(scale: initialScale))
  }

  /// Trains and measures with ``NetworkMeasurement``.
  ///
  /// A flow that ended before its loss was reached is a failure with its times and structure, and no
  /// radius.
  ///
  /// - Parameter lossTimes: where the curve ``lossCurve`` is recorded, in rising order; NaN after the end.
  func measure(exponent: Double, seed: UInt64, lossTimes: [Double] = [])
    throws(ExperimentError) -> SweepMeasurement
  {
    let measurement = NetworkMeasurement(mixture: mixture, attackedSamples: attackedSamples)
    return try measure(exponent: exponent, seed: seed, lossTimes: lossTimes) {
      (network, train, attacked) throws(ExperimentError) in
      try measurement.measure(network, train: train, attacked: attacked, seed: seed)
    }
  }

  /// Trains, and leaves what is measured of a network that has fitted its data to `study`, which gets the
  /// network, the training data and the samples to attack.
  func measure(
    exponent: Double, seed: UInt64, lossTimes: [Double] = [],
    study: (PReLUNetwork<Float>, Dataset, Dataset) throws(ExperimentError) -> SweepMeasurement
  ) throws(ExperimentError) -> SweepMeasurement {
    let (train, attacked) = try NetworkMeasurement(
      mixture: mixture, attackedSamples: attackedSamples
    ).data(seed: seed)
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
    let curves = lossTimes.isEmpty ? [:] : [Self.lossCurve: losses]
    let times = [
      Self.alignmentTime.key: integration.phases.alignmentTime ?? .infinity,
      Self.fittingTime.key: integration.phases.fittingTime ?? .infinity,
      "steps": Double(integration.statistics.accepted),
    ]
    guard integration.ending == .stopLoss else {
      let ending = integration.ending?.rawValue ?? "unfinished"
      return SweepMeasurement(
        metrics: times, curves: curves,
        failure: "gradient flow has not fitted the data: \(ending) at time "
          + String(format: "%.3g", integration.time) + ", loss "
          + String(format: "%.3g", integration.observation.loss))
    }
    let network = integration.state.network().converted(to: Float.self)
    var result = try study(network, train, attacked)
    result.metrics.merge(times) { first, _ in first }
    result.curves = curves
    return result
  }
}
