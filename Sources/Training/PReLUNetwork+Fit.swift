import LinearCore
import Networks

extension PReLUNetwork {
  /// Checks that the network can be trained on some data with a loss.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  ///   - furtherLabels: of held-out data.
  /// - Throws: ``TrainingError`` naming what does not fit.
  func checkFit(
    inputs: Matrix<Scalar>, labels: [Int], loss: Loss, furtherLabels: [Int] = []
  ) throws(TrainingError) {
    guard inputs.rows >= 1, inputs.rows == labels.count else {
      throw .invalid(
        field: "data", found: "\(inputs.rows) samples with \(labels.count) labels",
        expected: "at least one sample, one label each")
    }
    guard inputs.columns == inputDimension else {
      throw .invalid(
        field: "data", found: "\(inputs.columns) coordinates a sample",
        expected: "\(inputDimension), as the network has")
    }
    let classes = max(2, outputCount)
    for set in [labels, furtherLabels] {
      if let label = set.first(where: { $0 < 0 || $0 >= classes }) {
        throw .invalid(field: "data", found: "label \(label)", expected: "0 to \(classes - 1)")
      }
    }
    guard loss.isBinary == (outputCount == 1) else {
      throw .invalid(
        field: "loss", found: "\(loss.rawValue) with \(outputCount) outputs",
        expected: loss.isBinary ? "one output" : "at least two outputs")
    }
  }
}
