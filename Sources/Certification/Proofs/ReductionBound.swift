import LinearCore
import Networks

/// Bounds how far an ``EffectiveNetwork`` may be from a network, from nothing but the two: how the reduction
/// was found does not matter.
///
/// Every neuron j of the network, with unit direction u_j and contribution a_j = ||w_j|| V_:j of weight
/// s_j = max_c |a_cj|, is given to the effective neuron k of closest direction, stretched by a factor
/// r_k <= 1, or to none. Outputs differ by at most ||x||^p times
///
///     sum of s_j, j given to none  +  max_c sum_k |sum_{j to k} a_cj - a_ck / r_k^p|  +  moved .
///
/// The last is what moving directions by delta_j = u_j - r_k Q^T m_k changes. Let A be the sum of the s_j and sigma the
/// spectral norm of the rows sqrt(s_j) delta_j, of all neurons or of those given to one k. Since phi' <= p ||x||^(p-1)
/// between <u_j, x> and r_k <m_k, Q x>, moved is at most
///
///     p sum_j s_j |<delta_j, x>| / ||x||  <=  p sqrt(A) sigma       by Cauchy-Schwarz.
///
/// Where r_k m_k is the mean of the directions it stands for, first orders cancel. Taylor's formula leaves, for every k,
///
///     p max_c ||sum_{j to k} a_cj delta_j||  +  p (p - 1) / 2 sigma_k^2                 at p >= 2,
///                                               A_k^(1 - p/2) sigma_k^p                 at p < 2,
///
/// with phi'' <= p (p - 1) ||x||^(p-2), or |phi'(s) - phi'(t)| <= p |s - t|^(p-1) and Jensen's inequality.
struct ReductionBound {
  private let exponent: Double
  /// u_j and a_j.
  private let directions: Matrix<Double>
  private let contributions: Matrix<Double>
  private let weights: [Double]
  /// At most the sum of the weights of neurons whose rows are too small to have a direction.
  let leftOut: Double

  /// The sum of the weights: no output exceeds it on unit inputs.
  var total: Double { weights.reduce(0, +) }

  init(_ network: PReLUNetwork<Double>) {
    exponent = network.exponent
    let norms = network.hiddenWeights.rowNorms()
    let active = norms.indices.filter { norms[$0] >= .leastNormalMagnitude }
    // Rows of denormal length have no direction that double precision knows.
    leftOut = norms.indices.filter { norms[$0] < .leastNormalMagnitude }.reduce(0) { sum, j in
      guard network.hiddenWeights.row(j).contains(where: { $0 != 0 }) else { return sum }
      let largest = network.outputWeights.column(j).reduce(0) { max($0, $1.magnitude) }
      return sum + .leastNormalMagnitude * (1 + Double(network.hiddenWeights.columns)) * largest
    }
    directions = network.hiddenWeights.rows(at: active).rowsNormalized()
    var contributions = network.outputWeights.transposed.rows(at: active)
    for (row, j) in active.enumerated() { contributions.scaleRow(row, by: norms[j]) }
    self.contributions = contributions
    weights = active.indices.map { row in
      contributions.row(row).reduce(0) { max($0, $1.magnitude) }
    }
  }

  /// The bound for effective neurons of unit directions m (neurons, rank), contributions
  /// (neurons, outputs), in the span of `basis` (rank, dimension) or of everything.
  ///
  /// Rounding is included: of the directions, the sums, and of the effective network's evaluation.
  func bound(
    directions m: Matrix<Double>, contributions target: Matrix<Double>, basis: Matrix<Double>?
  ) -> Double {
    let total = total
    let dimension = directions.columns
    let rounding = EffectiveNetwork.rounding(dimension: dimension + weights.count)
    // Nothing was changed; among parallel neurons the nearest need not be the same one.
    if basis == nil && m == directions && target == contributions {
      return total * exponent * rounding + leftOut
    }
    let groups = nearest(m, basis)
    let (count, outputs) = (m.rows, target.columns)
    var sums = Matrix<Double>(rows: count, columns: outputs)
    var none = leftOut
    for (j, group) in groups.enumerated() {
      guard let group else {
        none += weights[j]
        continue
      }
      for c in 0..<outputs { sums[group, c] += contributions[j, c] }
    }
    let stretch = (0..<count).map { k in Self.stretch(sums.row(k), target.row(k), exponent) }
    var mismatch = [Double](repeating: 0, count: outputs)
    for k in 0..<count {
      let factor = Double.power(stretch[k], -exponent)
      for c in 0..<outputs { mismatch[c] += (sums[k, c] - factor * target[k, c]).magnitude }
    }
    let rows = residuals(groups, stretch, m, basis)
    let moved = min(
      exponent * total.squareRoot() * Self.spectralNorm(rows),
      movedAroundMeans(rows, groups, count: count, rounding: rounding))
    return (none + (mismatch.max() ?? 0) + moved) * (1 + rounding) + total * exponent * rounding
  }

