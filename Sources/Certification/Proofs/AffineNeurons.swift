import LinearCore
import Networks

/// The neurons of an ``EffectiveNetwork`` with hidden biases as the adversary meets them, who moves x and not the
/// constant coordinate.
///
/// A neuron a phi(<(r, beta), (x, 1)>), where ‖r‖^2 + beta^2 = 1, is
///
///     a ‖r‖^p phi(<r/‖r‖, x> + beta/‖r‖) .
///
/// Where ‖r‖ is so small that beta/‖r‖ would dwarf all inputs, it is taken for the constant a phi(beta): with
/// |<r, x>| <= ‖r‖ ‖x‖ and phi' <= p ‖(x, 1)‖^(p-1) between the two, that costs at most
/// |a| p ‖r‖ ‖(x, 1)‖^p.
struct AffineNeurons {
  /// r/‖r‖: (neurons, rank).
  let directions: Matrix<Double>
  /// a ‖r‖^p.
  private(set) var contributions: [Double] = []
  /// beta/‖r‖.
  private(set) var offsets: [Double] = []
  /// ‖r‖^p of every neuron of the network; nil where it is taken for a constant, or a is 0.
  private(set) var factors: [Double?] = []
  /// The sum of a phi(beta) over neurons that are taken for constants.
  private(set) var constant = 0.0
  /// What taking neurons for constants may change, rounding included, as a share of ‖(x, 1)‖^p.
  private(set) var constantError = 0.0
  /// By how much a phi(z) of a neuron may differ for rounding, as a share of a ‖(x, 1)‖^p.
  let relativeError: Double
  /// What all of this may change as a share of ‖(x, 1)‖^p.
  var error: Double { constantError + total * relativeError }
  private var total = 0.0

  /// Neurons of smaller ‖r‖ are taken for constants.
  private static let smallestLength = 1e-6

  /// - Parameter values: a_j of every neuron.
  init(_ network: EffectiveNetwork, contributions values: [Double]) {
    let (p, rank) = (network.exponent, network.rank)
    let parts = network.directions.columns(in: 0..<rank)
    let lengths = parts.rowNorms()
    // Of every quotient and power, which phi multiplies by at most p.
    relativeError = (p + 2) * EffectiveNetwork.rounding(dimension: rank + values.count)
    var kept: [Int] = []
    for (j, a) in values.enumerated() {
      factors.append(nil)
      if a == 0 { continue }
      let beta = network.directions[j, rank]
      if lengths[j] < Self.smallestLength {
        if beta > 0 { constant += a * Double.power(beta, p) }
        constantError += a.magnitude * (p * lengths[j] * (1 + 1e-12) + relativeError)
      } else {
        let factor = Double.power(lengths[j], p)
        kept.append(j)
        factors[j] = factor
        total += a.magnitude
        contributions.append(a * factor)
        offsets.append(beta / lengths[j])
      }
    }
    directions = parts.rows(at: kept).rowsNormalized()
  }
}
