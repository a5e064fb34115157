import LinearCore
import Networks

/// A convolution of pReLU neurons: every patch is the x and every filter the w of
/// relu(<w, x>)^p / ||w||^(p-1), with input normalisation divided by ||x||^(p-1) as well.
///
/// Patches are gathered for a few images at a time and multiplied with all filters at once; the backward
/// pass gathers them anew, which costs less than to keep them.
public struct ConvolutionalPReLU: Layer {
  /// The name in model files.
  public static let kind = "convolutional-prelu"

  /// The number of filters, the channels of the output.
  public var filters: Int
  /// The side of a patch in pixels.
  public var kernel: Int
  /// Pixels from patch to patch.
  public var stride: Int
  /// Pixels of value 0 around the image.
  public var padding: Int
  /// The degree p; any real number in `Degree.allowed`.
  public var exponent: Double
  /// Whether features are divided by ||x||^(p-1), x the patch.
  public var normalizesInput: Bool

  /// A layer; what does not fit the input is found by ``outputShape(for:)``.
  public init(
    filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0, exponent: Double,
    normalizesInput: Bool = false
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.exponent = exponent
    self.normalizesInput = normalizesInput
  }

  /// One pixel a patch, one channel a filter.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    try PReLUKernel<Double>.check(exponent: exponent)
    guard (1...FeatureShape.largestExtent).contains(filters) else {
      throw NetworkError(
        "a convolutional layer has \(filters) filters; expected 1 to \(FeatureShape.largestExtent)")
    }
    let geometry = try PatchGeometry(
      input: input, kernel: kernel, stride: stride, padding: padding)
    return FeatureShape(rows: geometry.rows, columns: geometry.columns, channels: filters)
  }

  /// The values of all patches of a sample of a shape that is accepted.
  func patchValues(for input: FeatureShape) -> Int {
    let geometry = PatchGeometry(accepted: input, kernel: kernel, stride: stride, padding: padding)
    return geometry.positions * geometry.patchCount
  }

  /// `weights`, (filters, kernel x kernel x channels), a filter row by row and channels last: uniform in
  /// +-sqrt(6 / values of a patch).
  public func parameters(for input: FeatureShape) -> [ParameterDescription] {
    let count = kernel * kernel * input.channels
    return [
      ParameterDescription(
        name: "weights", rows: filters, columns: count,
        initialization: .uniform(bound: (6 / Double(count)).squareRoot()))
    ]
  }

  /// Features of a batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let batch = ConvolutionBatch(
      inputs: inputs,
      geometry: PatchGeometry(
        accepted: input, kernel: kernel, stride: stride, padding: padding),
      kernel: PReLUKernel(
        exponent: exponent, weights: parameters[0], normalizesInput: normalizesInput))
    return LayerPass(outputs: batch.features) { batch.backward($0, $1) }
  }
}

/// A batch on its way through a convolution.
private struct ConvolutionBatch<Scalar: LinearScalar> {
  /// Patches to multiply at once, at least: enough for a good product, few enough for the cache.
  private static var patchesOfTile: Int { 256 }

  let inputs: Matrix<Scalar>
  let geometry: PatchGeometry
  let kernel: PReLUKernel<Scalar>
  /// (n, positions x filters), channels last.
  private(set) var features: Matrix<Scalar>
  private var slopes: Matrix<Scalar>
  /// One number a patch with input normalisation, otherwise empty.
  private var inverseNorms: [Scalar] = []
  private let imagesOfTile: Int

