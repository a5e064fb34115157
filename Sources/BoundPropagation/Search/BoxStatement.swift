import LinearCore

/// A statement about the outputs of a network: in one of some alternatives, every linear function is at most its limit.
package struct BoxStatement: Sendable {
  /// Coefficients of the outputs, (functions, outputs).
  package let rows: Matrix<Double>
  package let limits: [Double]
  /// The rows of every alternative; none where it is always met.
  package let alternatives: [[Int]]

  /// - Precondition: one limit a row; alternatives name rows.
  package init(rows: Matrix<Double>, limits: [Double], alternatives: [[Int]]) {
    precondition(rows.rows == limits.count)
    precondition(alternatives.allSatisfy { $0.allSatisfy { limits.indices.contains($0) } })
    (self.rows, self.limits, self.alternatives) = (rows, limits, alternatives)
  }

  /// Whether least values of the functions leave no alternative.
  func isExcluded(_ least: [Double]) -> Bool {
    alternatives.allSatisfy { $0.contains { least[$0] > limits[$0] } }
  }

  /// Whether outputs meet an alternative, as computed.
  package func isMet(_ outputs: [Double]) -> Bool {
    let values = rows.times(outputs)
    return alternatives.contains { $0.allSatisfy { values[$0] <= limits[$0] } }
  }

  /// Of every alternative that least values leave, the row that is nearest to exclude it.
  func nearest(_ least: [Double]) -> [Int] {
    alternatives.compactMap { alternative in
      if alternative.contains(where: { least[$0] > limits[$0] }) { return nil }
      return alternative.max { excess(least, $0) < excess(least, $1) }
    }
  }

  /// What a least value is above its limit; -infinity where nothing is known.
  func excess(_ least: [Double], _ row: Int) -> Double {
    let value = least[row] - limits[row]
    return value.isNaN ? -.infinity : value
  }
}
