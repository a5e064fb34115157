import CPolyReLU
import LinearCore
import Networks

/// A classifier that somebody else computes, as it is known before any job.
struct FunctionModel: Sendable {
  let dimension: Int
  let outputs: Int
  /// Whether it also computes in double precision.
  let hasDouble: Bool
  /// How images lie in a sample; nil for vectors.
  let axes: ImageAxes?
  /// The extents of a sample, where it has several axes.
  let shape: [Int]?
}

/// A classifier whose logits and gradients a job asks its caller for.
///
/// Batches are as attacks make them, and whole: the caller is asked once a batch, for as many samples as memory lets.
/// After a cancellation the answers are zeros, and nobody is asked.
struct FunctionClassifier<Scalar: LinearScalar>: Classifier, ImageClassifier {
  let model: FunctionModel
  let job: Job

  var inputDimension: Int { model.dimension }
  var outputCount: Int { model.outputs }
  var imageAxes: ImageAxes? { model.axes }

  /// 1024 samples, fewer where these have more than 8192 coordinates each: attacks keep about ten arrays of that size.
  var passBlockSize: Int { min(max((1 << 23) / max(1, inputDimension), 128), 1024) }

  var logitRounding: Scalar { 8 * Scalar.ulpOfOne }

  func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    let count = inputs.rows
    var logits = Matrix<Scalar>(rows: count, columns: outputCount)
    if count == 0 { return logits }
    job.inTurn {
      inputs.withPointer { inputs in
        logits.withMutablePointer { _ = ask(POLYRELU_LOGITS, count: count, inputs, nil, $0) }
      }
    }
    return logits
  }

  func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    let count = inputs.rows
    var logits = Matrix<Scalar>(rows: count, columns: outputCount)
    var gradient = Matrix<Scalar>(rows: count, columns: inputDimension)
    if count == 0 { return (logits, gradient) }
    job.inTurn {
      inputs.withPointer { inputs in
        let isDone = logits.withMutablePointer {
          ask(POLYRELU_FORWARD, count: count, inputs, nil, $0)
        }
        let weights = cotangent(logits, 0..<count)
        precondition(weights.rows == count && weights.columns == outputCount, "a cotangent a logit")
        if !isDone { return }
        weights.withPointer { weights in
          gradient.withMutablePointer {
            _ = ask(POLYRELU_BACKWARD, count: count, inputs, weights, $0)
          }
        }
      }
    }
    return (logits, gradient)
  }

  func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    FunctionPass(self, capacity: capacity)
  }

  func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    guard let double = inDoublePrecision else { return logits(inputs.converted()).converted() }
    return double.logits(inputs)
  }

  func referenceClasses(_ inputs: Matrix<Scalar>) -> [Int] {
    predictedClasses(referenceLogits(inputs.converted()))
  }

  var inDoublePrecision: (any Classifier<Double>)? {
    model.hasDouble ? FunctionClassifier<Double>(model: model, job: job) : nil
  }

  fileprivate func ask(
    _ kind: Int, count: Int, _ inputs: UnsafePointer<Scalar>, _ cotangent: UnsafePointer<Scalar>?,
    _ output: UnsafeMutablePointer<Scalar>
  ) -> Bool {
    var request = polyrelu_request()
    request.kind = Int32(kind)
    let type = Scalar.self == Double.self ? POLYRELU_FLOAT64 : POLYRELU_FLOAT32
    request.type = Int32(type)
    request.count = Int64(count)
    request.inputs = UnsafeRawPointer(inputs)
    request.cotangent = cotangent.map { UnsafeRawPointer($0) }
    request.output = UnsafeMutableRawPointer(output)
    return job.ask(request)
  }
}

/// Goes forward once for logits and gradient.
private final class FunctionPass<Scalar: LinearScalar>: InputGradientPass {
  private let classifier: FunctionClassifier<Scalar>
  private var logits: [Scalar]

  init(_ classifier: FunctionClassifier<Scalar>, capacity: Int) {
    self.classifier = classifier
    logits = [Scalar](repeating: 0, count: capacity * classifier.outputCount)
  }

  func run(
    count: Int, inputs: UnsafePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>,
    weigh: (UnsafeMutablePointer<Scalar>) -> Void
  ) {
    if count == 0 { return }
    let size = count * classifier.outputCount
    logits.withUnsafeMutableBufferPointer { buffer in
      let logits = buffer.baseAddress!
      classifier.job.inTurn {
        let isDone = classifier.ask(POLYRELU_FORWARD, count: count, inputs, nil, logits)
        if !isDone { logits.update(repeating: 0, count: size) }
        weigh(logits)
        if isDone, classifier.ask(POLYRELU_BACKWARD, count: count, inputs, logits, gradient) {
          return
        }
        gradient.update(repeating: 0, count: count * classifier.inputDimension)
      }
    }
  }
}
