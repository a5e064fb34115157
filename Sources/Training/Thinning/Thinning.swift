/// Leaves out work of stochastic gradient descent that does not change its result, up to stated
/// tolerances; see ``ThinningRecord`` for what was left out.
///
/// Neurons from small initial weights soon fall into two kinds, and either needs less than a step of its
/// own for every batch:
///
/// - *Proportional neurons.* Where (w_j, v_j) = c_j (w, v), c_j > 0, this stays so for ever, because the
///   feature is homogeneous of degree 1 in w_j: the gradients with respect to w_j and v_j are c_j times
///   those of (w, v). One neuron with the multiplicity sum_j c_j^2 stands for all of them.
/// - *Waiting neurons.* Neurons whose contributions |v_j| ||w_j|| add up to less than rounding shows, and
///   which hardly move within an epoch, are moved once in a number of epochs, by all that the batches
///   between have done to the samples' derivatives.
///
/// Both are found anew while training goes on. Only plain stochastic gradient descent is thinned: momentum
/// and Adam keep averages of every weight.
public struct Thinning: Sendable, Codable, Equatable {
  /// How far from proportional merged neurons may be: ||(w_j, v_j) - c_j (w, v)|| / ||(w_j, v_j)|| for the
  /// largest neuron of a group, more for smaller ones. Where the activation is smooth, outputs change by its
  /// square only, as (w, v) is the mean weighted by c_j.
  public var proportionality: Double
  /// What all waiting neurons together may add to the margin of a sample.
  public var waitingMargin: Double
  /// How far a waiting neuron may move between two updates, as a share of its size.
  public var waitingChange: Double

  /// Tolerances; by default those at which rounding in single precision is the larger error.
  public init(
    proportionality: Double = 1e-4, waitingMargin: Double = 1e-6, waitingChange: Double = 0.01
  ) {
    self.proportionality = proportionality
    self.waitingMargin = waitingMargin
    self.waitingChange = waitingChange
  }

  /// - Throws: ``TrainingError`` naming the tolerance that is out of range.
  func validate() throws(TrainingError) {
    let values = [
      ("thinning.proportionality", proportionality), ("thinning.waitingMargin", waitingMargin),
      ("thinning.waitingChange", waitingChange),
    ]
    for (name, value) in values where !(value >= 0 && value <= 0.1) {
      throw .invalid(field: name, found: "\(value)", expected: "a number in [0, 0.1]")
    }
  }
}

/// What thinning has left out of a run so far.
package struct ThinningRecord: Sendable, Codable, Equatable {
  /// Neurons that were moved in a step, summed over all epochs, as a share of all neurons: 1 epoch of all
  /// counts 1, updates of waiting neurons included.
  package var epochsOfWork = 0.0
  /// The most that waiting neurons together could have added to the margin of a sample, when they
  /// were moved.
  package var largestWaitingMargin = 0.0
  /// The farthest that a waiting neuron moved at once, as a share of its size.
  package var largestWaitingChange = 0.0
  /// The largest distance of a merged neuron from proportionality, as a share of its size.
  package var largestDisproportion = 0.0

  package init() {}
}
