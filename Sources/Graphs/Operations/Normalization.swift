import DeepNetworks
import LinearCore

/// Mean 0 and variance 1 for every stretch of `length` numbers of a sample; gain and shift are steps of
/// their own.
struct Normalization: GraphOperation {
  /// Stretches of a sample.
  let count: Int
  let length: Int
  /// Added to the variance.
  let epsilon: Double

  var work: Int { 4 * count * length }
  var scratch: Int { 2 * count * length }
  var description: String { "normalise \(length) numbers" }

  func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let (normalized, inverses) = RowNormalization.normalize(
      inputs[0].taken().reshaped(columns: length), epsilon: epsilon)
    let values = normalized.reshaped(columns: count * length)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      var gradient = cotangent.taken().reshaped(columns: length)
      RowNormalization.projectOut(&gradient, normalized, inverses)
      return [gradient.reshaped(columns: count * length)]
    }
  }
}

/// Positive numbers of sum 1 for every stretch of `length` numbers of a sample, exp(x_i) / sum_k exp(x_k),
/// or their logarithms.
struct Softmax: GraphOperation {
  /// Stretches of a sample.
  let count: Int
  let length: Int
  let isLogarithmic: Bool

  var work: Int { 4 * count * length }
  var scratch: Int { count * length }
  var description: String { isLogarithmic ? "log-softmax" : "softmax" }

  func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    var values = inputs[0].taken()
    apply(&values)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { [values] cotangent in
      goBack(&cotangent, values)
      return [cotangent.taken()]
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func apply<Scalar: LinearScalar>(_ values: inout Matrix<Scalar>) {
    let total = values.rows * count
    values.withMutablePointer { values in
      for number in 0..<total {
        let x = values + number * length
        var largest = x[0]
        for i in 1..<length { largest = max(largest, x[i]) }
        var sum: Scalar = 0
        for i in 0..<length { sum += Scalar.exponential(x[i] - largest) }
        let logarithm = largest + Scalar.logarithm(sum)
        for i in 0..<length {
          x[i] = isLogarithmic ? x[i] - logarithm : Scalar.exponential(x[i] - largest) / sum
        }
      }
    }
  }

  /// s_i (g_i - sum_k g_k s_k), of logarithms g_i - s_i sum_k g_k.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func goBack<Scalar: LinearScalar>(
    _ cotangent: inout Matrix<Scalar>, _ values: Matrix<Scalar>
  ) {
    let total = values.rows * count
    cotangent.withMutablePointer { cotangent in
      values.withPointer { values in
        for number in 0..<total {
          let (g, y) = (cotangent + number * length, values + number * length)
          if isLogarithmic {
            let sum = Scalar(BlockedSummation.sum(length, g))
            for i in 0..<length { g[i] -= Scalar.exponential(y[i]) * sum }
          } else {
            let sum = Scalar(BlockedSummation.dot(length, g, y))
            for i in 0..<length { g[i] = y[i] * (g[i] - sum) }
          }
        }
      }
    }
  }
}
