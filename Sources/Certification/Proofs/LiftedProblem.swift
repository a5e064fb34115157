import LinearCore

/// Reductions for norms that know coordinates: the few neurons of an effective network, as functions of all coordinates of
/// the input.
extension EffectiveNetwork {
  /// ``problem(label:opponent:input:unit:)`` with d in the coordinates of the input.
  ///
  /// <u, Q (x + d)> = <Q^T u, x + d>, up to the rounding of Q^T u, which counts as an error of directions.
  func liftedProblem(label: Int, opponent: Int, input: [Double], unit: Double?) -> DecisionProblem {
    let plain = problem(label: label, opponent: opponent, input: input, unit: unit)
    let shifted = center.map { zip(input, $0).map { $0 - $1 } } ?? input
    return plain.lifted(
      directions: inputBasis.map { Matrix.product(plain.directions, $0) } ?? plain.directions,
      point: shifted.map { $0 / plain.scale },
      error: Self.rounding(dimension: inputDimension + rank))
  }
}

extension DecisionProblem {
  /// The same neurons and the same point in another basis.
  ///
  /// - Parameter error: see ``directionError``.
  fileprivate func lifted(directions: Matrix<Double>, point: [Double], error: Double)
    -> DecisionProblem
  {
    var result = self
    result.directions = directions
    result.point = point
    result.directionError = error
    return result
  }
}
