import LinearCore

/// The neurons of a network as directions and contributions, on the way to fewer of both; see
/// ``ReducedNetwork`` for what each step may change.
///
/// With u_j = w_j / ||w_j|| and a_j = ||w_j|| (column j of V), f(x) - bias = sum_j a_j relu(<u_j, x>)^p.
/// The weight of a neuron is s_j = max_c |a_cj|; A is the sum of all weights.
///
/// With hidden biases everything is about (x, 1), of which the last coordinate is kept as it is: directions have it
/// behind the others, and only the others are projected.
struct NetworkReduction {
  let exponent: Double
  private let hasHiddenBias: Bool
  /// A = sum_j s_j over all neurons of the network.
  let total: Double
  /// u_j of the neurons left, or what stands for them: (neurons, D), later (neurons, rank); one column more with
  /// hidden biases.
  private(set) var directions: Matrix<Double>
  /// a_j as rows: (neurons, outputs).
  private(set) var contributions: Matrix<Double>
  /// s_j, largest first.
  private(set) var weights: [Double]
  /// Q^T: orthonormal rows, (rank, D).
  private(set) var basis: Matrix<Double>
  /// The summed weight of the neurons dropped.
  private(set) var dropped = 0.0
  /// At least the largest singular value of the rows sqrt(s_j) (u_j - P u_j).
  private(set) var outside = 0.0
  /// Largest singular value of the rows sqrt(s_j) (P u_j - m_j), m_j what neuron j was replaced by.
  private(set) var inside = 0.0

