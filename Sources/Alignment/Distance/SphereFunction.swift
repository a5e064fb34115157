import LinearCore
import Networks

/// h(y) = sum_j a_j relu(<u_j, y>)^p on the unit sphere of few dimensions, with the buffers of one thread.
///
/// It is searched as h(y / ||y||), which has no constraint: constant along rays, with the gradient
/// (grad h(t) - p h(t) t) / ||y|| at t = y / ||y||, because <grad h(t), t> = p h(t).
final class SphereFunction {
  let dimension: Int
  /// p.
  let exponent: Double
  private let directions: Matrix<Double>
  private let coefficients: [Double]
  private let slopePower: VectorPower<Double>
  private var sums: [Double]
  private var slopes: [Double]
  private var point: [Double]

  /// The function of unit rows u_j, (neurons, dimension), and as many coefficients.
  init(exponent: Double, directions: Matrix<Double>, coefficients: [Double]) {
    precondition(directions.rows == coefficients.count, "a coefficient a neuron")
    self.exponent = exponent
    self.directions = directions
    self.coefficients = coefficients
    dimension = directions.columns
    slopePower = VectorPower(exponent: exponent - 1)
    sums = [Double](repeating: 0, count: coefficients.count)
    slopes = sums
    point = [Double](repeating: 0, count: dimension)
  }

  /// sign h(y / ||y||), and its gradient with respect to y.
  func evaluate(_ y: [Double], sign: Double, gradient: inout [Double]) -> Double {
    let (count, width) = (dimension, coefficients.count)
    let size = RowKernels.norm(count, y)
    for i in 0..<count { point[i] = y[i] / size }
    directions.withPointer {
      Double.gemv(
        transposeA: false, m: width, n: count, alpha: 1, a: $0, leadingA: count, x: point, beta: 0,
        y: &sums)
    }
    slopePower.apply(width, scale: 1, sums, into: &slopes)
    var value = 0.0
    for j in 0..<width {
      // a_j <u_j, t>^(p-1)
      slopes[j] *= sign * coefficients[j]
      value += slopes[j] * sums[j]
    }
    directions.withPointer {
      Double.gemv(
        transposeA: true, m: width, n: count, alpha: exponent / size, a: $0, leadingA: count,
        x: slopes, beta: 0, y: &gradient)
    }
    for i in 0..<count { gradient[i] -= exponent * value * point[i] / size }
    return value
  }
}
