import DeepNetworks
import Foundation
import LinearCore
import Networks

/// How large the output of an untrained network is, in powers of ten.
///
/// A pReLU layer takes x of length r to features of length proportional to r^p, so behind L of them the
/// length is raised to the power p^L: at p = 3 what starts below 1 is soon smaller than any floating-point
/// number. Hence logarithms.
enum SignalScale {
  /// log10 of the root mean square output over samples; -infinity where it is 0 to all digits of `Double`
  /// for another reason than a small scale.
  ///
  /// Layers without normalisation and residual connection are homogeneous. They get samples of length 1,
  /// and the logarithms of lengths are kept beside; the others get the samples as they are.
  ///
  /// - Parameters:
  ///   - network: without output biases.
  ///   - inputs: (n, inputDimension), n >= 1.
  static func measured(_ network: DeepNetwork<Double>, inputs: Matrix<Double>) throws(NetworkError)
    -> Double
  {
    let architecture = network.architecture
    var samples = ScaledRows(inputs)
    var first = 0
    for (number, layer) in architecture.layers.layers.enumerated() {
      let shape = architecture.shapes[number]
      let count = layer.parameters(for: shape).count
      let step = try DeepNetwork(
        architecture: Architecture(inputShape: shape, layers: [layer]),
        parameters: Array(network.parameters[first..<first + count]))
      first += count
      if let degree = degree(layer) {
        samples = samples.through(step.logits(samples.rows), degree: degree)
      } else {
        samples = ScaledRows(step.logits(samples.plain))
      }
    }
    let largest = samples.logarithms.max() ?? -.infinity
    guard largest > -.infinity else { return largest }
    let meanSquare =
      samples.logarithms.reduce(0) { $0 + pow(10, 2 * ($1 - largest)) }
      / Double(samples.logarithms.count)
    return largest + log10(meanSquare) / 2
  }

  /// The power of ||x|| that the outputs of a layer grow with; nil where they do not follow a power.
  private static func degree(_ layer: any Layer) -> Double? {
    switch layer {
    case let layer as DensePReLU: layer.normalizesInput ? 1 : layer.exponent
    case let layer as LinearHead: layer.hasBias ? nil : 1
    default: nil
    }
  }

  /// What is expected of the plain design, a sum of powers: with random directions of weights,
  ///
  ///     r_l^2 = 2 s^2 m C_d(p) r_(l-1)^(2p),   C_d(p) = gamma(d/2) gamma(p + 1/2) / (2 sqrt(pi) gamma(d/2 + p)),
  ///
  /// where C_d(p) is the mean of relu(u_1)^(2p) for u uniform on the unit sphere of R^d, 2 s^2 the mean square
  /// length of the weights, d the dimension before the layer and m the width; the output has mean square
  /// s^2 r_L^2 / (3 m). A network of some width has a value of its own, whose deviation is multiplied by p in
  /// every layer.
  ///
  /// - Parameters:
  ///   - dimension: coordinates of an input.
  ///   - scale: what random weights are multiplied by, s.
  ///   - length: of a sample, r_0.
  static func expected(_ design: DenseDesign, dimension: Int, scale: Double, length: Double)
    -> Double
  {
    let p = design.exponent
    var logarithm = log10(length)
    for layer in 0..<design.depth {
      let d = Double(layer == 0 ? dimension : design.width)
      let moment =
        lgamma(d / 2) + lgamma(p + 0.5) - log(2 * Double.pi.squareRoot()) - lgamma(d / 2 + p)
      logarithm =
        p * logarithm
        + (log10(2 * scale * scale * Double(design.width)) + moment / log(10)) / 2
    }
    return logarithm + log10(scale * scale / (3 * Double(design.width))) / 2
  }
}

/// Rows of length 1, or 0, and the logarithms to base 10 of their true lengths.
private struct ScaledRows {
  let rows: Matrix<Double>
  let logarithms: [Double]

  init(_ plain: Matrix<Double>) {
    rows = plain.rowsNormalized()
    logarithms = plain.rowNorms().map { log10($0) }
  }

  private init(_ rows: Matrix<Double>, _ logarithms: [Double]) {
    self.rows = rows
    self.logarithms = logarithms
  }

  /// The rows with their lengths; 0 where these are too small.
  var plain: Matrix<Double> {
    var result = rows
    for i in 0..<rows.rows { result.scaleRow(i, by: pow(10, logarithms[i])) }
    return result
  }

  /// What a layer of this degree makes of all, given what it makes of the rows of length 1.
  func through(_ outputs: Matrix<Double>, degree: Double) -> ScaledRows {
    let unit = ScaledRows(outputs)
    return ScaledRows(
      unit.rows, zip(logarithms, unit.logarithms).map { degree * $0 + $1 })
  }
}