  init(inputs: Matrix<Scalar>, geometry: PatchGeometry, kernel: PReLUKernel<Scalar>) {
    self.inputs = inputs
    self.geometry = geometry
    self.kernel = kernel
    let (positions, filters) = (geometry.positions, kernel.neurons)
    imagesOfTile = max(1, Self.patchesOfTile / positions)
    // Filled below, when the patches can be asked for.
    (features, slopes) = (Matrix(rows: 0, columns: 0), Matrix(rows: 0, columns: 0))
    var features = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: positions * filters)
    var slopes = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: positions * filters)
    var inverseNorms: [Scalar] = []
    features.withMutablePointer { features in
      slopes.withMutablePointer { slopes in
        forEachTile { range, patches in
          let count = range.count * positions
          let norms = kernel.inverseRowNorms(count, patches)
          let offset = range.lowerBound * positions * filters
          kernel.forward(
            count, rows: patches, inverseRowNorms: norms, features: features + offset,
            slopes: slopes + offset)
          inverseNorms += norms
        }
      }
    }
    self.features = features
    self.slopes = slopes
    self.inverseNorms = inverseNorms
  }

  /// Calls `body` for stretches of images with their patches, (images x positions, patchCount).
  private func forEachTile(
    _ body: (_ range: Range<Int>, _ patches: UnsafeMutablePointer<Scalar>) -> Void
  ) {
    let (size, patchCount) = (geometry.input.count, geometry.patchCount)
    var patches = Matrix<Scalar>(
      uninitializedRows: imagesOfTile * geometry.positions, columns: patchCount)
    inputs.withPointer { images in
      patches.withMutablePointer { patches in
        for first in stride(from: 0, to: inputs.rows, by: imagesOfTile) {
          let range = first..<min(inputs.rows, first + imagesOfTile)
          for image in range {
            geometry.gather(
              images + image * size,
              into: patches + (image - first) * geometry.positions * patchCount)
          }
          body(range, patches)
        }
      }
    }
  }

  func backward(_ cotangent: Matrix<Scalar>, _ request: GradientRequest)
    -> LayerPass<Scalar>.Gradient
  {
    let (positions, filters) = (geometry.positions, kernel.neurons)
    let (size, patchCount) = (geometry.input.count, geometry.patchCount)
    let asksInputs = request.contains(.inputs)
    let asksParameters = request.contains(.parameters)
    let tile = imagesOfTile * positions
    var weightGradient = Matrix<Scalar>(
      rows: asksParameters ? filters : 0, columns: asksParameters ? patchCount : 0)
    var inputGradient = Matrix<Scalar>(rows: asksInputs ? inputs.rows : 0, columns: size)
    var delta = Matrix<Scalar>(uninitializedRows: tile, columns: filters)
    var patchGradient = Matrix<Scalar>(
      uninitializedRows: asksInputs ? tile : 0, columns: patchCount)
    let pointers = PReLUBackwardSource(
      features: features, slopes: slopes, cotangent: cotangent)
    delta.withMutablePointer { delta in
      patchGradient.withMutablePointer { patchGradient in
        weightGradient.withMutablePointer { weightGradient in
          inputGradient.withMutablePointer { inputGradient in
            forEachTile { range, patches in
              let count = range.count * positions
              let norms =
                inverseNorms.isEmpty
                ? []
                : Array(inverseNorms[range.lowerBound * positions..<range.upperBound * positions])
              pointers.at(range.lowerBound * positions * filters) { features, slopes, cotangent in
                kernel.computeDelta(count, slopes: slopes, cotangent: cotangent, into: delta)
                if asksParameters {
                  kernel.addWeightGradient(
                    count, rows: patches, delta: delta, to: weightGradient)
                }
                guard asksInputs else { return }
                kernel.computeRowGradient(
                  count, rows: patches, inverseRowNorms: norms, features: features,
                  cotangent: cotangent, delta: delta, into: patchGradient)
              }
              guard asksInputs else { return }
              for image in range {
                geometry.scatter(
                  patchGradient + (image - range.lowerBound) * positions * patchCount,
                  addingTo: inputGradient + image * size)
              }
            }
          }
        }
      }
    }
    if asksParameters {
      weightGradient.withMutablePointer { kernel.addRadialPart(to: $0) }
    }
    return LayerPass.Gradient(
      inputs: asksInputs ? inputGradient : nil,
      parameters: asksParameters ? [weightGradient] : [])
  }
}
