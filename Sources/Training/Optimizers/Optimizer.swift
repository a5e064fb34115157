import DeepNetworks
import LinearCore
import Networks

/// A tensor of parameters, by the name that optimisers and checkpoints keep its running averages under. A
/// deep network has one for each of its trained tensors, called as in its architecture.
package struct ParameterGroup: RawRepresentable, Sendable, Hashable {
  package let rawValue: String

  /// The group of a name.
  package init(rawValue: String) { self.rawValue = rawValue }

  /// Of a pReLU network: (hiddenWidth, inputDimension), and with hidden biases one column more.
  package static let hiddenWeights = ParameterGroup(rawValue: "hiddenWeights")
  /// Of a pReLU network: (outputCount, hiddenWidth).
  package static let outputWeights = ParameterGroup(rawValue: "outputWeights")
  /// Of a pReLU network: outputCount numbers.
  package static let outputBias = ParameterGroup(rawValue: "outputBias")
}

/// A rule that turns gradients into parameter updates, with PyTorch's semantics.
///
/// A new optimiser is one file: the elementwise ``update(_:offset:count:values:gradient:)``, and the
/// names of the running averages it keeps.
package protocol Optimizer<Scalar>: AnyObject {
  /// The scalar type of the parameters.
  associatedtype Scalar: LinearScalar

  /// The number of steps taken; part of a checkpoint.
  var stepCount: Int { get set }

  /// What a schedule multiplies the learning rate by; 1 at first.
  var rateFactor: Double { get set }

  /// The running averages by name, part of a checkpoint.
  var moments: [String: MomentBuffer<Scalar>] { get }

  /// Called once before the updates of a step.
  func beginStep()

  /// Updates `count` parameters of a group, which start at position `offset` of it, in place.
  ///
  /// Called concurrently for ranges that do not overlap.
  func update(
    _ group: ParameterGroup, offset: Int, count: Int, values: UnsafeMutablePointer<Scalar>,
    gradient: UnsafePointer<Scalar>)

  /// Updates the weights of some hidden neurons; concurrent for ranges that do not overlap. The default
  /// forms the gradient and calls ``update(_:offset:count:values:gradient:)``.
  func updateHidden(_ gradient: HiddenGradient<Scalar>)
}

extension Optimizer {
  /// Forms the gradient and updates element by element.
  package func updateHidden(_ gradient: HiddenGradient<Scalar>) {
    let count = gradient.neurons.count * gradient.dimension
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: count) { scratch in
      gradient.accumulate(into: scratch.baseAddress!, alpha: 1, beta: 0)
      update(
        .hiddenWeights, offset: gradient.neurons.lowerBound * gradient.dimension, count: count,
        values: gradient.weights, gradient: scratch.baseAddress!)
    }
  }

  /// Updates output weights and bias with their gradients.
  func updateOutput(
    _ result: BatchPass<Scalar>.Result, weights: inout Matrix<Scalar>, bias: inout [Scalar]?
  ) {
    let count = weights.elements.count
    weights.withMutablePointer { values in
      result.outputGradient.withPointer {
        update(.outputWeights, offset: 0, count: count, values: values, gradient: $0)
      }
    }
    bias?.withUnsafeMutableBufferPointer { values in
      update(
        .outputBias, offset: 0, count: values.count, values: values.baseAddress!,
        gradient: result.biasGradient)
    }
  }
}

/// Storage for one running average over a parameter group, writable from several threads at disjoint
/// places.
package final class MomentBuffer<Scalar: LinearScalar>: @unchecked Sendable {
  /// The number of elements.
  package let count: Int
  let base: UnsafeMutablePointer<Scalar>

  /// Zeros.
  package init(count: Int) {
    self.count = count
    base = .allocate(capacity: max(1, count))
    base.initialize(repeating: 0, count: max(1, count))
  }

  deinit { base.deallocate() }

  package var elements: [Scalar] {
    get { Array(UnsafeBufferPointer(start: base, count: count)) }
    set {
      precondition(newValue.count == count)
      for i in 0..<count { base[i] = newValue[i] }
    }
  }
}

