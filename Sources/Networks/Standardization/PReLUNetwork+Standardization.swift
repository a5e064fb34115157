import Foundation
import LinearCore

extension PReLUNetwork {
  /// The network g(x) = f((x - mean) / deviation) with the map folded into its weights, in double precision; nil
  /// with input normalisation, where no such network exists.
  ///
  /// With w' = w / deviation and center' = mean + deviation center, <w, z - center> = <w', x - center'>, so that
  /// h_j = h'_j (||w'_j|| / ||w_j||)^(p-1), a factor that goes to column j of V; a hidden bias stays as it is and counts
  /// in both norms. The function is the same up to rounding of the weights.
  ///
  /// - Precondition: one finite mean and one deviation above 0 a coordinate.
  package func standardizingInputs(mean: [Double], deviation: [Double]) -> PReLUNetwork<Double>? {
    precondition(
      mean.count == inputDimension && deviation.count == inputDimension,
      "one mean and one deviation a coordinate")
    if normalizeInput { return nil }
    var weights: Matrix<Double> = hiddenWeights.converted()
    var outputs: Matrix<Double> = outputWeights.converted()
    for j in 0..<hiddenWidth {
      let row = weights.row(j)
      let folded = zip(row, deviation).map { $0 / $1 } + row[inputDimension...]
      let (before, after) = (Norm.l2.length(row), Norm.l2.length(folded))
      weights.setRow(j, folded)
      guard before > 0 else { continue }
      let factor = pow(after / before, exponent - 1)
      for k in 0..<outputCount { outputs[k, j] *= factor }
    }
    let shifted = mean.indices.map { j in
      mean[j] + deviation[j] * (center.map { Double($0[j]) } ?? 0)
    }
    return PReLUNetwork<Double>(
      fitting: exponent, hiddenWeights: weights, outputWeights: outputs,
      outputBias: outputBias?.map { Double($0) },
      center: shifted.contains { $0 != 0 } ? shifted : nil, hasHiddenBias: hasHiddenBias)
  }
}
