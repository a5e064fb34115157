import Foundation
import LinearCore
import Networks

/// The outputs of a pReLU network in extended precision, whose range of 1e-4932 to 1e4932 no weight, sample or
/// power of these tests leaves; written down from the definition alone.
struct ExactOracle {
  let network: PReLUNetwork<Double>
  /// The relative rounding that results may have: that of single precision, some ten times.
  static let rounding: Float80 = 1e-6

  /// The class of a sample, or nil where rounding may decide.
  func certainClass(_ input: [Double]) -> Int? {
    let (outputs, error) = outputs(input)
    if outputs.count == 1 {
      return outputs[0].magnitude > error ? (outputs[0] > 0 ? 1 : 0) : nil
    }
    let best = outputs.indices.max { outputs[$0] < outputs[$1] }!
    let isClear = outputs.indices.allSatisfy {
      $0 == best || outputs[best] - outputs[$0] > 2 * error
    }
    return isClear ? best : nil
  }

  /// f(x), and how far rounding of weights and sample may move an output.
  private func outputs(_ input: [Double]) -> (values: [Float80], error: Float80) {
    let center = network.center ?? input.map { _ in 0 }
    let x = zip(input, center).map { Float80($0) - Float80($1) }
    let sizes = zip(input, center).map { Float80($0.magnitude) + Float80($1.magnitude) }
    let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var values = (0..<network.outputCount).map { Float80(network.outputBias?[$0] ?? 0) }
    var error = Self.rounding * (values.map(\.magnitude).max() ?? 0)
    for j in 0..<network.hiddenWidth {
      let w = network.hiddenWeights.row(j).map { Float80($0) }
      let norm = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if norm == 0 || length == 0 { continue }
      let z = zip(w, x).reduce(0) { $0 + $1.0 * $1.1 }
      let change = Self.rounding * zip(w, sizes).reduce(0) { $0 + $1.0.magnitude * $1.1 }
      func feature(_ z: Float80) -> Float80 {
        if z <= 0 { return 0 }
        let p = Float80(network.exponent)
        return z * pow(z / (norm * (network.normalizeInput ? length : 1)), p - 1)
      }
      let largest = (0..<network.outputCount).map { network.outputWeights[$0, j].magnitude }.max()!
      error +=
        Float80(largest)
        * (feature(z + change) - feature(z - change) + 20 * Self.rounding * feature(z))
      for c in values.indices { values[c] += Float80(network.outputWeights[c, j]) * feature(z) }
    }
    return (values, error)
  }
}
