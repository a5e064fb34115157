import LinearCore
import Networks

/// A fully connected layer of pReLU neurons, h_j = relu(<w_j, x>)^p / ||w_j||^(p-1), with input
/// normalisation divided by ||x||^(p-1) as well. x is the whole sample, also of an image.
public struct DensePReLU: Layer {
  /// The name in model files.
  public static let kind = "dense-prelu"

  /// The number of neurons.
  public var units: Int
  /// The degree p; any real number in `Degree.allowed`.
  public var exponent: Double
  /// Whether features are divided by ||x||^(p-1).
  public var normalizesInput: Bool

  /// A layer; what is out of range is found by ``outputShape(for:)``.
  public init(units: Int, exponent: Double, normalizesInput: Bool = false) {
    self.units = units
    self.exponent = exponent
    self.normalizesInput = normalizesInput
  }

  /// A vector of ``units`` numbers.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    try PReLUKernel<Double>.check(exponent: exponent)
    guard (1...FeatureShape.largestExtent).contains(units) else {
      throw NetworkError(
        "a dense pReLU layer has \(units) units; expected 1 to \(FeatureShape.largestExtent)")
    }
    return FeatureShape(vector: units)
  }

  /// `weights`, (units, input.count): uniform in +-sqrt(6 / inputs), which keeps the scale of the
  /// features at p = 1 (He et al., 2015).
  public func parameters(for input: FeatureShape) -> [ParameterDescription] {
    [
      ParameterDescription(
        name: "weights", rows: units, columns: input.count,
        initialization: .uniform(bound: (6 / Double(input.count)).squareRoot()))
    ]
  }

  /// Features of a batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let batch = DenseBatch(
      inputs: inputs,
      kernel: PReLUKernel(
        exponent: exponent, weights: parameters[0], normalizesInput: normalizesInput))
    return LayerPass(outputs: batch.features) { batch.backward($0, $1) }
  }
}

/// A batch on its way through a fully connected layer. Threads that are left share the neurons, and on
/// the way back to the inputs the coordinates: so every weight is read once, and its gradient written
/// once.
private struct DenseBatch<Scalar: LinearScalar> {
  /// Neurons or coordinates that one thread treats at a time, as many as make a good product.
  private static var columnsOfBlock: Int { 128 }

  let inputs: Matrix<Scalar>
  let kernel: PReLUKernel<Scalar>
  /// (n, neurons).
  let features: Matrix<Scalar>
  private let slopes: Matrix<Scalar>
  /// One number a sample with input normalisation, otherwise empty.
  private let inverseNorms: [Scalar]

  init(inputs: Matrix<Scalar>, kernel: PReLUKernel<Scalar>) {
    self.inputs = inputs
    self.kernel = kernel
    let count = inputs.rows
    var features = Matrix<Scalar>(uninitializedRows: count, columns: kernel.neurons)
    var slopes = Matrix<Scalar>(uninitializedRows: count, columns: kernel.neurons)
    let inverseNorms = inputs.withPointer { kernel.inverseRowNorms(count, $0) }
    inputs.withPointer { rows in
      features.withMutablePointer { features in
        slopes.withMutablePointer { slopes in
          nonisolated(unsafe) let (rows, features, slopes) = (rows, features, slopes)
          Parallel.forEachBlock(of: kernel.neurons, size: Self.columnsOfBlock) { _, neurons in
            kernel.forward(
              count, rows: rows, inverseRowNorms: inverseNorms, features: features,
              slopes: slopes, among: neurons)
          }
        }
      }
    }
    self.features = features
    self.slopes = slopes
    self.inverseNorms = inverseNorms
  }

  func backward(_ cotangent: Matrix<Scalar>, _ request: GradientRequest)
    -> LayerPass<Scalar>.Gradient
  {
    let count = inputs.rows
    let asksInputs = request.contains(.inputs)
    let asksParameters = request.contains(.parameters)
    var delta = Matrix<Scalar>(uninitializedRows: count, columns: kernel.neurons)
    var weightGradient = Matrix<Scalar>(
      uninitializedRows: asksParameters ? kernel.neurons : 0, columns: kernel.dimension)
    var inputGradient = Matrix<Scalar>(
      uninitializedRows: asksInputs ? count : 0, columns: kernel.dimension)
    let source = PReLUBackwardSource(features: features, slopes: slopes, cotangent: cotangent)
    inputs.withPointer { rows in
      delta.withMutablePointer { delta in
        weightGradient.withMutablePointer { weightGradient in
          inputGradient.withMutablePointer { inputGradient in
            source.at(0) { features, slopes, cotangent in
              nonisolated(unsafe) let (rows, delta) = (rows, delta)
              nonisolated(unsafe) let (features, slopes, cotangent) = (features, slopes, cotangent)
              nonisolated(unsafe) let (weights, inputs) = (weightGradient, inputGradient)
              Parallel.forEachBlock(of: kernel.neurons, size: Self.columnsOfBlock) { _, neurons in
                kernel.computeDelta(
                  count, slopes: slopes, cotangent: cotangent, into: delta, among: neurons)
                guard asksParameters else { return }
                kernel.addWeightGradient(
                  count, rows: rows, delta: delta, to: weights, isFirst: true, among: neurons)
                kernel.addRadialPart(to: weights, among: neurons)
              }
              guard asksInputs else { return }
              Parallel.forEachBlock(of: kernel.dimension, size: Self.columnsOfBlock) { _, columns in
                kernel.computeRowGradient(
                  count, rows: rows, inverseRowNorms: inverseNorms, features: features,
                  cotangent: cotangent, delta: delta, into: inputs, among: columns)
              }
            }
          }
        }
      }
    }
    return LayerPass.Gradient(
      inputs: asksInputs ? inputGradient : nil,
      parameters: asksParameters ? [weightGradient] : [])
  }
}

extension DensePReLU {
  /// MatMul and the formula, with input normalisation of x / ||x|| and then times ||x||.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    // At p = 1 there is nothing to divide by.
    let normalizes = normalizesInput && exponent != 1
    let (rows, length) =
      normalizes ? graph.model.appendDirection(of: value, prefix: graph.prefix) : (value, "")
    let features = graph.model.appendPReLULayer(
      reading: rows, weights: parameters[0], exponent: exponent, prefix: graph.prefix)
    return normalizes ? graph.append("Mul", [features, length], to: "scaled_features") : features
  }
}
