import Alignment
import LinearCore
import Networks
import Runs
import Training

/// What a gradient flow looks like at one time.
package struct FlowRecord: Codable, Sendable, Equatable {
  /// The time of the flow.
  package let time: Double
  /// "alignment", "fitting" or "convergence".
  package let phase: String
  /// Mean training loss.
  package let loss: Double
  /// Accuracy on the training data.
  package let accuracy: Double
  /// The largest |f| on the training data.
  package let largestOutput: Double
  /// The smallest classification margin on the training data.
  package let smallestMargin: Double
  /// log of the sum of all contributions ||v_j|| ||w_j||.
  package let logTotalContribution: Double
  /// Neurons that hold 99% of all contributions.
  package let effectiveNeurons: Int
  /// Neurons that are silent on all training data: they never move again.
  package let deadNeurons: Int
  /// Pairs of a neuron and a sample that changed between active and silent since the last record.
  package internal(set) var patternFlips: Int
  /// Quartiles over living neurons of the cosine to the closest subclass centre.
  package let subclassCosines: Quartiles?
  /// Quartiles over living neurons of the cosine to the closest class mean.
  package let classCosines: Quartiles
  /// The median over the dominant neurons of the cosine to the closest subclass centre.
  package let dominantSubclassCosine: Double?
  /// ||W||_F^2 / ||W||_2^2 of the hidden weights.
  package let weightStableRank: Double
  /// The same of the hidden features of the training data.
  package let featureStableRank: Double
  /// Largest relative change of ||w||^2 - ||v||^2 since the start; exact flow has 0.
  package let balancednessDrift: Double
  /// Distance to the ideal classifier on the sphere, where it is measured.
  package internal(set) var idealDistance: Double?
}

/// Lower quartile, median and upper quartile.
package struct Quartiles: Codable, Sendable, Equatable {
  /// A quarter of the values is not larger.
  package let lower: Double
  /// Half of them.
  package let median: Double
  package let upper: Double

  /// The quartiles of some numbers, interpolated linearly between neighbours; NaN for none.
  package init(_ values: [Double]) {
    lower = quantile(values, 0.25) ?? .nan
    median = quantile(values, 0.5) ?? .nan
    upper = quantile(values, 0.75) ?? .nan
  }
}

/// What every neuron does at one time.
package struct NeuronSnapshot: Sendable, Equatable {
  /// log ||v_j|| ||w_j||; minus infinity where v_j is 0.
  package var logContributions: [Float]
  /// Cosines to the reference directions, (neurons, directions).
  package var cosines: Matrix<Float>
}
