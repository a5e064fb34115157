import Foundation
import LinearCore
import Networks

/// Adam (Kingma and Ba, *Adam: A method for stochastic optimization*, ICLR 2015) as PyTorch computes
/// it, with weight decay added to the gradient; or AdamW (Loshchilov and Hutter, *Decoupled weight decay
/// regularization*, ICLR 2019), w <- (1 - learningRate x weightDecay) w before the step.
package final class Adam<Scalar: LinearScalar>: Optimizer {
  /// The number of steps taken; sets the bias correction.
  package var stepCount = 0
  /// What a schedule multiplies the learning rate by.
  package var rateFactor = 1.0
  /// "first.<group>" and "second.<group>": running means of the gradient and of its square.
  package let moments: [String: MomentBuffer<Scalar>]

  private let rate: Double
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Scalar
  private let decay: Scalar
  private let decoupledDecay: Double
  private var stepSize: Scalar = 0
  private var inverseRootCorrection: Scalar = 1
  /// What weights are multiplied by before a step.
  private var shrinking: Scalar = 1

  /// An optimiser for parameter groups of the given sizes.
  /// - Parameter isDecoupled: whether weight decay is kept out of the running averages.
  package init(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    isDecoupled: Bool = false, sizes: [ParameterGroup: Int]
  ) {
    rate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = Scalar(epsilon)
    decay = isDecoupled ? 0 : Scalar(weightDecay)
    decoupledDecay = isDecoupled ? weightDecay : 0
    var moments: [String: MomentBuffer<Scalar>] = [:]
    for (group, count) in sizes {
      moments["first.\(group.rawValue)"] = MomentBuffer(count: count)
      moments["second.\(group.rawValue)"] = MomentBuffer(count: count)
    }
    self.moments = moments
  }

  /// Counts the step and sets its bias corrections.
  package func beginStep() {
    stepCount += 1
    stepSize = Scalar(rate * rateFactor / (1 - pow(beta1, Double(stepCount))))
    inverseRootCorrection = Scalar(1 / (1 - pow(beta2, Double(stepCount))).squareRoot())
    shrinking = Scalar(1 - rate * rateFactor * decoupledDecay)
  }

  /// Elementwise, in stretches short enough for the nearest cache.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func update(
    _ group: ParameterGroup, offset: Int, count: Int, values: UnsafeMutablePointer<Scalar>,
    gradient: UnsafePointer<Scalar>
  ) {
    let first = moments["first.\(group.rawValue)"]!.base + offset
    let second = moments["second.\(group.rawValue)"]!.base + offset
    let (b1, b2) = (Scalar(beta1), Scalar(beta2))
    let (step, correction, epsilon, decay) = (stepSize, inverseRootCorrection, epsilon, decay)
    let shrinking = shrinking
    let stretch = 512
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: stretch) { buffer in
      let roots = buffer.baseAddress!
      for start in stride(from: 0, to: count, by: stretch) {
        let length = min(stretch, count - start)
        let (g, w) = (gradient + start, values + start)
        let (m, v) = (first + start, second + start)
        for i in 0..<length {
          let slope = g[i] + decay * w[i]
          m[i] = b1 * m[i] + (1 - b1) * slope
          v[i] = b2 * v[i] + (1 - b2) * slope * slope
          roots[i] = v[i]
        }
        Scalar.root(length, roots)
        for i in 0..<length {
          w[i] = shrinking * w[i] - step * m[i] / (roots[i] * correction + epsilon)
        }
      }
    }
  }
}
