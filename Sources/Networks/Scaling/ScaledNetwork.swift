import Foundation
import LinearCore

/// A network of double precision in units in which single precision holds it: the same function up to a
/// factor, and up to ordinary rounding, relative 2^-24, of every weight.
///
/// With u_j = w_j / ||w_j|| and c_j = ||w_j|| (column j of V),
///
///     f(x) = sum_j c_j relu(<u_j, x - center>)^p + bias       (over ||x - center||^(p-1) with input
///                                                              normalisation).
///
/// Only c_j counts, not how it is shared between w_j and V; so every row is brought to a length near 1 by a
/// power of two, which goes to its column of V. In the unit 2^k of length, x = 2^k y, f is 2^(k q) times a
/// network of y with the bias divided by 2^(k q), q = p or, with input normalisation, 1. A last power of two
/// divides all c_j and the bias. Directions, predictions and the ratio of any two contributions stay as they
/// are; radii are those in y times 2^k.
package struct ScaledNetwork: Sendable {
  /// The network in y.
  package let network: PReLUNetwork<Float>
  /// The same in double precision, where no neuron is lost: weights are those that were given.
  package let exact: PReLUNetwork<Double>
  /// k: the unit of length is 2^k.
  package let unitExponent: Int
  /// The contributions |c_j| of the network that was given are those of ``network`` times 2 to this.
  package let contributionExponent: Int
  /// Neurons that contribute so little that single precision holds 0 in their place, less than 1e-30 of
  /// the largest contribution.
  package let lostNeurons: Int

  /// Exponents of what lies within this of the largest contribution or of the bias are kept.
  private static var range: Int { 180 }
  /// The largest exponent of contributions and bias, and the smallest that counts, negated.
  private static var largest: Int { 80 }
  private static var smallest: Int { 115 }

  /// Scales a network.
  ///
  /// - Throws: ``NetworkError`` where bias and weights differ by more than single precision can hold.
  package init(_ network: PReLUNetwork<Double>, unitExponent k: Int = 0) throws(NetworkError) {
    let exponents = NeuronExponents(network)
    let q = network.normalizeInput ? 1 : network.exponent
    let shift = q * Double(k)
    guard k == 0 || !network.hasHiddenBias else {
      throw NetworkError(
        "\(SettingName("model")): a network with hidden biases takes samples and a center of ordinary size only; "
          + "these are of size 2^\(k)")
    }
    guard shift.magnitude < 1e6 else {
      throw NetworkError(
        "\(SettingName("model")): outputs of p = \(network.exponent) on samples of size 2^\(k) are beyond single precision"
      )
    }
    let bias = (network.outputBias ?? []).reduce(0) { max($0, $1.magnitude) }
    let biasExponent = bias > 0 ? Int(saturating: (Double(bias.exponent) - shift).rounded()) : nil
    guard let top = exponents.contributions.compactMap({ $0 }).max() else {
      // A network of zeros, or of its bias alone.
      let scale = biasExponent ?? 0
      try self.init(network, exponents, unitExponent: k, scale: scale, shift: shift)
      return
    }
    var (low, high) = (top, top)
    if let biasExponent {
      guard (biasExponent - top).magnitude <= Self.range else {
        throw NetworkError(
          "\(SettingName("model")): outputs without the bias are 2^\((biasExponent - top).magnitude) times "
            + "\(biasExponent > top ? "smaller" : "larger") than the bias, on samples of size 2^\(k); single "
            + "precision does not hold both")
      }
      (low, high) = (min(low, biasExponent), max(high, biasExponent))
    }
    // As many of the lesser neurons as fit.
    let lesser = exponents.contributions.compactMap { $0 }
      .filter { $0 >= high - Self.range }.min()
    low = min(low, lesser ?? low)
    let scale = min(max(top, high - Self.largest), low + Self.smallest)
    try self.init(network, exponents, unitExponent: k, scale: scale, shift: shift)
  }

  /// The network as it is, for one that single precision holds.
  package init(unscaled network: PReLUNetwork<Float>) {
    self.network = network.withoutDenormalWeights()
    exact = network.converted(to: Double.self)
    (unitExponent, contributionExponent, lostNeurons) = (0, 0, 0)
  }

  private init(
    _ original: PReLUNetwork<Double>, _ exponents: NeuronExponents, unitExponent k: Int,
    scale: Int, shift: Double
  ) throws(NetworkError) {
    var hidden = original.hiddenWeights
    var output = original.outputWeights
    var lost = 0
    for j in 0..<original.hiddenWidth {
      // A row of zeros adds nothing, whatever its output weights are.
      let row = exponents.rows[j]
      if let row { hidden.scaleExponent(row: j, by: -row) }
      for c in 0..<original.outputCount {
        output[c, j] = row.map { scalbn(output[c, j], $0 - scale) } ?? 0
      }
      if let contribution = exponents.contributions[j], contribution - scale < -125 { lost += 1 }
    }
    let whole = shift.rounded(.down)
    let fraction = pow(2, whole - shift)
    exact = try PReLUNetwork(
      exponent: original.exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: original.outputBias?.map {
        scalbn($0 * fraction, Int(saturating: -whole) - scale)
      },
      center: original.center?.map { Self.flushed(scalbn($0, -k)) },
      normalizeInput: original.normalizeInput, hasHiddenBias: original.hasHiddenBias)
    network = exact.converted(to: Float.self).withoutDenormalWeights()
    unitExponent = k
    contributionExponent = scale
    lostNeurons = lost
  }
}

