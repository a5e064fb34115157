import LinearCore

/// What attacks, checks and reports may know of a network: its outputs, and their gradient with respect
/// to the input. Shallow, reduced, imported and ideal classifiers look the same through it.
public protocol Classifier<Scalar>: Sendable {
  /// The floating-point type it computes in.
  associatedtype Scalar: LinearScalar

  /// The number of input coordinates.
  var inputDimension: Int { get }
  /// The number of outputs: 1 for two classes (class 1 where the output is positive), otherwise one
  /// logit a class.
  var outputCount: Int { get }

  /// The outputs on a batch of inputs: (n, inputDimension) to (n, outputCount).
  func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar>

  /// The outputs, and for each row the gradient with respect to the input of the outputs' sum weighted
  /// by `cotangent`: (n, outputCount) and (n, inputDimension).
  ///
  /// `cotangent` gets the logits of a range of rows and returns weights of the same shape; it may be
  /// called concurrently, and with an empty range.
  func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>)

  /// How many samples attacks give to one pass: what suits the caches of one thread, or more where a pass
  /// costs the same for many samples as for few.
  var passBlockSize: Int { get }

  /// How much logits may change when a sample is evaluated beside others or by another program, relative to the
  /// largest. What is handed out as a witness is to fool in spite of it.
  var logitRounding: Scalar { get }

  /// Passes over at most `capacity` samples at a time, with buffers of their own. A classifier that does
  /// not implement it gets one that works.
  func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar>

  /// The outputs in double precision, (n, inputDimension) to (n, outputCount), as an independent check of
  /// ``logits(_:)``: by a code path of its own where the classifier implements it, otherwise by
  /// ``logits(_:)`` itself.
  func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double>

  /// The predicted class of every row as reports have it: in double precision where the classifier
  /// implements it, otherwise ``predictions(_:)``.
  func referenceClasses(_ inputs: Matrix<Scalar>) -> [Int]

  /// The same classifier in double precision, where there is one.
  var inDoublePrecision: (any Classifier<Double>)? { get }
}

extension Classifier {
  /// 128, unless a classifier says otherwise.
  public var passBlockSize: Int { 128 }

  /// 0, for classifiers that whoever checks a witness computes as this program does.
  public var logitRounding: Scalar { 0 }

  /// Nil, for classifiers of one precision.
  public var inDoublePrecision: (any Classifier<Double>)? { nil }

  /// ``logits(_:)`` itself, for classifiers without a second code path.
  public func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    logits(inputs.converted()).converted()
  }

  /// ``predictions(_:)``, for classifiers of one precision.
  public func referenceClasses(_ inputs: Matrix<Scalar>) -> [Int] { predictions(inputs) }

  /// The number of classes it tells apart.
  public var classCount: Int { max(2, outputCount) }

  /// The predicted class of every row: the largest logit (the first of equal ones), or, with one
  /// output, 1 where it is positive and 0 elsewhere.
  public func predictions(_ inputs: Matrix<Scalar>) -> [Int] {
    predictedClasses(logits(inputs))
  }

  /// The share of rows whose predicted class is their label.
  public func accuracy(_ inputs: Matrix<Scalar>, labels: [Int]) -> Double {
    precondition(inputs.rows == labels.count && !labels.isEmpty, "one label a row")
    return Double(correctPredictions(logits(inputs), labels: labels)) / Double(labels.count)
  }
}

/// The class that each row of logits stands for; see ``Classifier/predictions(_:)``.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
package func predictedClasses<Scalar: LinearScalar>(_ logits: Matrix<Scalar>) -> [Int] {
  (0..<logits.rows).map { i in
    if logits.columns == 1 { return logits[i, 0] > 0 ? 1 : 0 }
    var best = 0
    for c in 1..<logits.columns where logits[i, c] > logits[i, best] { best = c }
    return best
  }
}

/// How many rows of logits stand for their label.
package func correctPredictions<Scalar: LinearScalar>(_ logits: Matrix<Scalar>, labels: [Int])
  -> Int
{
  zip(predictedClasses(logits), labels).count { $0 == $1 }
}

/// How clearly each row of logits stands for its label: with one output y f (y = +1 for class 1, -1
/// for class 0), otherwise the label's logit less the largest other one. Negative means misclassified.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
package func classificationMargins<Scalar: LinearScalar>(_ logits: Matrix<Scalar>, labels: [Int])
  -> [Scalar]
{
  (0..<logits.rows).map { i in
    if logits.columns == 1 { return labels[i] == 1 ? logits[i, 0] : -logits[i, 0] }
    return logits[i, labels[i]] - logits[i, strongestOther(logits, i, labels[i])]
  }
}

/// The class other than `label` with the largest logit in row `i` (the first of equal ones).
package func strongestOther<Scalar: LinearScalar>(_ logits: Matrix<Scalar>, _ i: Int, _ label: Int)
  -> Int
{
  var best = label == 0 ? 1 : 0
  for c in 0..<logits.columns where c != label && logits[i, c] > logits[i, best] { best = c }
  return best
}
