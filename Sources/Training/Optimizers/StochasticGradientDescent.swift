import LinearCore
import Networks

/// Stochastic gradient descent with PyTorch's momentum,
///
///     d = gradient + weightDecay w,   b <- momentum b + d,
///     w <- w - learningRate (nesterov ? d + momentum b : b).
package final class StochasticGradientDescent<Scalar: LinearScalar>: Optimizer {
  /// The number of steps taken.
  package var stepCount = 0
  /// What a schedule multiplies the learning rate by.
  package var rateFactor = 1.0
  /// "velocity.<group>" with momentum, nothing without.
  package let moments: [String: MomentBuffer<Scalar>]

  private let baseRate: Double
  private var rate: Scalar
  private let momentum: Scalar
  private let nesterov: Bool
  private let decay: Scalar

  /// An optimiser for parameter groups of the given sizes.
  package init(
    learningRate: Double, momentum: Double, nesterov: Bool, weightDecay: Double,
    sizes: [ParameterGroup: Int]
  ) {
    baseRate = learningRate
    rate = Scalar(learningRate)
    self.momentum = Scalar(momentum)
    self.nesterov = nesterov
    decay = Scalar(weightDecay)
    moments =
      momentum == 0
      ? [:]
      : Dictionary(
        uniqueKeysWithValues: sizes.map { ("velocity.\($0.rawValue)", MomentBuffer(count: $1)) })
  }

  /// Counts the step and sets its learning rate.
  package func beginStep() {
    stepCount += 1
    rate = Scalar(baseRate * rateFactor)
  }

  /// One element at a time.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func update(
    _ group: ParameterGroup, offset: Int, count: Int, values: UnsafeMutablePointer<Scalar>,
    gradient: UnsafePointer<Scalar>
  ) {
    // Copied: a property would be read anew for every element.
    let (rate, decay) = (rate, decay)
    guard let velocity = moments["velocity.\(group.rawValue)"] else {
      for i in 0..<count { values[i] -= rate * (gradient[i] + decay * values[i]) }
      return
    }
    let buffer = velocity.base + offset
    for i in 0..<count {
      let d = gradient[i] + decay * values[i]
      buffer[i] = momentum * buffer[i] + d
      values[i] -= rate * (nesterov ? d + momentum * buffer[i] : buffer[i])
    }
  }

  /// Without Nesterov momentum the gradient goes straight into the weights or the velocity.
  package func updateHidden(_ gradient: HiddenGradient<Scalar>) {
    let count = gradient.neurons.count * gradient.dimension
    let offset = gradient.neurons.lowerBound * gradient.dimension
    guard let velocity = moments["velocity.\(ParameterGroup.hiddenWeights.rawValue)"] else {
      gradient.accumulate(into: gradient.weights, alpha: -rate, beta: 1 - rate * decay)
      return
    }
    if nesterov {
      withUnsafeTemporaryAllocation(of: Scalar.self, capacity: count) { scratch in
        gradient.accumulate(into: scratch.baseAddress!, alpha: 1, beta: 0)
        update(
          .hiddenWeights, offset: offset, count: count, values: gradient.weights,
          gradient: scratch.baseAddress!)
      }
      return
    }
    let buffer = velocity.base + offset
    gradient.accumulate(into: buffer, alpha: 1, beta: momentum)
    if decay != 0 { Scalar.add(count, decay, gradient.weights, to: buffer) }
    Scalar.add(count, -rate, buffer, to: gradient.weights)
  }
}
