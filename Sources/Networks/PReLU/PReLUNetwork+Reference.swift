import Foundation
import LinearCore

extension PReLUNetwork {
  /// The same weights in double precision.
  public var inDoublePrecision: (any Classifier<Double>)? { converted(to: Double.self) }

  /// f of every row in double precision, straight from the formula: (n, inputDimension) to
  /// (n, outputCount).
  ///
  /// Shares no code with the passes that training and attacks use, and is slower.
  public func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    let weights: Matrix<Double> = hiddenWeights.converted()
    let outputs: Matrix<Double> = outputWeights.converted()
    let norms = weights.rowNorms()
    var centered = inputs
    if let center {
      for i in 0..<inputs.rows {
        for j in 0..<inputs.columns { centered[i, j] -= Double(center[j]) }
      }
    }
    if hasHiddenBias {
      centered = centered.appendingOnes()
    }
    var features = Matrix.product(centered, weights, transposeB: true)
    for i in 0..<features.rows {
      let length = normalizeInput ? Norm.l2.length(centered.row(i)) : 1
      for j in 0..<features.columns {
        let z = features[i, j]
        // z (z / (||w|| ||x||))^(p-1): powers of tiny numbers alone would underflow.
        features[i, j] =
          z > 0 && norms[j] > 0 ? z * pow(z / (norms[j] * length), exponent - 1) : 0
      }
    }
    var logits = Matrix.product(features, outputs, transposeB: true)
    if let outputBias {
      for i in 0..<logits.rows {
        for c in 0..<logits.columns { logits[i, c] += Double(outputBias[c]) }
      }
    }
    return logits
  }
}
