import Foundation
import LinearCore

/// Where single precision does not hold a sample beside others.
package enum PrecisionLoss: Sendable, Equatable {
  /// Coordinates or weights that are too small beside others decide what a neuron sees of this row.
  case coordinates(row: Int)
  /// The class of this row comes out otherwise: its outputs are too small or too large beside others.
  case outputs(row: Int)
}

extension ScaledNetwork {
  /// The first row whose class the scaled network gets wrong although rounding alone would not, or nil.
  ///
  /// - Parameters:
  ///   - exact: samples in units of 2^``unitExponent``: (n, inputDimension).
  ///   - rounded: the same as single precision has them.
  ///   - isWhole: whether all rows are looked at; otherwise those whose outputs are of extreme size.
  package func loss(exact: Matrix<Double>, rounded: Matrix<Float>, isWhole: Bool) -> PrecisionLoss?
  {
    let q = self.exact.normalizeInput ? 1 : self.exact.exponent
    var rows: [Int] = []
    for row in 0..<exact.rows {
      let size = exact.row(row).reduce(0) { max($0, $1.magnitude) }
      if isWhole || size > 0 && (Double(size.exponent) * q).magnitude > 600 { rows.append(row) }
    }
    if rows.isEmpty { return nil }
    let classes = network.referenceClasses(rounded.rows(at: rows))
    let (margins, single) = (ExactMargins(self.exact), network.converted(to: Double.self))
    var losses = [PrecisionLoss?](repeating: nil, count: rows.count)
    losses.withUnsafeMutableBufferPointer { losses in
      nonisolated(unsafe) let losses = losses
      Parallel.forEachBlock(of: rows.count, size: 8) { _, range in
        for position in range {
          let row = rows[position]
          let margin = margins.margin(exact.row(row))
          if isWhole, !margin.isKept(by: single, rounded.row(row).map { Double($0) }) {
            losses[position] = .coordinates(row: row)
          } else if margin.rulesOut(classes[position]) {
            losses[position] = .outputs(row: row)
          }
        }
      }
    }
    return losses.lazy.compactMap { $0 }.first
  }
}

/// The outputs of a network with all their digits.
private struct ExactMargins: Sendable {
  let network: PReLUNetwork<Double>
  let norms: [Double]
  /// max_c |V_cj|.
  let shares: [Double]

  init(_ network: PReLUNetwork<Double>) {
    self.network = network
    norms = network.hiddenWeights.rowNorms()
    shares = (0..<network.hiddenWidth).map { j in
      (0..<network.outputCount).reduce(0) { max($0, network.outputWeights[$1, j].magnitude) }
    }
  }

  func margin(_ input: [Double]) -> ExactMargin { ExactMargin(self, input) }
}

/// The outputs of a network on one sample, f = 2^power g + bias, such that nothing under- or overflows.
private struct ExactMargin {
  private let network: PReLUNetwork<Double>
  /// <w_j, u>, u = 2^-exponent (x - center).
  private let activations: [Double]
  /// sum_i |w_ji| (|x_i| + |center_i|) 2^-exponent: what rounding is relative to.
  private let sizes: [Double]
  private let exponent: Int
  private let power: Double
  private let outputs: [Double]
  /// How far rounding of all weights and coordinates to single precision moves an output.
  private let rounding: Double

  /// Twice the relative rounding of a product of two rounded numbers.
  private static let relative = 4 * Double(Float.ulpOfOne)

