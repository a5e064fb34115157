import LinearCore
import Networks

/// A local maximum of |c f - F| in the reduced space.
struct DistanceMaximum {
  /// Of unit norm, `rank` coordinates.
  let point: [Double]
  /// f and F there.
  let values: ClassifierValues
}

/// c f - F in the few dimensions that f and F depend on; see ``DistanceSearch``.
struct ReducedDifference {
  let rank: Int
  let neurons: Int
  /// A bound of |F| on the unit ball: the size of the numbers at hand.
  let total: Double
  private let exponent: Double
  /// Q^T, (rank, D); nil for all dimensions.
  let basis: Matrix<Double>?
  /// u_j: unit rows, (neurons, rank).
  private let units: Matrix<Double>
  /// ||w_j|| v_j in f and in F.
  private let coefficients: [ClassifierValues]
  /// f is reduced multiplied by this, which makes it as large as F.
  private let unit: Double
  /// B of the reduction, for either output.
  private let bound: Double
  /// Dimensions that can all be searched.
  private static let smallDimension = 128
  /// Directions to start from: unit rows, (any, rank).
  private let references: Matrix<Double>

  /// Reduces a pair.
  /// - Parameters:
  ///   - tolerance: the share of the contributions that may be lost.
  ///   - neuronLimit: neurons to start from.
  ///   - directions: further directions to start from, (any, D).
  init(
    _ difference: ClassifierDifference<Double>, tolerance: Double, neuronLimit: Int,
    directions: Matrix<Double>?
  ) throws(NetworkError) {
    let totals = difference.totals
    guard totals.ideal > 0 else { throw NetworkError("the ideal classifier is 0 everywhere") }
    unit = totals.network > 0 ? totals.ideal / totals.network : 1
    var pair = difference.pair
    for j in 0..<difference.networkWidth { pair.outputWeights[0, j] *= unit }
    var reduced: ReducedNetwork<Double>?
    // What is small needs no reduction; what is large and has no small part gets the least inexact one.
    var share = max(tolerance, 1e-12)
    while reduced == nil && share < 1 {
      reduced = try? ReducedNetwork(pair, tolerance: share)
      if pair.inputDimension <= Self.smallDimension { break }
      share *= 10
    }
    let network = reduced?.network ?? pair
    let norms = network.hiddenWeights.rowNorms()
    let alive = norms.indices.filter { norms[$0] >= Double.leastNormalMagnitude }
    exponent = network.exponent
    basis = reduced?.basis
    bound = reduced?.summary.errorBound ?? 0
    rank = network.inputDimension
    neurons = alive.count
    total = totals.ideal
    let unit = unit
    coefficients = alive.map {
      ClassifierValues(
        network: network.outputWeights[0, $0] * norms[$0] / unit,
        ideal: network.outputWeights[1, $0] * norms[$0])
    }
    units = network.hiddenWeights.rows(at: alive).rowsNormalized()
    let ideal = Array(difference.networkWidth..<pair.hiddenWidth)
    var rows = Self.projected(pair.hiddenWeights.rows(at: ideal), basis).elements
    if let directions { rows += Self.projected(directions, basis).elements }
    let sizes = coefficients.map { ($0.network * unit).magnitude }
    let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    rows += units.rows(at: Array(order.prefix(neuronLimit))).elements
    references = Matrix(rows: rows.count / rank, columns: rank, elements: rows).rowsNormalized()
  }

  private static func projected(_ rows: Matrix<Double>, _ basis: Matrix<Double>?) -> Matrix<Double>
  {
    basis.map { Matrix.product(rows, $0, transposeB: true) } ?? rows
  }

  /// |c f(x) - F(x) - h(Q^T x)| is at most this on the unit ball.
  func errorBound(scale: Double) -> Double { (scale.magnitude / unit + 1) * bound }

  /// Unit vectors of all dimensions at the points found: (points, D).
  func lift(_ maxima: [DistanceMaximum]) -> Matrix<Double> {
    let points = Matrix(maxima.map(\.point))
    return (basis.map { Matrix.product(points, $0) } ?? points).rowsNormalized()
  }

