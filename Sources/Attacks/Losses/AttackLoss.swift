import LinearCore
import Networks

/// A loss that an attack makes large.
///
/// Attacks compare losses of one sample and follow the direction of the gradient; both stay the same
/// when the loss goes through an increasing function. A loss is therefore free to report what keeps its
/// digits: cross-entropy, say, reports how far the other classes lead instead of a number that is 0 to
/// seven digits on confident samples.
public protocol AttackLoss: Sendable {
  /// What results call it.
  var name: String { get }

  /// For a loss that aims at one class: 1 for the class with the largest logit after the label's at the
  /// unperturbed sample, 2 for the next, and so on. Nil for a loss that does not.
  var targetRank: Int? { get }

  /// The fewest classes it is defined for.
  var minimumClassCount: Int { get }

  /// An increasing function of the loss of every sample, and the direction of its gradient with respect
  /// to the logits: any positive multiple, of moderate size.
  func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>)
}

extension AttackLoss {
  /// Nil: the loss aims at no class.
  public var targetRank: Int? { nil }
  /// Two classes are enough unless a loss says otherwise.
  public var minimumClassCount: Int { 2 }
}

/// Logits on their way through a loss.
public struct LogitBatch<Scalar: LinearScalar> {
  /// The number of samples.
  public let count: Int
  /// Logits a sample. 1 stands for two classes, of which class 1 has the positive logits.
  public let outputs: Int
  /// (count, outputs): logits, to be replaced by the direction of the gradient.
  public let logits: UnsafeMutablePointer<Scalar>
  /// The class of every sample.
  public let labels: UnsafePointer<Int>
  /// The class aimed at; the label where the loss has no ``AttackLoss/targetRank``.
  public let targets: UnsafePointer<Int>
  /// Receives the loss of every sample: `count` numbers.
  public let values: UnsafeMutablePointer<Scalar>

  /// A batch over memory of the caller.
  public init(
    count: Int, outputs: Int, logits: UnsafeMutablePointer<Scalar>, labels: UnsafePointer<Int>,
    targets: UnsafePointer<Int>, values: UnsafeMutablePointer<Scalar>
  ) {
    self.count = count
    self.outputs = outputs
    self.logits = logits
    self.labels = labels
    self.targets = targets
    self.values = values
  }
}

/// Cross-entropy; with one output f the logistic loss log(1 + exp(-y f)), which is the cross-entropy of
/// the two logits 0 and f.
///
/// With t = log sum over c != label of exp(f_c) - f_label the loss is log(1 + exp(t)). It reports t,
/// and the gradient of t, which is that of the loss divided by the share of the other classes: never
/// saturated, never denormal.
package struct CrossEntropyAttackLoss: AttackLoss {
  package var name: String { "ce" }

  package init() {}

  /// t and its gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    if batch.outputs == 1 { return evaluateSingleOutput(batch) }
    for i in 0..<batch.count {
      let logits = batch.logits + i * batch.outputs
      let label = batch.labels[i]
      let own = logits[label]
      let largest = logits[strongestOther(logits, batch.outputs, label)]
      var sum: Scalar = 0
      for c in 0..<batch.outputs {
        // Shares below 1e-17 do not change the sum of shares, which is at least 1.
        let lag = logits[c] - largest
        logits[c] = c != label && lag > -40 ? Scalar.exponential(lag) : 0
        sum += logits[c]
      }
      for c in 0..<batch.outputs { logits[c] /= sum }
      logits[label] = -1
      batch.values[i] = largest - own + Scalar.logarithm(sum)
    }
  }
}

/// Minus the classification margin: the largest logit other than the label's, less the label's; with
/// one output -y f.
package struct MarginAttackLoss: AttackLoss {
  package var name: String { "margin" }

  package init() {}

  /// Minus the margin, and its gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    if batch.outputs == 1 { return evaluateSingleOutput(batch) }
    for i in 0..<batch.count {
      let logits = batch.logits + i * batch.outputs
      let label = batch.labels[i]
      let other = strongestOther(logits, batch.outputs, label)
      batch.values[i] = logits[other] - logits[label]
      for c in 0..<batch.outputs { logits[c] = 0 }
      logits[label] = -1
      logits[other] = 1
    }
  }
}

/// -y f, of which every loss of a single output is an increasing function.
@inline(__always)
func evaluateSingleOutput<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
  for i in 0..<batch.count {
    let sign: Scalar = batch.labels[i] == 1 ? -1 : 1
    batch.values[i] = sign * batch.logits[i]
    batch.logits[i] = sign
  }
}

/// The class other than `label` with the largest logit (the first of equal ones).
@inline(__always)
func strongestOther<Scalar: LinearScalar>(
  _ logits: UnsafePointer<Scalar>, _ outputs: Int, _ label: Int
) -> Int {
  var best = label == 0 ? 1 : 0
  for c in 0..<outputs where c != label && logits[c] > logits[best] { best = c }
  return best
}

/// Whether the predicted class, see ``predictedClasses(_:)``, is not the label.
@inline(__always)
func isMisclassified<Scalar: LinearScalar>(
  _ logits: UnsafePointer<Scalar>, _ outputs: Int, label: Int
) -> Bool {
  if outputs == 1 { return (logits[0] > 0) != (label == 1) }
  let other = strongestOther(logits, outputs, label)
  return logits[other] > logits[label] || (logits[other] == logits[label] && other < label)
}
