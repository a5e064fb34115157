import BoundPropagation
import DeepNetworks
import LinearCore
import Networks

extension DeepCase {
  /// Convolutions, residual blocks and pooling.
  static func images(_ numbers: inout Numbers, _ extra: inout Numbers?) throws -> Build {
    let side = numbers.integer(3...4)
    let shape = FeatureShape(rows: side, columns: side, channels: numbers.integer(1...2))
    let p = [1, 1.5, 2, 3][numbers.integer(0...3)]
    var layers: [any Layer] = []
    if numbers.chance(0.5) {
      layers.append(
        Standardization(
          means: numbers.vector(shape.channels), deviations: numbers.vector(shape.channels, 0.5...2)
        ))
    }
    let filters = numbers.integer(1...3)
    // Whether a layer divides by the length of its input, and what may stand behind it.
    func divides() -> Bool { extra?.chance(0.5) ?? false }
    func normalize() {
      if extra?.chance(0.5) ?? false { layers.append(LayerNormalization(epsilon: 1e-3)) }
    }
    layers.append(
      ConvolutionalPReLU(
        filters: filters, kernel: 3, padding: 1, exponent: p, normalizesInput: divides()))
    normalize()
    if numbers.chance(0.6) {
      layers.append(
        Residual([
          ConvolutionalPReLU(
            filters: filters, kernel: 3, padding: 1, exponent: p, normalizesInput: divides())
        ]))
      normalize()
    }
    if numbers.chance(0.5) {
      layers.append(
        ConvolutionalPReLU(
          filters: 2, kernel: 2, stride: numbers.integer(1...2),
          exponent: [1, p][numbers.integer(0...1)], normalizesInput: divides()))
    }
    if numbers.chance(0.4) { layers.append(GlobalAveragePooling()) }
    if numbers.chance(0.4) {
      layers.append(DensePReLU(units: 4, exponent: p, normalizesInput: divides()))
      normalize()
    }
    layers.append(LinearHead(outputs: numbers.integer(1...3)))
    var network = try DeepNetwork<Double>(
      architecture: Architecture(inputShape: shape, layers: layers), scale: 1.5,
      stream: RandomStream(seed: UInt64(numbers.integer(0...1_000_000))))
    // Gains and shifts of normalisations are constant at first.
    if extra != nil {
      for k in network.parameters.indices where network.parameters[k].rows == 1 {
        for i in network.parameters[k].elements.indices {
          network.parameters[k].elements[i] += 0.5 * extra!.uniform()
        }
      }
    }
    let last = network.parameters.count - 1
    for k in network.parameters[last].elements.indices {
      network.parameters[last].elements[k] = 0.3 * numbers.uniform()
    }
    let x =
      numbers.chance(0.15)
      ? [Double](repeating: 0, count: shape.count) : numbers.vector(shape.count)
    var build = Build(bounded: try BoundedNetwork(network), input: x, scale: 1)
    var parameters = network.parameters[...]
    _ = try append(layers, shape, &parameters, reading: 0, to: &build.plain)
    build.kind = "images, p \(p), \(layers.map { type(of: $0).kind })"
    return build
  }

