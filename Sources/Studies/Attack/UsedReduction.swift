import Attacks
import Foundation
import LinearCore
import Runs

/// The reduction that a network was attacked in, as results store it.
package struct UsedReduction: Codable, Sendable, Equatable {
  /// The network's degree.
  package let p: Double
  /// The seed of its repeat.
  package let seed: UInt64
  /// Hidden neurons left, and those of the network.
  package let neurons: Int
  /// Hidden neurons of the network.
  package let originalNeurons: Int
  /// Dimensions that were attacked in.
  package let dimensions: Int
  /// Input coordinates of the network.
  package let originalDimensions: Int
  /// B in |f(x) - f_reduced(x)| <= B ||x - center||^p.
  package let errorBound: Double
  /// The most by which it may have moved a radius, to first order.
  package let radiusUncertainty: Double

  /// The reduction of a result; nil where the network was attacked as it is.
  package init?<Scalar: LinearScalar>(_ result: RobustnessResult<Scalar>, p: Double, seed: UInt64) {
    guard let reduction = result.reduction else { return nil }
    self.p = p
    self.seed = seed
    neurons = reduction.neurons
    originalNeurons = reduction.originalNeurons
    dimensions = reduction.rank
    originalDimensions = reduction.originalDimension
    errorBound = reduction.errorBound
    radiusUncertainty = result.radiusUncertainty ?? 0
  }

  /// One sentence on the reductions of several networks; nil where there are none.
  package static func sentence(_ all: [UsedReduction]) -> String? {
    guard let first = all.first else { return nil }
    func range(_ value: (UsedReduction) -> Int) -> String {
      let values = all.map(value)
      let (least, most) = (values.min()!, values.max()!)
      return least == most ? "\(least)" : "\(least) to \(most)"
    }
    let uncertainty = all.map(\.radiusUncertainty).max()!
    let degrees = Set(all.map(\.p)).sorted().map {
      $0 == $0.rounded() ? "\(Int(saturating: $0))" : "\($0)"
    }
    return "Networks of p = \(degrees.joined(separator: ", ")) were attacked in "
      + "\(range(\.dimensions)) of \(first.originalDimensions) dimensions, with \(range(\.neurons)) of "
      + "\(first.originalNeurons) neurons; that may have moved a radius by at most "
      + "\(String(format: "%.1e", uncertainty)). Every perturbation was evaluated anew on the "
      + "network itself."
  }
}
