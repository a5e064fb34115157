import LinearCore

/// Forward and backward passes of a classifier on small batches, with buffers that stay from call to
/// call: the inner loop of attacks. One pass serves one thread at a time.
public protocol InputGradientPass<Scalar>: AnyObject {
  /// The floating-point type it computes in.
  associatedtype Scalar: LinearScalar

  /// The logits of `count` inputs, and for each the gradient of the weighted sum of its logits.
  ///
  /// - Parameters:
  ///   - count: at most the capacity the pass was made for.
  ///   - inputs: (count, inputDimension).
  ///   - gradient: receives the gradients, (count, inputDimension); must not overlap `inputs`.
  ///   - weigh: gets the logits, (count, outputCount), and replaces them by their weights.
  func run(
    count: Int, inputs: UnsafePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>,
    weigh: (UnsafeMutablePointer<Scalar>) -> Void)
}

/// The pass of a classifier that has none of its own.
final class PlainInputGradientPass<C: Classifier>: InputGradientPass {
  private let classifier: C

  init(_ classifier: C) { self.classifier = classifier }

  func run(
    count: Int, inputs: UnsafePointer<C.Scalar>, gradient: UnsafeMutablePointer<C.Scalar>,
    weigh: (UnsafeMutablePointer<C.Scalar>) -> Void
  ) {
    let dimension = classifier.inputDimension
    let batch = Matrix(
      rows: count, columns: dimension,
      elements: Array(UnsafeBufferPointer(start: inputs, count: count * dimension)))
    // A first evaluation asks for all logits at once: `weigh` sees the whole batch.
    var weights = classifier.logits(batch)
    weights.withMutablePointer(weigh)
    let result = classifier.logitsAndInputGradient(batch) { _, rows in weights.rows(in: rows) }
    result.gradient.withPointer { gradient.update(from: $0, count: count * dimension) }
  }
}

/// The pass of a classifier whose evaluation keeps what the way back needs.
package final class TracedInputGradientPass<Scalar: LinearScalar>: InputGradientPass {
  /// The logits of a batch, and what turns weights of logits into gradients of the inputs.
  package typealias Trace = (
    logits: Matrix<Scalar>, backward: (Matrix<Scalar>) -> Matrix<Scalar>
  )

  private let dimension: Int
  private let evaluate: (Matrix<Scalar>) -> Trace

  /// A pass from the evaluation of a batch, (n, dimension).
  package init(dimension: Int, evaluate: @escaping (Matrix<Scalar>) -> Trace) {
    self.dimension = dimension
    self.evaluate = evaluate
  }

  /// One evaluation and one way back.
  package func run(
    count: Int, inputs: UnsafePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>,
    weigh: (UnsafeMutablePointer<Scalar>) -> Void
  ) {
    let trace = evaluate(
      Matrix(
        rows: count, columns: dimension,
        elements: Array(UnsafeBufferPointer(start: inputs, count: count * dimension))))
    var weights = trace.logits
    weights.withMutablePointer(weigh)
    trace.backward(weights).withPointer { gradient.update(from: $0, count: count * dimension) }
  }
}

extension Classifier {
  /// A pass that evaluates the classifier anew for logits and gradient.
  public func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    PlainInputGradientPass(self)
  }
}
