import DeepNetworks
import LinearCore
import Networks

extension BoundedNetwork {
  /// The network of one hidden layer, as it is.
  package init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>) throws(NetworkError) {
    self.init(inputDimension: network.inputDimension)
    var node = 0
    if let center = network.center {
      node = try append(
        [(0, .identity(count: center.count))], shift: center.map { -Double($0) })
    }
    // Norms are those of (w, b).
    node = try append(
      neurons: network.inputWeights.converted(), norms: network.hiddenWeights.converted(),
      bias: network.hiddenBias?.map { Double($0) }, exponent: network.exponent,
      normalizesInput: network.normalizeInput, reading: node)
    node = try append(
      [(node, .dense(network.outputWeights.converted()))],
      shift: network.outputBias?.map { Double($0) }
        ?? [Double](repeating: 0, count: network.outputCount))
  }

  /// The deep network as it is evaluated.
  /// - Throws: `NetworkError` that names the layer of which no bounds are known.
  package init<Scalar: LinearScalar>(_ network: DeepNetwork<Scalar>) throws(NetworkError) {
    let architecture = network.architecture
    self.init(inputDimension: architecture.inputShape.count)
    var parameters = network.parameters.map { $0.converted(to: Double.self) }[...]
    let chain = architecture.layers
    _ = try append(chain, shape: architecture.inputShape, &parameters, reading: 0)
    try endInLinear()
  }

  /// Outputs that are powers themselves get an identity behind them, so that the last node is linear.
  mutating func endInLinear() throws(NetworkError) {
    if case .affine = nodes[output] { return }
    _ = try append(
      [(output, .identity(count: outputCount))],
      shift: [Double](repeating: 0, count: outputCount))
  }

  private mutating func append(
    _ chain: LayerChain, shape: FeatureShape, _ parameters: inout ArraySlice<Matrix<Double>>,
    reading input: Int
  ) throws(NetworkError) -> Int {
    let shapes = chain.acceptedShapes(for: shape)
    var node = input
    for (number, layer) in chain.layers.enumerated() {
      let count = layer.parameters(for: shapes[number]).count
      do throws(NetworkError) {
        if let residual = layer as? Residual {
          let inner = try append(
            residual.block, shape: shapes[number], &parameters, reading: node)
          let size = sizes[node]
          node = try append(
            [(node, .identity(count: size)), (inner, .identity(count: size))],
            shift: [Double](repeating: 0, count: size))
        } else {
          let own = Array(parameters.prefix(count))
          parameters = parameters.dropFirst(count)
          node = try append(layer, shapes[number], shapes[number + 1], own, reading: node)
        }
      } catch {
        throw NetworkError("layer \(number) (\(type(of: layer).kind)): \(error.description)")
      }
    }
    return node
  }

  private mutating func append(
    _ layer: any Layer, _ input: FeatureShape, _ output: FeatureShape,
    _ parameters: [Matrix<Double>], reading node: Int
  ) throws(NetworkError) -> Int {
    let zeros = [Double](repeating: 0, count: output.count)
    switch layer {
    case let layer as LayerNormalization:
      return try append(layer, input, gain: parameters[0], shift: parameters[1], reading: node)
    case let layer as DensePReLU:
      return try append(
        neurons: parameters[0], norms: parameters[0], exponent: layer.exponent,
        normalizesInput: layer.normalizesInput,
        reading: node)
    case let layer as ConvolutionalPReLU:
      return try append(layer, input, output, parameters[0], reading: node)
    case let layer as LinearHead:
      return try append(
        [(node, .dense(parameters[0]))], shift: layer.hasBias ? parameters[1].elements : zeros)
    case let layer as Standardization:
      let channels = input.channels
      return try append(
        [(node, .diagonal((0..<input.count).map { 1 / layer.deviations[$0 % channels] }))],
        shift: (0..<input.count).map {
          -layer.means[$0 % channels] / layer.deviations[$0 % channels]
        })
    case let layer as AveragePooling:
      return try append(
        [(node, .means(input, window: layer.window, stride: layer.stride))], shift: zeros)
    case is GlobalAveragePooling:
      return try append(
        [(node, .meansOfChannels(input))], shift: zeros)
    case is Dropout: return node
    default: throw NetworkError("bounds of such layers are not known")
    }
  }

  /// A layer of pReLU neurons with weights (neurons, inputs), divided by the lengths of the rows of `directions`.
  private mutating func append(
    neurons weights: Matrix<Double>, norms directions: Matrix<Double>, bias: [Double]? = nil,
    exponent: Double, normalizesInput: Bool, reading node: Int
  ) throws(NetworkError) -> Int {
    let sums = try append(
      [(node, .dense(weights))],
      shift: bias ?? [Double](repeating: 0, count: weights.rows))
    let powers = try append(
      power: exponent, of: sums, norms: Self.norms(of: directions),
      normError: Rounding.gamma(directions.columns + 4))
    guard normalizesInput, exponent != 1 else { return powers }
    return try append(
      ScaledNode(
        input: powers, lengths: node, groups: .whole(count: sizes[node]), divisor: 1, epsilon: 0,
        exponent: (exponent - 1) / 2, limit: bias == nil ? sums : nil))
  }

  private mutating func append(
    _ layer: ConvolutionalPReLU, _ input: FeatureShape, _ output: FeatureShape,
    _ weights: Matrix<Double>, reading node: Int
  ) throws(NetworkError) -> Int {
    let map = LinearMap.convolution(
      input, kernel: layer.kernel, stride: layer.stride, padding: layer.padding, weights)
    let sums = try append(
      [(node, map)], shift: [Double](repeating: 0, count: output.count))
    let norms = Self.norms(of: weights)
    let powers = try append(
      power: layer.exponent, of: sums,
      norms: (0..<output.count).map { norms[$0 % output.channels] },
      normError: Rounding.gamma(weights.columns + 4))
    guard layer.normalizesInput, layer.exponent != 1 else { return powers }
    let patches = LinearMap.patches(
      input, kernel: layer.kernel, stride: layer.stride, padding: layer.padding)
    return try append(
      ScaledNode(
        input: powers, lengths: node,
        groups: .parts(
          places: patches, ofValues: (0..<output.count).map { Int32($0 / output.channels) }),
        divisor: 1, epsilon: 0, exponent: (layer.exponent - 1) / 2, limit: sums))
  }

  /// gain (x - mean) / sqrt(variance + epsilon) + shift.
  private mutating func append(
    _ layer: LayerNormalization, _ input: FeatureShape, gain: Matrix<Double>,
    shift: Matrix<Double>, reading node: Int
  ) throws(NetworkError) -> Int {
    let (count, channels) = (input.count, input.channels)
    let centered = try append(
      [(node, .centering(count: count))], shift: [Double](repeating: 0, count: count))
    let normalized = try append(
      ScaledNode(
        input: centered, lengths: centered, groups: .whole(count: count),
        divisor: Double(count), epsilon: layer.epsilon, exponent: 0.5))
    return try append(
      [(normalized, .diagonal((0..<count).map { gain.elements[$0 % channels] }))],
      shift: (0..<count).map { shift.elements[$0 % channels] })
  }

  /// ‖w_j‖; infinity for a neuron that is silent in single precision.
  private static func norms(of weights: Matrix<Double>) -> [Double] {
    weights.rowNorms().map { $0 < Double(Float.leastNormalMagnitude) ? .infinity : $0 }
  }
}