/// An optimiser and its hyper-parameters, as configurations name them.
public enum OptimizerConfiguration: Sendable, Equatable, Codable {
  /// Stochastic gradient descent with PyTorch's momentum and weight decay.
  case sgd(
    learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0)
  /// Adam with weight decay added to the gradient.
  case adam(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0)
  /// Adam with decoupled weight decay (AdamW): weights shrink by learningRate x weightDecay a step, and
  /// the decay does not enter the running averages.
  case adamW(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01)

  /// The step size before any schedule changes it.
  public var learningRate: Double {
    switch self {
    case .sgd(let rate, _, _, _): rate
    case .adam(let rate, _, _, _, _), .adamW(let rate, _, _, _, _): rate
    }
  }

  /// The time of gradient flow that a step stands for: the learning rate, with momentum
  /// learningRate / (1 - momentum), to which a constant gradient's steps add up.
  ///
  /// A step of Adam moves every weight by about the learning rate whatever the size of its gradient. So
  /// learningRate x steps is no time of gradient flow there: it bounds, roughly, the way of a weight.
  public var timeOfStep: Double {
    switch self {
    case .sgd(let rate, let momentum, _, _): rate / (1 - momentum)
    case .adam(let rate, _, _, _, _), .adamW(let rate, _, _, _, _): rate
    }
  }

  /// The optimiser in its initial state, for a network.
  package func makeOptimizer<Scalar: LinearScalar>(for network: PReLUNetwork<Scalar>)
    -> any Optimizer<Scalar>
  {
    makeOptimizer(sizes: [
      .hiddenWeights: network.hiddenWeights.elements.count,
      .outputWeights: network.outputWeights.elements.count,
      .outputBias: network.outputBias?.count ?? 0,
    ])
  }

  /// The optimiser in its initial state, for a deep network.
  package func makeOptimizer<Scalar: LinearScalar>(for network: DeepNetwork<Scalar>)
    -> any Optimizer<Scalar>
  {
    makeOptimizer(
      sizes: Dictionary(
        uniqueKeysWithValues: network.architecture.parameters.map {
          (ParameterGroup(rawValue: $0.name), $0.rows * $0.columns)
        }))
  }

  /// The optimiser in its initial state, for parameter groups of the given sizes.
  func makeOptimizer<Scalar: LinearScalar>(sizes: [ParameterGroup: Int])
    -> any Optimizer<Scalar>
  {
    switch self {
    case .sgd(let rate, let momentum, let nesterov, let decay):
      return StochasticGradientDescent(
        learningRate: rate, momentum: momentum, nesterov: nesterov, weightDecay: decay,
        sizes: sizes)
    case .adam(let rate, let beta1, let beta2, let epsilon, let decay):
      return Adam(
        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay,
        sizes: sizes)
    case .adamW(let rate, let beta1, let beta2, let epsilon, let decay):
      return Adam(
        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay,
        isDecoupled: true, sizes: sizes)
    }
  }

  /// - Throws: ``TrainingError`` naming the hyper-parameter that is out of range.
  public func validate() throws(TrainingError) {
    func check(_ ok: Bool, _ name: String, _ value: Double, _ expected: String)
      throws(TrainingError)
    {
      if !ok { throw .invalid(field: name, found: "\(value)", expected: expected) }
    }
    let rate = learningRate
    try check(rate > 0 && rate.isFinite, "learning-rate", rate, "a positive number")
    switch self {
    case .sgd(_, let momentum, let nesterov, let decay):
      try check(momentum >= 0 && momentum < 1, "momentum", momentum, "a number in [0, 1)")
      try check(!nesterov || momentum > 0, "momentum", momentum, "more than 0 with Nesterov")
      try check(decay >= 0 && decay.isFinite, "weight-decay", decay, "a number of at least 0")
    case .adam(_, let beta1, let beta2, let epsilon, let decay),
      .adamW(_, let beta1, let beta2, let epsilon, let decay):
      try check(beta1 >= 0 && beta1 < 1, "beta1", beta1, "a number in [0, 1)")
      try check(beta2 >= 0 && beta2 < 1, "beta2", beta2, "a number in [0, 1)")
      try check(epsilon > 0 && epsilon.isFinite, "epsilon", epsilon, "a positive number")
      try check(decay >= 0 && decay.isFinite, "weight-decay", decay, "a number of at least 0")
    }
  }
}
