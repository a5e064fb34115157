import LinearCore
import Networks

/// The coordinates in which gradient ascent of |c f - F| is carried out: those in the span of the few
/// directions that c f and F depend on, and one more.
///
/// With Q an orthonormal basis of that span, x is seen through Q^T x only, and gradients lie in the span. What
/// is orthogonal to it changes in length alone, when a point is put back on the sphere. So steps along
/// normalised gradients are the same for (Q^T x, ||x - Q Q^T x||) as for x, up to the error of the reduction.
struct ReducedCoordinates<Scalar: LinearScalar> {
  /// (c f, F) of the coordinates.
  let pair: PReLUNetwork<Scalar>
  /// Q^T, (rank, D); nil for all dimensions.
  private let basis: Matrix<Double>?

  /// The coordinates for a pair.
  ///
  /// - Parameter tolerance: the share of the contributions by which the reduced functions may differ, if they
  ///   have to; 0 for all dimensions.
  init(_ difference: ClassifierDifference<Scalar>, scale: Double, tolerance: Double) {
    var pair = difference.pair
    for j in 0..<difference.networkWidth { pair.outputWeights[0, j] *= Scalar(scale) }
    let reduced = tolerance == 0 ? nil : Self.reduced(pair, tolerance: tolerance)
    guard let reduced else {
      self.pair = pair
      basis = nil
      return
    }
    let (rank, weights) = (reduced.basis.rows, reduced.network.hiddenWeights)
    var padded = Matrix<Scalar>(rows: weights.rows, columns: rank + 1)
    for j in 0..<weights.rows { padded.setRow(j, weights.row(j) + [0]) }
    pair = reduced.network
    pair.hiddenWeights = padded
    self.pair = pair
    basis = reduced.basis
  }

  /// The least inexact reduction to a fiftieth of the work, otherwise the smallest there is.
  private static func reduced(_ pair: PReLUNetwork<Scalar>, tolerance: Double)
    -> ReducedNetwork<Scalar>?
  {
    let all = pair.hiddenWidth * pair.inputDimension
    var last: ReducedNetwork<Scalar>?
    for share in [0.01, 0.1, 1] {
      last = (try? ReducedNetwork(pair, tolerance: share * tolerance)) ?? last
      if let summary = last?.summary, 50 * summary.neurons * (summary.rank + 1) <= all { break }
    }
    return last
  }

  /// The coordinates of unit vectors, (points, D).
  func coordinates(_ points: Matrix<Scalar>) -> Matrix<Scalar> {
    guard let basis else { return points }
    let exact = points.converted(to: Double.self)
    let inside = Matrix.product(exact, basis, transposeB: true)
    let rank = basis.rows
    var result = Matrix<Scalar>(rows: points.rows, columns: rank + 1)
    for i in 0..<points.rows {
      var rest = exact.row(i).reduce(0) { $0 + $1 * $1 }
      for k in 0..<rank {
        result[i, k] = Scalar(inside[i, k])
        rest -= inside[i, k] * inside[i, k]
      }
      result[i, rank] = Scalar(max(0, rest).squareRoot())
    }
    return result
  }

  /// Vectors of all dimensions with the given coordinates, (points, D). Any direction outside the span will
  /// do: here what the coordinate axes have left of them.
  func lift(_ coordinates: Matrix<Scalar>) -> Matrix<Double> {
    let exact = coordinates.converted(to: Double.self)
    guard let basis else { return exact }
    let directions = Matrix(
      rows: basis.rows + 1, columns: basis.columns,
      elements: basis.elements + Self.unitVector(outside: basis))
    return Matrix.product(exact, directions)
  }

  /// The coordinate axis that the span covers least, orthogonal to it. A reduced rank is below D / 2, so at least
  /// half of its square is left.
  private static func unitVector(outside basis: Matrix<Double>) -> [Double] {
    let covered = (0..<basis.columns).map { j in
      basis.column(j).reduce(0) { $0 + $1 * $1 }
    }
    let axis = covered.indices.min { covered[$0] < covered[$1] }!
    var vector = [Double](repeating: 0, count: basis.columns)
    vector[axis] = 1
    for k in 0..<basis.rows {
      for j in vector.indices { vector[j] -= basis[k, axis] * basis[k, j] }
    }
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return vector.map { $0 / norm }
  }
}