extension ScaledNetwork {
  /// A coordinate of the center, 0 where single precision holds it as a denormal number at best.
  fileprivate static func flushed(_ value: Double) -> Double {
    value.magnitude < Double(Float.leastNormalMagnitude) ? 0 : value
  }
}

/// The powers of two in the weights of a network.
struct NeuronExponents {
  /// The exponent of the largest weight of every hidden row; nil for rows of zeros.
  let rows: [Int?]
  /// The same of every column of the output weights.
  let columns: [Int?]
  /// The sum of the two: the exponent of the contribution, up to a factor of the root of the dimension.
  let contributions: [Int?]

  init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>) {
    let (width, dimension) = (network.hiddenWidth, network.hiddenWeights.columns)
    var rows = [Int?](repeating: nil, count: width)
    var columns = rows
    network.hiddenWeights.withPointer { weights in
      for j in 0..<width {
        let largest = Scalar.largestMagnitude(dimension, weights + j * dimension)
        rows[j] = largest > 0 ? Int(truncatingIfNeeded: largest.exponent) : nil
      }
    }
    for j in 0..<width {
      let largest = (0..<network.outputCount).reduce(Scalar(0)) {
        max($0, network.outputWeights[$1, j].magnitude)
      }
      columns[j] = largest > 0 ? Int(truncatingIfNeeded: largest.exponent) : nil
    }
    self.rows = rows
    self.columns = columns
    contributions = zip(rows, columns).map { row, column in
      if let row, let column { row + column } else { nil }
    }
  }
}

extension PReLUNetwork {
  /// Whether single precision computes with the network as it is: all weights are in its range, and those
  /// of neurons that count are far from its ends. Networks as training leaves them are.
  public var suitsSinglePrecision: Bool {
    let others = outputWeights.elements + (outputBias ?? []) + (center ?? [])
    let isHeld = { (value: Scalar) in Float(value).isFinite }
    guard hiddenWeights.elements.allSatisfy(isHeld), others.allSatisfy(isHeld) else { return false }
    let bias = (outputBias ?? []).reduce(Scalar(0)) { max($0, $1.magnitude) }
    if bias > 0 && abs(Int(truncatingIfNeeded: bias.exponent)) > 60 { return false }
    let exponents = NeuronExponents(self)
    guard let top = exponents.contributions.compactMap({ $0 }).max() else { return true }
    for case (let row?, let column?) in zip(exponents.rows, exponents.columns) {
      if row + column < top - 180 { continue }
      let isDominant = row + column >= top - 40
      if abs(row) > (isDominant ? 40 : 115) { return false }
      if abs(column) > (isDominant ? 60 : 115) { return false }
    }
    return true
  }
}

extension PReLUNetwork<Float> {
  /// The network with weights below the normal range as 0: some computations take them for 0 and some do not.
  fileprivate func withoutDenormalWeights() -> PReLUNetwork {
    func isDenormal(_ value: Float) -> Bool {
      value != 0 && value.magnitude < Float.leastNormalMagnitude
    }
    func flushed(_ values: [Float]) -> [Float] { values.map { isDenormal($0) ? 0 : $0 } }
    let all = [hiddenWeights.elements, outputWeights.elements, outputBias ?? []]
    if !all.contains(where: { $0.contains(where: isDenormal) }) { return self }
    // Zeros fit wherever other numbers did.
    var result = self
    result.hiddenWeights.elements = flushed(hiddenWeights.elements)
    result.outputWeights.elements = flushed(outputWeights.elements)
    result.outputBias = outputBias.map(flushed)
    return result
  }
}

extension Matrix<Double> {
  /// Multiplies a row by a power of two.
  fileprivate mutating func scaleExponent(row: Int, by exponent: Int) {
    for column in 0..<columns { self[row, column] = scalbn(self[row, column], exponent) }
  }
}