  init(_ margins: ExactMargins, _ input: [Double]) {
    let network = margins.network
    self.network = network
    let center = network.center ?? [Double](repeating: 0, count: input.count)
    var shifted = zip(input, center).map { $0 - $1 }
    var magnitudes = zip(input, center).map { $0.magnitude + $1.magnitude }
    if network.hasHiddenBias {
      shifted.append(1)
      magnitudes.append(1)
    }
    let largest = shifted.reduce(0) { max($0, $1.magnitude) }
    let exponent = largest > 0 ? largest.exponent : 0
    let unit = shifted.map { scalbn($0, -exponent) }
    let terms = magnitudes.map { scalbn($0, -exponent) }
    let p = network.exponent
    let length = network.normalizeInput ? Norm.l2.length(unit) : 1
    var outputs = [Double](repeating: 0, count: network.outputCount)
    var rounding = 0.0
    (activations, sizes) = products(network.hiddenWeights, unit, terms)
    if largest > 0 {
      for (j, norm) in margins.norms.enumerated() where norm > 0 && margins.shares[j] > 0 {
        let (z, size) = (activations[j], sizes[j])
        let feature = z > 0 ? z * pow(z / (norm * length), p - 1) : 0
        let reach = max(0, z + Self.relative * size)
        // 0^0 is 1, but a neuron that is silent beyond rounding changes nothing.
        let change =
          reach > 0
          ? (p + 1) * Self.relative * size * pow(reach / (norm * length), p - 1) : 0
        for c in outputs.indices { outputs[c] += network.outputWeights[c, j] * feature }
        rounding += margins.shares[j] * (change + Self.relative * feature)
      }
    }
    self.exponent = exponent
    power = Double(exponent) * (network.normalizeInput ? 1 : p)
    (self.outputs, self.rounding) = (outputs, rounding)
  }

  /// Whether every neuron that contributes sees the rounded sample as it sees this one, up to rounding.
  func isKept(by single: PReLUNetwork<Double>, _ input: [Double]) -> Bool {
    let center = single.center ?? [Double](repeating: 0, count: input.count)
    var unit = zip(input, center).map { scalbn($0 - $1, -exponent) }
    if single.hasHiddenBias { unit.append(scalbn(1, -exponent)) }
    let found = products(single.hiddenWeights, unit, unit).products
    return activations.indices.allSatisfy { j in
      (found[j] - activations[j]).magnitude <= Self.relative * sizes[j]
        || !(0..<single.outputCount).contains { single.outputWeights[$0, j] != 0 }
    }
  }

  /// Whether another class has a larger output by more than rounding.
  func rulesOut(_ label: Int) -> Bool {
    if outputs.count == 1 {
      let sign = certainSign(outputs[0], network.outputBias?[0] ?? 0, rounding, twice: 1)
      return sign != 0 && (sign > 0) != (label == 1)
    }
    return outputs.indices.contains { c in
      let bias = (network.outputBias?[c] ?? 0) - (network.outputBias?[label] ?? 0)
      return certainSign(outputs[c] - outputs[label], bias, 2 * rounding, twice: 2) > 0
    }
  }

  /// The sign of 2^power g + b, 0 where rounding may change it.
  private func certainSign(_ g: Double, _ b: Double, _ rounding: Double, twice: Double) -> Int {
    let largest = (network.outputBias ?? []).reduce(0) { max($0, $1.magnitude) }
    let biasRounding = twice * Self.relative * largest
    func sign(_ value: Double, _ error: Double) -> Int {
      value.magnitude > error ? (value > 0 ? 1 : -1) : 0
    }
    if power > 900 && g != 0 { return sign(g, rounding) }
    if power < -900 && b != 0 { return sign(b, biasRounding) }
    if power.magnitude > 900 { return g != 0 ? sign(g, rounding) : sign(b, biasRounding) }
    let factor = exp2(power)
    return sign(factor * g + b, factor * rounding + biasRounding)
  }
}

/// <w_j, x> and sum_i |w_ji| |y_i| of every row.
private func products(_ weights: Matrix<Double>, _ x: [Double], _ y: [Double])
  -> (products: [Double], sizes: [Double])
{
  var products = [Double](repeating: 0, count: weights.rows)
  var sizes = products
  weights.withPointer { base in
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        for j in 0..<weights.rows {
          let row = base + j * x.count
          var (sum, size) = (0.0, 0.0)
          for i in 0..<x.count {
            sum += row[i] * x[i]
            size += row[i].magnitude * y[i].magnitude
          }
          products[j] = sum
          sizes[j] = size
        }
      }
    }
  }
  return (products, sizes)
}
