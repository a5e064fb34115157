import Foundation
import LinearCore

extension PReLUNetwork {
  /// The predicted class of every row, (n, inputDimension), computed in double precision: what commands
  /// report as the class of a sample.
  ///
  /// The class of a row is that of ``referenceLogits(_:)`` of this row alone, so that it depends neither
  /// on the other rows nor on who asks. Rows together are a faster way to the same answer where the margin
  /// is out of reach of rounding.
  public func referenceClasses(_ inputs: Matrix<Scalar>) -> [Int] {
    let network = converted(to: Double.self)
    let norms = network.hiddenWeights.rowNorms()
    // What a neuron can do to any logit, by relu(<u, x>)^p.
    let shares = (0..<hiddenWidth).map { j in
      (0..<outputCount).reduce(0) { max($0, network.outputWeights[$1, j].magnitude) } * norms[j]
    }
    var classes = [Int](repeating: 0, count: inputs.rows)
    for start in stride(from: 0, to: inputs.rows, by: 1024) {
      let block = inputs.rows(in: start..<min(inputs.rows, start + 1024)).converted(to: Double.self)
      let (logits, bounds) = network.logitsWithRounding(block, norms: norms, shares: shares)
      let found = predictedClasses(logits)
      let margins = classificationMargins(logits, labels: found)
      let unclear = found.indices.filter { !(margins[$0].isFinite && margins[$0] > bounds[$0]) }
      let alone = network.classesAlone(block.rows(at: unclear))
      classes.replaceSubrange(start..<start + block.rows, with: found)
      for (row, label) in zip(unclear, alone) { classes[start + row] = label }
    }
    return classes
  }
}

extension PReLUNetwork<Double> {
  /// The class of every row, each evaluated by itself.
  private func classesAlone(_ inputs: Matrix<Double>) -> [Int] {
    var classes = [Int](repeating: 0, count: inputs.rows)
    classes.withUnsafeMutableBufferPointer { classes in
      nonisolated(unsafe) let classes = classes
      Parallel.forEachBlock(of: inputs.rows, size: 8) { _, range in
        for row in range {
          classes[row] = predictedClasses(referenceLogits(Matrix([inputs.row(row)])))[0]
        }
      }
    }
    return classes
  }

  /// The logits of every row, and for each row more than rounding can move a difference of two of them.
  ///
  /// Rounding moves <w, x> by at most D ulp ||w|| ||x||, a feature by p cos^(p-1) as much, and a sum of h
  /// features by h ulp of its terms.
  fileprivate func logitsWithRounding(_ inputs: Matrix<Double>, norms: [Double], shares: [Double])
    -> (logits: Matrix<Double>, bounds: [Double])
  {
    var centered = inputs
    if let center { centered.subtractFromRows(center) }
    centered = augment(centered)
    let lengths = centered.rowNorms()
    var features = Matrix.product(centered, hiddenWeights, transposeB: true)
    var bounds = [Double](repeating: 0, count: inputs.rows)
    let unit =
      8 * Double.ulpOfOne * (exponent * Double(hiddenWeights.columns) + Double(hiddenWidth) + 8)
    let biasSize = (outputBias ?? []).reduce(0) { max($0, $1.magnitude) }
    let (power, width) = (exponent - 1, hiddenWidth)
    features.withMutablePointer { base in
      for i in 0..<inputs.rows {
        let divisor = normalizeInput ? lengths[i] : 1
        var sum = 0.0
        for j in 0..<width where norms[j] > 0 && lengths[i] > 0 {
          let z = base[i * width + j]
          let cosine = max(z, 0) / (norms[j] * lengths[i])
          // A kink that rounding may have crossed counts as well.
          sum += shares[j] * pow(cosine + 1e-13, power)
          base[i * width + j] = z > 0 ? z * pow(z / (norms[j] * divisor), power) : 0
        }
        let size = normalizeInput ? lengths[i] : lengths[i] * pow(lengths[i], power)
        bounds[i] = unit * (sum * size + biasSize)
      }
    }
    var logits = Matrix.product(features, outputWeights, transposeB: true)
    if let outputBias { logits.subtractFromRows(outputBias.map { -$0 }) }
    return (logits, bounds)
  }
}
