import LinearCore
import Networks

/// An upper bound of sup over ‖x‖ = 1 of D(x) = sum_j a_j phi(<u_j, x>), a_j of either sign, where the
/// directions lie close to few that are orthonormal: what is left of c f - F^(p) when training went well.
///
/// Branch and bound sees two large sums that nearly cancel and has to cut finely to notice. Here every neuron
/// is given to the direction m_k closest to u_j, at the angle theta_j: u_j = cos(theta_j) m_k +
/// sin(theta_j) e_j with e_j orthogonal to m_k. With z_k = <m_k, x>, |<e_j, x>| <= sqrt(1 - z_k²), so that
///
///     <u_j, x> lies between cos(theta_j) z_k -+ sin(theta_j) sqrt(1 - z_k²),
///
/// and the neurons of m_k together add at most h_k(z_k²), an increasing neuron entering with its upper end and a
/// decreasing one with its lower end. As sum_k z_k² <= 1, D is at most the maximum of sum_k h_k(s_k) over
/// s >= 0, sum_k s_k <= 1: a problem of sharing out, solved on a grid by dynamic programming. A grid cell counts
/// with a bound of h_k on all of it and uses up its lower end, so that the maximum found is an upper bound.
struct AlignedDistance {
  /// Cells of the interval [0, 1] of s.
  private static let cells = 2000
  /// The share of all contributions that is not looked at in detail.
  private static let neglected = 1e-6

  private let exponent: Double
  /// For each m_k the neurons given to it.
  private let groups: [[Neuron]]
  /// The summed |a_j| of neurons that count with nothing but that.
  private let rest: Double
  /// The sum of all |a_j|.
  private let total: Double
  /// The length of a cell: 1 / cells and a little more where the m_k are orthonormal up to rounding only.
  private let cell: Double

  private struct Neuron {
    /// a_j.
    let contribution: Double
    /// Bounds of theta_j's cosine and sine, rounding included.
    let cosine: ClosedRange<Double>
    let sine: Double
  }

  /// Groups neurons around directions.
  ///
  /// - Parameters:
  ///   - directions: u_j, unit rows, (neurons, dimension).
  ///   - contributions: a_j.
  ///   - centers: m_k, unit rows, (any number, dimension).
  /// - Returns: nil where the m_k are not orthonormal.
  init?(
    exponent: Double, directions: Matrix<Double>, contributions: [Double], centers: Matrix<Double>
  ) {
    var products = Matrix.product(centers, centers, transposeB: true)
    products.subtract(.identity(centers.rows))
    let rounding = EffectiveNetwork.rounding(dimension: centers.columns)
    // sum_k z_k² <= ‖M M^T‖ ‖x‖².
    let excess = products.frobeniusNorm + rounding
    guard excess < 1e-3 else { return nil }
    self.exponent = exponent
    cell = (1 + excess) / Double(Self.cells)
    let cosines = Matrix.product(directions, centers, transposeB: true)
    total = contributions.reduce(0) { $0 + $1.magnitude }
    var groups = [[Neuron]](repeating: [], count: centers.rows)
    var rest = 0.0
    let rising = contributions.indices.sorted {
      contributions[$0].magnitude < contributions[$1].magnitude
    }
    for j in rising {
      let contribution = contributions[j]
      if rest + contribution.magnitude <= Self.neglected * total {
        rest += contribution.magnitude
        continue
      }
      let row = cosines.row(j)
      let k = row.indices.max { row[$0] < row[$1] }!
      // What is orthogonal to m_k, not the root of 1 - cos², which loses half of the digits.
      var square = 0.0
      for (u, m) in zip(directions.row(j), centers.row(k)) {
        square += (u - row[k] * m) * (u - row[k] * m)
      }
      groups[k].append(
        Neuron(
          contribution: contribution, cosine: (row[k] - rounding)...(row[k] + rounding),
          sine: square.squareRoot() + rounding))
    }
    self.groups = groups
    self.rest = rest
  }

  /// At least sup over ‖x‖ = 1 of `sign` D, and at least 0.
  func supremum(sign: Double) -> Double {
    // best[m]: the most that the groups so far add with m cells shared out.
    var best = [Double](repeating: 0, count: Self.cells + 1)
    for group in groups where !group.isEmpty {
      let values = (0...Self.cells).map { bound(group, sign: sign, cell: $0) }
      var next = best
      for m in 0...Self.cells {
        var most = -Double.infinity
        for i in 0...m { most = max(most, best[m - i] + values[i]) }
        next[m] = most
      }
      best = next
    }
    // Rounding: thousands of additions and powers of numbers that are no larger than the total.
    return max(0, best.max()!) + rest + total * (exponent + 4) * 1e-12
  }

  /// At least h_k(s) for s in the cell number `index`, z of either sign.
  private func bound(_ group: [Neuron], sign: Double, cell index: Int) -> Double {
    let (low, high) = (Double(index) * cell, Double(index + 1) * cell)
    let z = low.squareRoot()...high.squareRoot()
    let across = max(0, 1 - low).squareRoot()
    return max(
      sum(group, sign, z: z, across: across),
      sum(group, sign, z: (-z.upperBound)...(-z.lowerBound), across: across))
  }

  /// At least the sum of the group's terms for z in an interval and |<e_j, x>| <= across.
  private func sum(
    _ group: [Neuron], _ sign: Double, z: ClosedRange<Double>, across: Double
  ) -> Double {
    var sum = 0.0
    for neuron in group {
      let products = [
        neuron.cosine.lowerBound * z.lowerBound, neuron.cosine.lowerBound * z.upperBound,
        neuron.cosine.upperBound * z.lowerBound, neuron.cosine.upperBound * z.upperBound,
      ]
      let a = sign * neuron.contribution
      let extreme =
        a > 0
        ? products.max()! + neuron.sine * across : products.min()! - neuron.sine * across
      if extreme > 0 { sum += a * Double.power(min(1, extreme), exponent) }
    }
    return sum
  }
}
