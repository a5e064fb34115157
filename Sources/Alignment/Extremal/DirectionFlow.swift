import LinearCore
import Networks

/// The flow of a neuron's direction u = w / ||w|| while all outputs are still 0, and its potential G.
///
/// Let g_i = -(dL/df)(x_i) at f = 0, the pull of sample i on the output. A neuron of one output moves by
/// w' = v sum_i g_i dh/dw with h = relu(<w, x>)^p / ||w||^(p-1), and
///
///     dh/dw = p relu(<u, x>)^(p-1) x - (p-1) relu(<u, x>)^p u,
///
/// so that, with G(u) = sum_i g_i relu(<u, x_i>)^p on the unit sphere and P = I - u u^T,
///
///     u' = (v / ||w||) P grad G(u),      (log ||w||)' = (v / ||w||) G(u).
///
/// grad G(u) = p sum_i g_i relu(<u, x_i>)^(p-1) x_i is the vector x^(p)(w) of Min and Vidal (ICML 2024);
/// their cos(x_i, w)^(p-1) ||x_i||^(p-1) is <u, x_i>^(p-1). From small balanced weights |v| = ||w||: neurons
/// with v > 0 climb G, those with v < 0 descend it. *Extremal vectors* are the fixed points,
/// P grad G(u) = 0, or grad G(u) = p G(u) u, since G is homogeneous of degree p.
///
/// The Riemannian Hessian on the tangent space of u is
///
///     H = P (sum_i g_i p (p-1) relu(<u, x_i>)^(p-2) x_i x_i^T) P - p G(u) P.
///
/// For p = 1 its first term vanishes inside an *activation cone*, the set of u with the same samples
/// active. On a cone's border, <u, x_i> = 0, the gradient of G jumps by g_i x_i at p = 1, and its second
/// derivative jumps at p = 2 and is infinite on one side for 1 < p < 2; here the side <u, x_i> <= 0
/// counts, and ``ExtremalVector/stability`` looks at the other one.
package struct DirectionFlow: Sendable {
  /// p.
  package let exponent: Double
  /// x_i as the hidden layer sees them: (n, D).
  package let inputs: Matrix<Double>
  /// g_i.
  package let weights: [Double]

  /// The flow of given pulls.
  ///
  /// - Parameters:
  ///   - inputs: x_i, (n, D) with D >= 2.
  ///   - weights: g_i, a number a sample.
  ///   - exponent: p >= 1.
  package init(inputs: Matrix<Double>, weights: [Double], exponent: Double) {
    precondition(inputs.rows == weights.count && inputs.rows > 0, "a weight a sample")
    precondition(inputs.columns >= 2 && exponent >= 1, "two dimensions and p >= 1 at least")
    self.exponent = exponent
    self.inputs = inputs
    self.weights = weights
  }

  /// The flow of a network's neurons on training data, while its outputs are 0.
  ///
  /// g_i is y_i / n for the exponential and the squared loss, y_i / (2n) for the logistic one, and
  /// ([y_i = c] - 1/C) / n for output c of C under cross-entropy. With input normalisation
  /// f(x) = ||x|| f(x / ||x||) for the centred x: lengths go into the weights.
  ///
  /// - Parameters:
  ///   - network: gives p, center and normalisation; its weights do not matter.
  ///   - output: c, the output whose weights v_c the neuron has.
  package init<Scalar: LinearScalar>(
    of network: PReLUNetwork<Scalar>, inputs: Matrix<Scalar>, labels: [Int], loss: Loss,
    output: Int = 0
  ) {
    let prepared = network.prepare(inputs)
    let zero = Matrix<Double>(rows: inputs.rows, columns: network.outputCount)
    let pull = loss.valueAndDerivative(zero, labels: labels).derivative
    self.init(
      inputs: prepared.rows.converted(),
      weights: (0..<inputs.rows).map { i in
        let length = prepared.outputScales.map { Double($0[i]) } ?? 1
        return -pull[i, output] * length / Double(inputs.rows)
      }, exponent: network.exponent)
  }

  /// The same flow for directions in the span of orthonormal rows, (r, D): the same G on its sphere.
  func restricted(to basis: Matrix<Double>) -> DirectionFlow {
    DirectionFlow(
      inputs: Matrix.product(inputs, basis, transposeB: true), weights: weights,
      exponent: exponent)
  }

  /// G and its gradient P grad G along the sphere, at unit rows: m numbers and (m, D).
  package func potential(at directions: Matrix<Double>) -> (
    values: [Double], gradients: Matrix<Double>
  ) {
    let (count, samples) = (directions.rows, inputs.rows)
    let sums = Matrix.product(directions, inputs, transposeB: true)
    var slopes = Matrix<Double>(uninitializedRows: count, columns: samples)
    var values = [Double](repeating: 0, count: count)
    let power = VectorPower<Double>(exponent: exponent - 1)
    slopes.withMutablePointer { slopes in
      sums.withPointer { sums in
        values.withUnsafeMutableBufferPointer { values in
          nonisolated(unsafe) let (slopes, sums, values) = (slopes, sums, values)
          Parallel.forEach(count) { row in
            let (a, z) = (slopes + row * samples, sums + row * samples)
            power.apply(samples, scale: 1, z, into: a)
            var value = 0.0
            for i in 0..<samples {
              a[i] *= weights[i]
              value += a[i] * z[i]
              a[i] *= exponent
            }
            values[row] = value
          }
        }
      }
    }
    var gradients = Matrix.product(slopes, inputs)
    let dimension = inputs.columns
    gradients.withMutablePointer { gradients in
      directions.withPointer { directions in
        for row in 0..<count {
          removeComponent(
            dimension, along: directions + row * dimension, from: gradients + row * dimension)
        }
      }
    }
    return (values, gradients)
  }
}

/// x <- x - <x, u> u for a unit vector u; twice, because rounding leaves a component the first time.
func removeComponent(
  _ count: Int, along u: UnsafePointer<Double>, from x: UnsafeMutablePointer<Double>
) {
  for _ in 0..<2 { Double.add(count, -Double.dot(count, u, x), u, to: x) }
}
