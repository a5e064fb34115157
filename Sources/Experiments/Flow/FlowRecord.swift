import Alignment
import LinearCore
import Networks
import Training

/// What a gradient flow looks like at one time.
public struct FlowRecord: Codable, Sendable, Equatable {
  /// The time of the flow.
  public let time: Double
  /// "alignment", "fitting" or "convergence".
  public let phase: String
  /// Mean training loss.
  public let loss: Double
  /// Accuracy on the training data.
  public let accuracy: Double
  /// The largest |f| on the training data.
  public let largestOutput: Double
  /// The smallest classification margin on the training data.
  public let smallestMargin: Double
  /// log of the sum of all contributions ||v_j|| ||w_j||.
  public let logTotalContribution: Double
  /// Neurons that hold 99% of all contributions.
  public let effectiveNeurons: Int
  /// Neurons that are silent on all training data: they never move again.
  public let deadNeurons: Int
  /// Pairs of a neuron and a sample that changed between active and silent since the last record.
  public internal(set) var patternFlips: Int
  /// Quartiles over living neurons of the cosine to the closest subclass centre.
  public let subclassCosines: Quartiles?
  /// Quartiles over living neurons of the cosine to the closest class mean.
  public let classCosines: Quartiles
  /// The median over the dominant neurons of the cosine to the closest subclass centre.
  public let dominantSubclassCosine: Double?
  /// ||W||_F^2 / ||W||_2^2 of the hidden weights.
  public let weightStableRank: Double
  /// The same of the hidden features of the training data.
  public let featureStableRank: Double
  /// Largest relative change of ||w||^2 - ||v||^2 since the start; exact flow has 0.
  public let balancednessDrift: Double
  /// Distance to the ideal classifier on the sphere, where it is measured.
  public internal(set) var idealDistance: Double?
}

/// Lower quartile, median and upper quartile.
public struct Quartiles: Codable, Sendable, Equatable {
  /// A quarter of the values is not larger.
  public let lower: Double
  /// Half of them.
  public let median: Double
  /// Three quarters.
  public let upper: Double

  /// The quartiles of some numbers, interpolated linearly between neighbours; NaN for none.
  public init(_ values: [Double]) {
    let sorted = values.sorted()
    func quantile(_ share: Double) -> Double {
      guard let last = sorted.last else { return .nan }
      let position = share * Double(sorted.count - 1)
      let index = Int(saturating: position)
      guard index + 1 < sorted.count else { return last }
      return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
    }
    lower = quantile(0.25)
    median = quantile(0.5)
    upper = quantile(0.75)
  }
}

/// What every neuron does at one time.
public struct NeuronSnapshot: Sendable, Equatable {
  /// log ||v_j|| ||w_j||; minus infinity where v_j is 0.
  public var logContributions: [Float]
  /// Cosines to the reference directions, (neurons, directions).
  public var cosines: Matrix<Float>
}
