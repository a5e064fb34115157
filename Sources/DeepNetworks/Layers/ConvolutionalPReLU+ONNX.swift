import Formats
import LinearCore
import Networks

extension ConvolutionalPReLU {
  /// Conv and the formula.
  ///
  /// With input normalisation of the sample divided by its largest value, and then times this. Where a
  /// whole patch is smaller than 1e-19 of the largest value its norm is taken for 1e-19, so that features
  /// that small come out too small.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    // At p = 1 there is nothing to divide by.
    let normalizes = normalizesInput && exponent != 1
    let (samples, divisor) =
      normalizes ? graph.model.appendScaled(value, prefix: graph.prefix) : (value, "")
    let image = graph.appendImage(samples, shape: input)
    let (weights, norms) = ONNXModel.silenced(parameters[0])
    let sums = appendConvolution(
      to: &graph, image, filters: channelsFirst(weights, input.channels), name: "filters",
      output: "preactivation")
    var patchNorms: String?
    if normalizes {
      let ones = Matrix<Float>(
        rows: 1, columns: weights.columns,
        elements: [Float](repeating: 1, count: weights.columns))
      let squares = graph.append("Mul", [image, image], to: "squares")
      let sums = appendConvolution(
        to: &graph, squares, filters: channelsFirst(ones, input.channels), name: "window",
        output: "patch_squares")
      let smallest = graph.constant(
        "smallest_norm",
        Tensor(shape: [], elements: .float32([Float.leastNormalMagnitude.squareRoot()])))
      let roots = graph.append("Sqrt", [sums], to: "patch_roots")
      patchNorms = graph.append("Max", [roots, smallest], to: "patch_norms")
    }
    let features = graph.model.appendPReLU(
      of: sums, norms: Tensor(shape: [filters, 1, 1], elements: .float32(norms)),
      inputNorms: patchNorms, exponent: exponent, prefix: graph.prefix)
    let flat = graph.appendFlat(features, to: "flat_features")
    return normalizes ? graph.append("Mul", [flat, divisor], to: "scaled_features") : flat
  }

  private func appendConvolution(
    to graph: inout ONNXGraph, _ image: String, filters: Tensor, name: String, output: String
  ) -> String {
    let filters = graph.constant(name, filters)
    return graph.append(
      "Conv", [image, filters], to: output,
      integerLists: [
        "kernel_shape": [kernel, kernel], "strides": [stride, stride],
        "pads": [padding, padding, padding, padding],
      ])
  }

  /// Filters, row by row and channels last, as (filters, channels, kernel, kernel).
  private func channelsFirst(_ weights: Matrix<Float>, _ channels: Int) -> Tensor {
    let pixels = kernel * kernel
    var elements = [Float](repeating: 0, count: weights.elements.count)
    for filter in 0..<weights.rows {
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          elements[(filter * channels + channel) * pixels + pixel] =
            weights[filter, pixel * channels + channel]
        }
      }
    }
    return Tensor(shape: [weights.rows, channels, kernel, kernel], elements: .float32(elements))
  }
}
