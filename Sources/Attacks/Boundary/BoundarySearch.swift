import LinearCore
import Networks

/// Searches along rays delta = s d, one a sample, for the decision boundary.
struct BoundarySearch<C: Classifier> {
  let problem: AttackProblem<C>

  /// Bisections of an interval, unless said otherwise; 14 of them leave 1/16384 of it.
  static var bisections: Int { 14 }

  /// For each ray the smallest of the increasing `scales` at which the sample is fooled, then bisected
  /// down towards the last scale at which it was not.
  ///
  /// - Parameter directions: (n, inputDimension), the point s = 1 of each ray.
  /// - Returns: the scale at which the sample is still fooled, or nil where no scale fools it.
  func firstCrossing(
    _ directions: Matrix<C.Scalar>, scales: [C.Scalar], bisections: Int = Self.bisections
  ) -> [C.Scalar?] {
    var lower = [C.Scalar](repeating: 0, count: directions.rows)
    var upper = [C.Scalar?](repeating: nil, count: directions.rows)
    for scale in scales {
      let open = upper.indices.filter { upper[$0] == nil }
      if open.isEmpty { break }
      let fooled = evaluate(directions, open, open.map { _ in scale })
      for (i, isFooled) in zip(open, fooled) {
        if isFooled { upper[i] = scale } else { lower[i] = scale }
      }
    }
    let crossed = upper.indices.filter { upper[$0] != nil }
    for _ in 0..<bisections {
      let middle = crossed.map { (lower[$0] + upper[$0]!) / 2 }
      let fooled = evaluate(directions, crossed, middle)
      for ((i, isFooled), scale) in zip(zip(crossed, fooled), middle) {
        if isFooled { upper[i] = scale } else { lower[i] = scale }
      }
    }
    return upper
  }

  /// Shrinks perturbations that fool their sample to the boundary, along the segment to 0. Rows that do
  /// not fool are left as they are.
  func shrink(
    _ perturbations: Matrix<C.Scalar>, scales: [C.Scalar] = [0.5, 0.75, 0.9, 1]
  ) -> Matrix<C.Scalar> {
    let scales = firstCrossing(perturbations, scales: scales)
    var result = perturbations
    for i in 0..<result.rows {
      if let scale = scales[i], scale < 1 {
        result.scaleRow(i, by: scale)
      }
    }
    return result
  }

  private func evaluate(_ directions: Matrix<C.Scalar>, _ rows: [Int], _ scales: [C.Scalar])
    -> [Bool]
  {
    if rows.isEmpty { return [] }
    var points = directions.rows(at: rows)
    for i in 0..<rows.count {
      points.scaleRow(i, by: scales[i])
    }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    return part.isFooled(points)
  }
}
