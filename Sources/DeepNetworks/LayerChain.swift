import LinearCore
import Networks

/// Layers one after the other: a network, or the block of a residual connection.
package struct LayerChain: Sendable, Equatable {
  /// The layers, first to last.
  package let layers: [any Layer]

  package init(_ layers: [any Layer]) { self.layers = layers }

  /// The shapes of a sample: before the first layer, and behind each.
  /// - Throws: `NetworkError` that names the layer which cannot take what it gets.
  func shapes(for input: FeatureShape) throws(NetworkError) -> [FeatureShape] {
    var shapes = [try input.checked()]
    for (number, layer) in layers.enumerated() {
      do throws(NetworkError) {
        shapes.append(try layer.outputShape(for: shapes[number]).checked())
      } catch {
        throw NetworkError("layer \(number) (\(type(of: layer).kind)): \(error.description)")
      }
    }
    return shapes
  }

  /// The shapes of a sample, for an input that was accepted when the network was built.
  /// - Precondition: the layers take such samples.
  package func acceptedShapes(for input: FeatureShape) -> [FeatureShape] {
    do throws(NetworkError) { return try shapes(for: input) } catch {
      preconditionFailure("a shape that the layers do not accept: \(error)")
    }
  }

  /// Values of one sample that are in memory together between the first layer and the last, on the way back as well.
  func valuesOfSample(for input: FeatureShape) -> Int {
    let shapes = acceptedShapes(for: input)
    return zip(layers, shapes).enumerated().reduce(0) { sum, entry in
      let (number, (layer, shape)) = entry
      let inner = (layer as? Residual)?.block.valuesOfSample(for: shape) ?? 0
      // What comes out, its slopes, and the derivatives with respect to both.
      return min(Self.manyValues, sum + inner + 4 * shapes[number + 1].count)
    }
  }

  /// The most values that all patches of a sample have in a layer.
  func largestPatches(for input: FeatureShape) -> Int {
    zip(layers, acceptedShapes(for: input)).map { layer, shape in
      (layer as? ConvolutionalPReLU)?.patchValues(for: shape)
        ?? (layer as? Residual)?.block.largestPatches(for: shape) ?? 0
    }.max() ?? 0
  }

  /// Where counting values stops: more than any sample may have.
  private static let manyValues = 1 << 40

  /// The shape of a sample behind the last layer.
  func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    let shapes = try shapes(for: input)
    return shapes[shapes.count - 1]
  }

  /// The trained tensors of all layers, called `NUMBER.NAME` with a prefix.
  func parameters(for input: FeatureShape, prefix: String) -> [ParameterDescription] {
    let shapes = acceptedShapes(for: input)
    return layers.enumerated().flatMap { number, layer in
      layer.parameters(for: shapes[number]).map {
        ParameterDescription(
          name: "\(prefix)\(number).\($0.name)", rows: $0.rows, columns: $0.columns,
          initialization: $0.initialization)
      }
    }
  }

  /// Takes a batch through all layers; see ``Layer/forward(_:shape:parameters:mode:)``.
  ///
  /// Layer i draws from the child ("layer", i) of the stream.
  func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let shapes = acceptedShapes(for: input)
    let ranges = parameterRanges(shapes)
    var passes: [LayerPass<Scalar>] = []
    var values = inputs
    for (number, layer) in layers.enumerated() {
      let pass = layer.forward(
        values, shape: shapes[number], parameters: Array(parameters[ranges[number]]),
        mode: mode.child("layer", number))
      values = pass.outputs
      passes.append(pass)
    }
    // Without derivatives of the inputs, the way back ends at the first layer that is trained.
    let lowest = ranges.firstIndex { !$0.isEmpty } ?? layers.count
    return LayerPass(outputs: values) { cotangent, request in
      var gradients: [[Matrix<Scalar>]] = []
      var cotangent = cotangent
      let end = request.contains(.inputs) ? 0 : lowest
      for number in stride(from: passes.count - 1, through: end, by: -1) {
        let inner = number > end ? request.union(.inputs) : request
        let gradient = passes[number].backward(cotangent, inner)
        gradients.append(gradient.parameters)
        if let inputs = gradient.inputs { cotangent = inputs }
      }
      return LayerPass.Gradient(
        inputs: request.contains(.inputs) ? cotangent : nil,
        parameters: Array(gradients.reversed().joined()))
    }
  }

  /// Writes all layers; see ``Layer/appendOperators(to:reading:shape:parameters:)``.
  /// - Throws: `NetworkError` that names the layer which cannot be written.
  func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) throws(NetworkError) -> String {
    let shapes = try shapes(for: input)
    let ranges = parameterRanges(shapes)
    var value = value
    for (number, layer) in layers.enumerated() {
      do throws(NetworkError) {
        value = try graph.inside("\(number).") { (graph) throws(NetworkError) in
          try layer.appendOperators(
            to: &graph, reading: value, shape: shapes[number],
            parameters: Array(parameters[ranges[number]]))
        }
      } catch {
        throw NetworkError("layer \(number) (\(type(of: layer).kind)): \(error.description)")
      }
    }
    return value
  }

  /// Where the tensors of each layer lie among those of all.
  private func parameterRanges(_ shapes: [FeatureShape]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for (layer, shape) in zip(layers, shapes) {
      let first = ranges.last?.upperBound ?? 0
      ranges.append(first..<first + layer.parameters(for: shape).count)
    }
    return ranges
  }

  /// The same layers with the same settings.
  package static func == (a: LayerChain, b: LayerChain) -> Bool {
    a.layers.count == b.layers.count && zip(a.layers, b.layers).allSatisfy { $0.isEqual(to: $1) }
  }
}

extension Layer {
  fileprivate func isEqual(to other: any Layer) -> Bool { other as? Self == self }
}
