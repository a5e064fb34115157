import ArgumentParser
import Datasets
import Experiments
import Foundation
import Networks
import Runs
import Studies
import Training

/// What only `--optimizer gradient-flow` takes.
struct FlowOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Stop at this time of the flow; SGD gets there in time/rate steps. (default: 1e6)",
    transform: ArgumentText.amount)
  var time: Double?

  @Option(
    parsing: .unconditional,
    help: "Stop at this share of the loss of a network with output 0. (default: 0.01)",
    transform: ArgumentText.number)
  var stopLoss: Double?

  @Option(
    parsing: .unconditional,
    help: "Error allowed in a step; below 1e-5 products are in double precision. (default: 1e-5)",
    transform: ArgumentText.number)
  var tolerance: Double?

  @Option(
    help: "The method: dormand-prince, tsitouras or bogacki-shampine. (default: dormand-prince)")
  var integrator: String?

  @Option(help: "Precision of products: automatic, float or double. (default: automatic)")
  var precision: FlowConfiguration.Precision?

  @Option(
    help: "Times to record, such as 0,10,100. (default: spread over the steps)",
    transform: EpsilonList.parse)
  var recordAt: EpsilonList?

  @Flag(help: "Also find the extremal vectors of the direction flow: results/extremal.csv.")
  var extremalVectors = false

  /// The first option that was given, for the error of a training that does not take any.
  var firstGiven: String? {
    let given: [(String, Bool)] = [
      ("time", time != nil), ("stop-loss", stopLoss != nil), ("tolerance", tolerance != nil),
      ("integrator", integrator != nil), ("precision", precision != nil),
      ("record-at", recordAt != nil), ("extremal-vectors", extremalVectors),
    ]
    return given.first { $0.1 }?.0
  }

  /// The settings, with the defaults.
  func configuration(loss: Loss) -> FlowConfiguration {
    var result = FlowConfiguration(loss: loss)
    result.method = integrator ?? result.method
    result.tolerance = tolerance ?? result.tolerance
    result.precision = precision ?? result.precision
    result.endTime = time ?? result.endTime
    result.stopLoss = stopLoss ?? result.stopLoss
    return result
  }
}

extension FlowConfiguration.Precision: ExpressibleByArgument {}
