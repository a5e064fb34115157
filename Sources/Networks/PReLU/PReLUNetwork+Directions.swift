import LinearCore

extension PReLUNetwork {
  /// Where some neurons point, and the class that each speaks for: the one whose output it raises most.
  ///
  /// - Returns: their weights, (neurons.count, inputDimension), and their classes.
  public func classDirections(of neurons: [Int]) -> (rows: Matrix<Scalar>, labels: [Int]) {
    let labels = neurons.map { j in
      if outputCount == 1 { return outputWeights[0, j] > 0 ? 1 : 0 }
      let column = outputWeights.column(j)
      return column.indices.max { column[$0] < column[$1] }!
    }
    return (inputWeights.rows(at: neurons), labels)
  }
}
