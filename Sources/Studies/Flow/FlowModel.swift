import Foundation
import LinearCore
import Networks
import Runs
import Training

/// The network of a flow, whose weights may be of any size: as a file keeps it, and as single precision computes
/// with it.
package struct FlowModel: Sendable {
  /// What is written: in single precision where this holds the weights, otherwise in double precision.
  package let stored: StoredModel
  /// The network in single precision: that of ``stored``, or a multiple of it of the same directions, classes and
  /// shares of contributions.
  package let network: PReLUNetwork<Float>
  /// What contributions of ``network`` are to be multiplied by.
  package let contributionScale: Double
  /// What is said where even double precision does not hold the weights.
  package let warning: String?

  /// log ||w|| from which on products of two weights are in the range of double precision.
  private static let smallestLogNorm = -340.0

  init(_ state: FlowState) {
    let isHeld = state.largestLogNorm > Self.smallestLogNorm
    let exact = state.network(logScale: isHeld ? 0 : -state.largestLogNorm)
    warning =
      isHeld
      ? nil
      : "the weights, of size e^\(String(format: "%.0f", state.largestLogNorm)), are below double precision; the "
        + "model holds them divided by that"
    stored = StoredModel(ModelFile.held(exact))
    guard stored.extreme != nil, let scaled = try? ScaledNetwork(exact) else {
      // A bias that dwarfs the weights: outputs are the bias.
      (network, contributionScale) = (exact.converted(to: Float.self), 1)
      return
    }
    network = scaled.network
    contributionScale = scalbn(1, scaled.contributionExponent)
  }
}
