import LinearCore

/// What has to stay positive for a label: rows of coefficients of the outputs.
package struct MarginRows: Sendable {
  /// (margins, outputs): the label's output less that of every other class; of one output the output itself for class 1, and
  /// less than nothing of it for class 0.
  package let rows: Matrix<Double>

  /// The margins of a class among those that `outputCount` outputs tell apart.
  package init(label: Int, outputCount: Int) {
    if outputCount == 1 {
      rows = Matrix([[label == 1 ? 1 : -1]])
      return
    }
    var rows = Matrix<Double>(rows: outputCount - 1, columns: outputCount)
    for (row, other) in (0..<outputCount).filter({ $0 != label }).enumerated() {
      rows[row, label] = 1
      rows[row, other] = -1
    }
    self.rows = rows
  }

  /// Only some of the margins.
  init(rows: Matrix<Double>) { self.rows = rows }

  package var count: Int { rows.rows }

  /// The margins of outputs, as computed.
  func values(_ outputs: [Double]) -> [Double] { rows.times(outputs) }
}
