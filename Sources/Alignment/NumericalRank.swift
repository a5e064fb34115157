import LinearCore
import Networks

/// The number of directions the trained function depends on.
package enum NumericalRank {
  /// Singular values below this share of the largest do not count.
  package static let defaultTolerance = 0.01

  /// The number of singular values of the contribution matrix, rows ||v_j|| w_j, above `tolerance` times
  /// the largest. 0 for a network of zeros.
  ///
  /// Weighting rows by ||v_j|| counts what neurons do to the output, not where silent neurons point.
  package static func ofContributions<Scalar: LinearScalar>(
    _ network: PReLUNetwork<Scalar>, tolerance: Double = defaultTolerance
  ) throws(FactorizationError) -> Int {
    let values = try singularValues(network)
    guard let largest = values.first, largest > 0 else { return 0 }
    return values.count { $0 > tolerance * largest }
  }

  /// The singular values of the contribution matrix, largest first.
  package static func singularValues<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>)
    throws(FactorizationError) -> [Double]
  {
    let output = network.outputWeights.transposed.rowNorms()
    let hidden = network.hiddenWeights.rowNorms()
    // Relative to the largest row: tiny weights must not underflow.
    let largest = zip(output, hidden).map { Double($0) * Double($1) }.max() ?? 0
    guard largest > 0 else { return [0] }
    var rows = network.hiddenWeights.converted(to: Double.self)
    for j in 0..<rows.rows {
      let factor = Double(output[j]) / largest
      rows.scaleRow(j, by: factor)
    }
    return try rows.singularValues()
  }
}
