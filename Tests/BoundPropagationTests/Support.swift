import DeepNetworks
import LinearCore
import Networks

@testable import BoundPropagation

/// Numbers for tests.
struct Numbers {
  var stream: RandomStream

  init(_ seed: UInt64) { stream = RandomStream(seed: seed) }

  mutating func uniform(_ range: ClosedRange<Double> = -1...1) -> Double {
    Double.random(in: range, using: &stream)
  }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &stream)
  }

  mutating func chance(_ probability: Double) -> Bool { uniform(0...1) < probability }

  mutating func vector(_ count: Int, _ range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in uniform(range) }
  }

  mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix<Double> {
    Matrix(rows: rows, columns: columns, elements: vector(rows * columns))
  }

  /// A perturbation of a norm up to `radius`; half of them on the sphere, some along few coordinates.
  mutating func perturbation(_ count: Int, norm: Norm, radius: Double) -> [Double] {
    var d = vector(count)
    if uniform() > 0.5 { d = d.map { abs($0) > 0.6 ? $0 : 0 } }
    // Corners of the cube.
    if norm == .linf, uniform() > 0 { d = d.map { $0 < 0 ? -1 : 1 } }
    let size = norm.length(d)
    guard size > 0 else { return d }
    let length = radius * (uniform() > 0 ? 1 : uniform(0...1))
    return d.map { $0 / size * length * (1 - 1e-14) }
  }
}

/// Networks for tests.
enum Samples {
  /// A network of dense layers of relu(z)^p with biases.
  ///
  /// - Parameter isDivided: whether every layer divides by about the length of its input.
  static func dense(
    _ widths: [Int], exponent: Double, scale: Double = 1, isDivided: Bool = false,
    _ numbers: inout Numbers
  ) throws -> BoundedNetwork {
    var network = BoundedNetwork(inputDimension: widths[0])
    var node = 0
    for (number, (inputs, units)) in zip(widths, widths.dropFirst()).enumerated() {
      let weights = numbers.matrix(units, inputs)
      let source = node
      node = try network.append(
        [(node, .dense(weights))],
        shift: numbers.vector(units).map { 0.3 * $0 * scale })
      if number < widths.count - 2 {
        node = try network.append(
          power: exponent, of: node,
          norms: exponent == 1 ? nil : weights.rowNorms(), normError: 1e-14)
        if isDivided {
          node = try network.append(
            BoundedNetwork.ScaledNode(
              input: node, lengths: source, groups: .whole(count: inputs), divisor: 1,
              epsilon: 0.1, exponent: 0.5))
        }
      }
    }
    return network
  }

  /// A deep network of many kinds of layers on images of 6x6 pixels and two channels.
  static func images(exponent: Double, outputs: Int, seed: UInt64) throws -> DeepNetwork<Double> {
    try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 6, columns: 6, channels: 2),
        layers: [
          Standardization(means: [0.3, -0.1], deviations: [0.7, 1.2]),
          ConvolutionalPReLU(filters: 3, kernel: 3, padding: 1, exponent: exponent),
          Residual([
            ConvolutionalPReLU(filters: 3, kernel: 3, padding: 1, exponent: exponent)
          ]), AveragePooling(window: 2),
          ConvolutionalPReLU(filters: 4, kernel: 2, stride: 1, exponent: exponent),
          Dropout(rate: 0.2), GlobalAveragePooling(),
          DensePReLU(units: 5, exponent: exponent), LinearHead(outputs: outputs),
        ]), scale: 1.5, stream: RandomStream(seed: seed))
  }
}

/// A margin bound of a network on a ball, for tests.
func leastMargins(
  _ network: BoundedNetwork, at x: [Double], norm: Norm, radius: Double, label: Int,
  box: (lower: [Double], upper: [Double])? = nil, iterations: Int = 0
) -> [Double] {
  let evaluator = RegionEvaluator(network, norm: norm)
  let parts = PartEvaluator(
    evaluator: evaluator, reference: ReferencePoint(network, at: x),
    margins: MarginRows(label: label, outputCount: network.outputCount))
  return parts.evaluate(
    InputRegion(center: x, norm: norm, radius: radius, box: box), iterations: iterations
  ).margins
}
