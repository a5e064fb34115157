import LinearCore
import Networks

/// The last steps of a search in few dimensions, with all neurons and towards all dimensions.
///
/// At a maximum of the reduced network the gradient of the full one has a small part outside the span. Added
/// to it as one more direction, it lets the same method climb on, now on c f - F itself, restricted to the
/// larger span: nothing is left out but directions in which it does not rise to first order.
struct FullDimensionRefinement {
  let difference: ClassifierDifference<Double>
  /// Q^T of the search, (rank, D).
  let basis: Matrix<Double>
  /// How often the gradient's directions are added.
  private static let rounds = 2

  /// Unit vectors, (n, D), with |c f - F| at least as large as at `points`.
  func refine(_ points: Matrix<Double>, scale: Double) throws(FactorizationError)
    -> Matrix<Double>
  {
    var span = basis
    var points = points
    for _ in 0..<Self.rounds {
      let gradients = difference.pair.logitsAndInputGradient(points) { logits, _ in
        Matrix(
          rows: logits.rows, columns: 2, elements: (0..<logits.rows).flatMap { _ in [scale, -1] })
      }.gradient
      let sizes = gradients.rowNorms()
      // The points themselves too: a witness of another search need not lie in the span.
      var rest = Matrix(
        rows: 2 * points.rows, columns: points.columns,
        elements: gradients.rowsNormalized().elements + points.elements)
      for _ in 0..<2 {
        let inside = Matrix.product(rest, span, transposeB: true)
        rest.accumulate(inside, span, alpha: -1)
      }
      let factors = try rest.singularValueDecomposition()
      let added = factors.singularValues.count { $0 > 1e-9 }
      if added == 0 || sizes.allSatisfy({ $0 == 0 }) { break }
      span = Matrix(
        rows: span.rows + added, columns: span.columns,
        elements: span.elements + factors.vTransposed.rows(in: 0..<added).elements)
      points = climb(points, span: span, scale: scale)
    }
    return points
  }

  private func climb(_ points: Matrix<Double>, span: Matrix<Double>, scale: Double)
    -> Matrix<Double>
  {
    let pair = difference.pair
    let norms = pair.hiddenWeights.rowNorms()
    let alive = norms.indices.filter { norms[$0] >= Double.leastNormalMagnitude }
    let directions = Matrix.product(
      pair.hiddenWeights.rows(at: alive).rowsNormalized(), span, transposeB: true)
    let coefficients = alive.map {
      norms[$0] * (scale * pair.outputWeights[0, $0] - pair.outputWeights[1, $0])
    }
    let starts = Matrix.product(points, span, transposeB: true)
    let values = difference.values(points)
    var result = starts
    result.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      Parallel.forEach(points.rows) { i in
        let function = SphereFunction(
          exponent: pair.exponent, directions: directions, coefficients: coefficients)
        let sign: Double = scale * values[i].network < values[i].ideal ? -1 : 1
        let maximum = SphereMaximizer().maximize(function, from: starts.row(i), sign: sign)
        for (k, coordinate) in maximum.point.enumerated() {
          target[i * span.rows + k] = coordinate
        }
      }
    }
    return Matrix.product(result, span).rowsNormalized()
  }
}
