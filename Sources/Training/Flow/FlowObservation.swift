import Integration
import LinearCore
import Networks

/// The right-hand side of gradient flow, whatever its precision.
protocol FlowSystem: DifferentialSystem, AnyObject {
  var layout: FlowLayout { get }
  /// What the last evaluation saw on its way.
  var observation: FlowObservation { get }
}

extension FlowSystem {
  var dimension: Int { layout.count }
}

/// What one pass over the training data shows besides the gradient.
public struct FlowObservation: Sendable, Equatable {
  /// The time of the evaluation.
  public var time = -Double.infinity
  /// The mean loss of the training data.
  public var loss = Double.nan
  /// Share of training samples classified correctly.
  public var accuracy = 0.0
  /// The largest |f| on the training data.
  public var largestOutput = 0.0
  /// The smallest classification margin on the training data: y f, or the label's logit less the
  /// largest other one.
  public var smallestMargin = 0.0
  /// The largest sine of the angle between a living neuron's direction and the force on it: 0 when all
  /// directions have settled.
  public var largestTurning = 0.0

  init() {}

  init<Scalar: LinearScalar>(
    time: Double, loss: Double, correct: Int, logits: Matrix<Scalar>, labels: [Int],
    turning: [Double]
  ) {
    self.time = time
    self.loss = loss
    accuracy = Double(correct) / Double(labels.count)
    largestOutput = logits.withPointer {
      Double(Scalar.largestMagnitude(logits.elements.count, $0))
    }
    smallestMargin = Double(classificationMargins(logits, labels: labels).min() ?? 0)
    largestTurning = turning.max() ?? 0
  }
}