  /// What moving directions changes, group by group, with the first orders of a group added up before they are measured.
  ///
  /// - Parameter rows: sqrt(s_j) delta_j of the neurons given away, in their order.
  private func movedAroundMeans(
    _ rows: Matrix<Double>, _ groups: [Int?], count: Int, rounding: Double
  ) -> Double {
    let given = groups.indices.filter { groups[$0] != nil }
    var members = [[Int]](repeating: [], count: count)
    for (row, j) in given.enumerated() { members[groups[j]!].append(row) }
    return members.filter { !$0.isEmpty }.reduce(0) { sum, group in
      let part = rows.rows(at: group)
      let shares = group.map { contributions.row(given[$0]) }
      let roots = group.map { weights[given[$0]].squareRoot() }
      let weight = group.reduce(0) { $0 + weights[given[$1]] }
      // Of each output: sum_j (a_cj / sqrt(s_j)) (sqrt(s_j) delta_j).
      let first = (0..<contributions.columns).map { c in
        Norm.l2.length(part.transposed.times(zip(shares, roots).map { $0[c] / $1 }))
      }
      let sigma = Self.spectralNorm(part) * (1 + rounding) + rounding * weight.squareRoot()
      let second =
        exponent >= 2
        ? 0.5 * exponent * (exponent - 1) * sigma * sigma
        : Double.power(weight, 1 - exponent / 2) * Double.power(sigma, exponent)
      return sum
        + min(
          exponent * weight.squareRoot() * sigma, exponent * (first.max() ?? 0) + second)
    }
  }

  /// Without convergence of LAPACK's iteration the Frobenius norm will do.
  private static func spectralNorm(_ rows: Matrix<Double>) -> Double {
    (try? rows.singularValues().first ?? 0) ?? rows.frobeniusNorm
  }

  /// Effective neurons that stand for exactly the neurons nearest to them: mean directions (neurons, rank) and sums of
  /// contributions (neurons, outputs), for the length of the mean. Where many directions lie close together, those a
  /// reduction has found need not.
  func nearestMeans(directions m: Matrix<Double>, basis: Matrix<Double>?)
    -> (directions: Matrix<Double>, contributions: Matrix<Double>)
  {
    let groups = nearest(m, basis)
    let inside = basis.map { Matrix.product(directions, $0, transposeB: true) } ?? directions
    var means = Matrix<Double>(rows: m.rows, columns: m.columns)
    var sums = Matrix<Double>(rows: m.rows, columns: contributions.columns)
    var totals = [Double](repeating: 0, count: m.rows)
    for (j, group) in groups.enumerated() {
      guard let group else { continue }
      totals[group] += weights[j]
      for i in 0..<m.columns { means[group, i] += weights[j] * inside[j, i] }
      for c in 0..<contributions.columns { sums[group, c] += contributions[j, c] }
    }
    let lengths = means.rowNorms()
    let kept = lengths.indices.filter { lengths[$0] > 0 }
    for k in kept { sums.scaleRow(k, by: Double.power(lengths[k] / totals[k], exponent)) }
    return (means.rows(at: kept).rowsNormalized(), sums.rows(at: kept))
  }

  /// The effective neuron of closest direction for each neuron; nil where leaving it out costs less.
  private func nearest(_ m: Matrix<Double>, _ basis: Matrix<Double>?) -> [Int?] {
    let inside = basis.map { Matrix.product(directions, $0, transposeB: true) } ?? directions
    let cosines = Matrix.product(inside, m, transposeB: true)
    return weights.indices.map { j in
      let row = cosines.row(j)
      guard weights[j] > 0, let best = row.indices.max(by: { row[$0] < row[$1] }) else {
        return nil
      }
      // ||u - m||^2 = 2 (1 - cos) against the whole contribution.
      return exponent * (2 * max(0, 1 - row[best])).squareRoot() < 1 ? best : nil
    }
  }

  /// r with target = r^p sum in the least-squares sense, between 1/2 and 1.
  private static func stretch(_ sum: [Double], _ target: [Double], _ p: Double) -> Double {
    let square = sum.reduce(0) { $0 + $1 * $1 }
    let product = zip(sum, target).reduce(0) { $0 + $1.0 * $1.1 }
    guard square > 0, product > 0 else { return 1 }
    return min(1, max(0.5, Double.power(product / square, 1 / p)))
  }

  /// The rows sqrt(s_j) delta_j of the neurons given away.
  private func residuals(
    _ groups: [Int?], _ stretch: [Double], _ m: Matrix<Double>, _ basis: Matrix<Double>?
  ) -> Matrix<Double> {
    let lifted = basis.map { Matrix.product(m, $0) } ?? m
    let given = groups.indices.filter { groups[$0] != nil }
    var rows = directions.rows(at: given)
    var subtracted = lifted.rows(at: given.map { groups[$0]! })
    for (row, j) in given.enumerated() { subtracted.scaleRow(row, by: stretch[groups[j]!]) }
    rows.subtract(subtracted)
    for (row, j) in given.enumerated() { rows.scaleRow(row, by: weights[j].squareRoot()) }
    return rows
  }
}