  /// Both signs of the references, of the sums and differences of the first ones, and of random
  /// directions: (starts, rank).
  func starts(bisected: Int, random: Int, stream: RandomStream) -> Matrix<Double> {
    let first = (0..<min(bisected, references.rows)).map { references.row($0) }
    var rows = (0..<references.rows).map { references.row($0) }
    for (i, a) in first.enumerated() {
      for b in first[..<i] {
        rows.append(zip(a, b).map { $0 + $1 })
        rows.append(zip(a, b).map { $0 - $1 })
      }
    }
    let drawn = Matrix<Double>.gaussian(
      rows: random, columns: rank, stream: stream.child("distance-starts"))
    rows += (0..<random).map { drawn.row($0) }
    // The bisector of two equal directions is rounding.
    rows = rows.filter { RowKernels.norm(rank, $0) > 1e-6 }
    return Matrix(rows + rows.map { $0.map { -$0 } })
  }

  /// Local maxima of |c f - F| reached from all starts, and from random steps of several sizes around the
  /// highest ones found, until these lead no higher: for p < 2 every neuron's kink separates maxima that
  /// lie close together.
  func search(scale: Double, starts: Matrix<Double>, stream: RandomStream) -> [DistanceMaximum] {
    var found = maxima(scale: scale, starts: starts)
    for round in 0..<10 {
      guard let highest = found.first?.values.distance(scale: scale) else { break }
      var draw = stream.child("distance-kicks", round)
      let kicked = found.prefix(16).flatMap { maximum in
        (0..<12).map { number in
          let size = [0.03, 0.1, 0.3][number % 3] / Double(rank).squareRoot()
          return maximum.point.map { $0 + size * draw.nextGaussian() }
        }
      }
      found = Self.distinct(found + maxima(scale: scale, starts: Matrix(kicked)), scale: scale)
      if found[0].values.distance(scale: scale) <= highest + 1e-10 * total { break }
    }
    return found
  }

  /// The distinct local maxima of |c f - F| reached from some starts, the largest first.
  func maxima(scale: Double, starts: Matrix<Double>) -> [DistanceMaximum] {
    var found = [DistanceMaximum?](repeating: nil, count: starts.rows)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      Parallel.forEachBlock(of: starts.rows, size: 8) { _, range in
        let function = function { scale * $0.network - $0.ideal }
        let maximizer = SphereMaximizer()
        var gradient = [Double](repeating: 0, count: rank)
        for i in range {
          let start = starts.row(i)
          let value = function.evaluate(start, sign: 1, gradient: &gradient)
          let maximum = maximizer.maximize(function, from: start, sign: value < 0 ? -1 : 1)
          found[i] = DistanceMaximum(point: maximum.point, values: values(maximum.point))
        }
      }
    }
    return Self.distinct(found.map { $0! }, scale: scale)
  }

  /// The points by falling |c f - F|, the highest one of every neighbourhood; at most 100.
  static func distinct(_ maxima: [DistanceMaximum], scale: Double) -> [DistanceMaximum] {
    let sizes = maxima.map { $0.values.distance(scale: scale) }
    var kept: [DistanceMaximum] = []
    for index in maxima.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
      let candidate = maxima[index]
      let isNew = kept.allSatisfy { other in
        zip(candidate.point, other.point).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } > 1e-6
      }
      if isNew { kept.append(candidate) }
      if kept.count == 100 { break }
    }
    return kept
  }

  private func function(_ coefficient: (ClassifierValues) -> Double) -> SphereFunction {
    SphereFunction(
      exponent: exponent, directions: units, coefficients: coefficients.map(coefficient))
  }

  /// f and F at a unit vector.
  private func values(_ point: [Double]) -> ClassifierValues {
    var gradient = point
    return ClassifierValues(
      network: function(\.network).evaluate(point, sign: 1, gradient: &gradient),
      ideal: function(\.ideal).evaluate(point, sign: 1, gradient: &gradient))
  }
}
