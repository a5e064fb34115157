import Foundation
import LinearCore

/// The training losses. Binary ones take one output f and y = +1 (class 1) or -1 (class 0).
public enum Loss: String, Sendable, Codable, CaseIterable {
  /// exp(-y f).
  case exponential
  /// log(1 + exp(-y f)).
  case logistic
  /// (f - y)^2 / 2.
  case squared
  /// log sum_c exp(f_c) - f_label, for two or more outputs.
  case crossEntropy = "cross-entropy"

  /// Whether the loss takes a single output.
  public var isBinary: Bool { self != .crossEntropy }

  /// The mean loss of a network whose outputs are all 0.
  public func ofSilentNetwork(outputCount: Int) -> Double {
    switch self {
    case .exponential: 1
    case .logistic: Foundation.log(2)
    case .squared: 0.5
    case .crossEntropy: Foundation.log(Double(outputCount))
    }
  }

  /// The loss of each sample, and its derivative with respect to the logits.
  ///
  /// - Parameters:
  ///   - logits: (n, outputs).
  ///   - labels: the class of each row.
  /// - Returns: the sum of the losses, and the derivatives in the shape of `logits`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func valueAndDerivative<Scalar: LinearScalar>(
    _ logits: Matrix<Scalar>, labels: [Int]
  ) -> (sum: Double, derivative: Matrix<Scalar>) {
    precondition(isBinary == (logits.columns == 1), "\(rawValue) does not fit the outputs")
    precondition(logits.rows == labels.count, "one label a row")
    var derivative = logits
    var sum = 0.0
    for i in 0..<logits.rows {
      if isBinary {
        let result = binary(
          Double(logits[i, 0]), label: labels[i], largest: Self.limit(Scalar.self))
        sum += result.value
        derivative[i, 0] = Scalar(result.derivative)
      } else {
        sum += crossEntropy(row: i, label: labels[i], logits, &derivative)
      }
    }
    return (sum, derivative)
  }

  /// The mean loss of a batch.
  public func mean<Scalar: LinearScalar>(_ logits: Matrix<Scalar>, labels: [Int]) -> Double {
    valueAndDerivative(logits, labels: labels).sum / Double(max(1, labels.count))
  }

  /// Beyond this exponent e^x is continued by its tangent, so that losses and derivatives stay finite.
  private static func limit<Scalar: LinearScalar>(_: Scalar.Type) -> Double {
    Foundation.log(Double(Scalar.greatestFiniteMagnitude)) / 2
  }

  private func binary(_ f: Double, label: Int, largest: Double)
    -> (value: Double, derivative: Double)
  {
    let y: Double = label == 1 ? 1 : -1
    let t = -y * f
    switch self {
    case .exponential:
      let value = exp(min(t, largest))
      return (t <= largest ? value : value * (1 + t - largest), -y * value)
    case .logistic:
      // log(1 + e^t) and the sigmoid of t without overflow on either side.
      let small = exp(-abs(t))
      return (max(t, 0) + log1p(small), -y * (t > 0 ? 1 : small) / (1 + small))
    case .squared:
      return ((f - y) * (f - y) / 2, f - y)
    case .crossEntropy:
      preconditionFailure("cross-entropy is not a binary loss")
    }
  }

  private func crossEntropy<Scalar: LinearScalar>(
    row i: Int, label: Int, _ logits: Matrix<Scalar>, _ derivative: inout Matrix<Scalar>
  ) -> Double {
    let classes = logits.columns
    var largest = -Double.infinity
    for c in 0..<classes { largest = max(largest, Double(logits[i, c])) }
    let own = exp(Double(logits[i, label]) - largest)
    // Without the label's term: 1 less a share near 1 would have no digits left.
    var others = 0.0
    for c in 0..<classes where c != label { others += exp(Double(logits[i, c]) - largest) }
    let total = own + others
    for c in 0..<classes {
      let share = (c == label ? others : exp(Double(logits[i, c]) - largest)) / total
      // Shares below the normal range carry no digits and slow down every later product.
      let kept = share < Double(Scalar.leastNormalMagnitude) ? 0 : share
      derivative[i, c] = Scalar(c == label ? -kept : kept)
    }
    let lead = largest - Double(logits[i, label])
    return lead == 0 ? log1p(others) : log(total) + lead
  }
}