  /// The layers, number by number.
  private static func append(
    _ layers: [any Layer], _ shape: FeatureShape, _ parameters: inout ArraySlice<Matrix<Double>>,
    reading first: Int, to plain: inout PlainNetwork
  ) throws -> Int {
    var (step, shape) = (first, shape)
    for layer in layers {
      let output = try layer.outputShape(for: shape)
      let zeros = [Double](repeating: 0, count: output.count)
      let input = step
      switch layer {
      case let layer as Standardization:
        let factors = (0..<shape.count).map { 1 / layer.deviations[$0 % shape.channels] }
        step = plain.append(
          .affine(
            terms: [(step, diagonal(factors))],
            shift: factors.indices.map {
              -layer.means[$0 % shape.channels] / layer.deviations[$0 % shape.channels]
            }))
      case let layer as Residual:
        let inner = try append(
          layer.block.layers, shape, &parameters, reading: step, to: &plain)
        let ones = diagonal([Double](repeating: 1, count: shape.count))
        step = plain.append(.affine(terms: [(step, ones), (inner, ones)], shift: zeros))
      case let layer as ConvolutionalPReLU:
        let weights = parameters.removeFirst()
        let sums = plain.append(
          .affine(terms: [(step, windows(layer, shape, output, weights))], shift: zeros))
        step = plain.append(
          .power(
            of: sums, exponent: layer.exponent,
            weights: zeros.indices.map { weights.row($0 % output.channels) }))
        if layer.normalizesInput, layer.exponent > 1 {
          // Places of a window are those of a row of ones.
          let ones = Matrix<Double>(
            rows: 1, columns: weights.columns,
            elements: [Double](repeating: 1, count: weights.columns))
          let single = FeatureShape(rows: output.rows, columns: output.columns, channels: 1)
          let groups = windows(layer, shape, single, ones).map { row in
            row.indices.filter { row[$0] != 0 }
          }
          step = plain.append(
            .scaled(
              of: step, lengths: input, groups: groups,
              ofValues: zeros.indices.map { $0 / output.channels }, divisor: 1, epsilon: 0,
              exponent: (layer.exponent - 1) / 2))
        }
      case let layer as DensePReLU:
        let weights = parameters.removeFirst()
        let rows = (0..<weights.rows).map { weights.row($0) }
        let sums = plain.append(.affine(terms: [(step, rows)], shift: zeros))
        step = plain.append(.power(of: sums, exponent: layer.exponent, weights: rows))
        if layer.normalizesInput, layer.exponent > 1 {
          step = plain.append(
            .scaled(
              of: step, lengths: input, groups: [Array(0..<shape.count)],
              ofValues: zeros.map { _ in 0 }, divisor: 1, epsilon: 0,
              exponent: (layer.exponent - 1) / 2))
        }
      case let layer as LayerNormalization:
        let (gain, shift) = (parameters.removeFirst(), parameters.removeFirst())
        step = plain.appendNormalization(
          of: step, count: shape.count, epsilon: layer.epsilon,
          gain: (0..<shape.count).map { gain.elements[$0 % shape.channels] },
          shift: (0..<shape.count).map { shift.elements[$0 % shape.channels] })
      case is GlobalAveragePooling:
        let share = 1 / Double(shape.pixels)
        let rows = (0..<shape.channels).map { channel in
          (0..<shape.count).map { $0 % shape.channels == channel ? share : 0 }
        }
        step = plain.append(.affine(terms: [(step, rows)], shift: zeros))
      case is LinearHead:
        let weights = parameters.removeFirst()
        step = plain.append(
          .affine(
            terms: [(step, (0..<weights.rows).map { weights.row($0) })],
            shift: parameters.removeFirst().elements))
      default: preconditionFailure("a layer of another kind")
      }
      shape = output
    }
    return step
  }

  private static func diagonal(_ values: [Double]) -> [[Double]] {
    values.indices.map { i in values.indices.map { $0 == i ? values[i] : 0 } }
  }

  private static func windows(
    _ layer: ConvolutionalPReLU, _ input: FeatureShape, _ output: FeatureShape,
    _ weights: Matrix<Double>
  ) -> [[Double]] {
    var rows = [[Double]](
      repeating: [Double](repeating: 0, count: input.count), count: output.count)
    for y in 0..<output.rows {
      for x in 0..<output.columns {
        for filter in 0..<output.channels {
          for i in 0..<layer.kernel {
            for j in 0..<layer.kernel {
              let (row, column) = (
                y * layer.stride - layer.padding + i, x * layer.stride - layer.padding + j
              )
              guard (0..<input.rows).contains(row), (0..<input.columns).contains(column) else {
                continue
              }
              for channel in 0..<input.channels {
                rows[(y * output.columns + x) * output.channels + filter][
                  (row * input.columns + column) * input.channels + channel] =
                  weights[filter, (i * layer.kernel + j) * input.channels + channel]
              }
            }
          }
        }
      }
    }
    return rows
  }
}