  /// All neurons that are not silent, by falling weight.
  init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>) {
    let norms = network.hiddenWeights.rowNorms().map { Double($0) }
    let output = network.outputWeights.transposed.converted(to: Double.self)
    let silent = Double(Scalar.leastNormalMagnitude)
    let weights = norms.indices.map { j in
      norms[j] < silent ? 0 : norms[j] * output.row(j).reduce(0) { max($0, $1.magnitude) }
    }
    let order = weights.indices.filter { weights[$0] > 0 }.sorted {
      (weights[$1], $0) < (weights[$0], $1)
    }
    exponent = network.exponent
    hasHiddenBias = network.hasHiddenBias
    self.weights = order.map { weights[$0] }
    total = self.weights.reduce(0, +)
    contributions = output.rows(at: order)
    for (row, j) in order.enumerated() { contributions.scaleRow(row, by: norms[j]) }
    directions = network.hiddenWeights.rows(at: order).converted(to: Double.self).rowsNormalized()
    basis = Matrix(rows: 0, columns: network.inputDimension)
  }

  /// B with |f(x) - f_reduced(x)| <= B ||x||^p for every output.
  var errorBound: Double {
    dropped
      + exponent * (total * (outside * outside + inside * inside)).squareRoot()
  }

  /// Drops the neurons of least weight, as long as their weights sum to at most `budget`.
  mutating func drop(budget: Double) {
    var kept = weights.count
    while kept > 1 && dropped + weights[kept - 1] <= budget {
      kept -= 1
      dropped += weights[kept]
    }
    select(0..<kept)
  }

  private mutating func select(_ range: Range<Int>) {
    directions = directions.rows(in: range)
    contributions = contributions.rows(in: range)
    weights = Array(weights[range])
  }

  /// The rows sqrt(s_j) r_j, whose largest singular value bounds the mean of <r_j, x>^2.
  private func weighted(_ rows: Matrix<Double>) -> Matrix<Double> {
    var result = rows
    for j in weights.indices { result.scaleRow(j, by: weights[j].squareRoot()) }
    return result
  }

  /// Projects on the leading right singular vectors of the rows sqrt(s_j) u_j: of all subspaces of that
  /// rank the one that leaves the least spectral norm outside. Takes the smallest rank that leaves at
  /// most `limit`.
  mutating func project(limit: Double) throws(FactorizationError) {
    let dimension = basis.columns
    let seen = hasHiddenBias ? directions.columns(in: 0..<dimension) : directions
    let rows = weighted(seen)
    if try !projectOnSample(rows, limit: limit) {
      let factors = try rows.singularValueDecomposition()
      let rank = max(1, factors.singularValues.count { $0 > limit })
      outside = rank < factors.singularValues.count ? factors.singularValues[rank] : 0
      basis = factors.vTransposed.rows(in: 0..<rank)
    }
    let projected = Matrix.product(seen, basis, transposeB: true)
    directions =
      hasHiddenBias ? projected.appendingColumn(directions.column(dimension)) : projected
  }

  /// The same without the decomposition of a large matrix, where few directions will do: the span of
  /// random combinations of the rows, sharpened by power iteration (Halko, Martinsson and Tropp, SIAM
  /// Review 2011, algorithm 4.4). Its leading directions are found inside it.
  ///
  /// What is chance is only whether it succeeds: the Frobenius norm of what lies outside the span is
  /// computed, and bounds the spectral norm.
  private mutating func projectOnSample(_ rows: Matrix<Double>, limit: Double)
    throws(FactorizationError) -> Bool
  {
    let size = 32
    if min(rows.rows, rows.columns) < 4 * size { return false }
    let random = Matrix<Double>.gaussian(
      rows: size, columns: rows.rows, stream: RandomStream(seed: 0).child("reduction"))
    var span = try Matrix.product(random, rows).orthonormalizedRows().basis
    for _ in 0..<2 {
      let images = try Matrix.product(span, rows, transposeB: true).orthonormalizedRows().basis
      span = try Matrix.product(images, rows).orthonormalizedRows().basis
    }
    let images = Matrix.product(rows, span, transposeB: true)
    var rest = rows
    rest.accumulate(images, span, alpha: -1)
    let lost = rest.frobeniusNorm
    let factors = try images.singularValueDecomposition()
    let room = (max(0, limit * limit - lost * lost)).squareRoot()
    let rank = max(1, factors.singularValues.count { $0 > room })
    if lost > limit || rank == size { return false }
    let next = factors.singularValues[rank]
    outside = (lost * lost + next * next).squareRoot()
    basis = Matrix.product(factors.vTransposed.rows(in: 0..<rank), span)
    return true
  }

  /// Merges neurons of similar direction into one, with sqrt(s_j) ||P u_j - m_j|| so small that `inside`
  /// stays within `limit`. Contributions add up.
  mutating func merge(limit: Double) throws(FactorizationError) {
    // All of n rows of norm t have a spectral norm between t and t sqrt(n): from loose to safe.
    var tolerance = 2 * limit
    let safe = limit / (2 * Double(weights.count).squareRoot())
    while true {
      let leaders = leaders(tolerance: max(tolerance, safe))
      let (means, differences) = centroids(leaders)
      let size = try weighted(differences).singularValues().first ?? 0
      if size <= limit {
        replace(leaders, by: means)
        inside = size
        return
      }
      // Centroids lie within the tolerance of their members' leader, so `safe` cannot fail.
      if tolerance <= safe { return }
      tolerance /= 2
    }
  }

  /// For each neuron the number of its group: the nearest earlier leader within the tolerance, or itself
  /// as a new one. Groups are numbered in the order of their leaders.
  private func leaders(tolerance: Double) -> [Int] {
    let (count, rank) = (directions.rows, directions.columns)
    var leaders: [Int] = []
    var groups = [Int](repeating: 0, count: count)
    directions.withPointer { rows in
      for j in 0..<count {
        var nearest = (distance: Double.infinity, group: 0)
        for (group, leader) in leaders.enumerated() {
          let (a, b) = (rows + j * rank, rows + leader * rank)
          var sum = 0.0
          for i in 0..<rank { sum += (a[i] - b[i]) * (a[i] - b[i]) }
          if sum < nearest.distance { nearest = (sum, group) }
        }
        if weights[j] * nearest.distance <= tolerance * tolerance {
          groups[j] = nearest.group
        } else {
          groups[j] = leaders.count
          leaders.append(j)
        }
      }
    }
    return groups
  }

  /// The mean direction of every group, weighted by s_j, and P u_j minus that of its group.
  private func centroids(_ groups: [Int]) -> (means: Matrix<Double>, differences: Matrix<Double>) {
    let count = (groups.max() ?? -1) + 1
    var shares = Matrix<Double>(rows: count, columns: groups.count)
    var sums = [Double](repeating: 0, count: count)
    for (j, group) in groups.enumerated() { sums[group] += weights[j] }
    for (j, group) in groups.enumerated() { shares[group, j] = weights[j] / sums[group] }
    let means = Matrix.product(shares, directions)
    var differences = directions
    differences.subtract(means.rows(at: groups))
    return (means, differences)
  }

  private mutating func replace(_ groups: [Int], by means: Matrix<Double>) {
    var membership = Matrix<Double>(rows: means.rows, columns: groups.count)
    var sums = [Double](repeating: 0, count: means.rows)
    for (j, group) in groups.enumerated() {
      membership[group, j] = 1
      sums[group] += weights[j]
    }
    contributions = Matrix.product(membership, contributions)
    directions = means
    weights = sums
  }
}
