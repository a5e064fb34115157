import LinearCore
import Networks

/// The classifiers that gradient flow from vanishing initialisation is conjectured to learn (Min and
/// Vidal, ICML 2024, Conjecture 1), as networks.
public enum IdealClassifiers {
  /// F(x) = sqrt(K1) relu(<mubar+,x>) - sqrt(K2) relu(<mubar-,x>), mubar+- the sum of a class's
  /// centres divided by sqrt of their number: two neurons.
  ///
  /// - Parameters:
  ///   - centers: (K, D), orthonormal rows.
  ///   - labels: the class, 0 or 1, of each centre; both must occur.
  public static func relu<Scalar: LinearScalar>(centers: Matrix<Scalar>, labels: [Int])
    -> PReLUNetwork<Scalar>
  {
    let sums = [1, 0].map { label in
      (0..<centers.columns).map { j in
        (0..<centers.rows).reduce(Scalar(0)) { labels[$1] == label ? $0 + centers[$1, j] : $0 }
      }
    }
    // <sum of centres, x> = sqrt(K+-) <mubar+-, x>.
    return PReLUNetwork(
      fitting: 1, hiddenWeights: Matrix(sums),
      outputWeights: Matrix(rows: 1, columns: 2, elements: [1, -1]))
  }

  /// F^(p)(x) = sum_k y_k relu(<mu_k,x>)^p, one neuron a centre.
  ///
  /// - Parameters:
  ///   - centers: (K, D), unit rows.
  ///   - labels: the class, 0 or 1, of each centre.
  public static func polynomialReLU<Scalar: LinearScalar>(
    exponent: Double, centers: Matrix<Scalar>, labels: [Int]
  ) -> PReLUNetwork<Scalar> {
    PReLUNetwork(
      fitting: exponent, hiddenWeights: centers,
      outputWeights: Matrix(
        rows: 1, columns: centers.rows, elements: labels.map { $0 == 1 ? 1 : -1 }))
  }

  /// The classifier that a network of degree p is conjectured to learn: F for p = 1 and F^(p) otherwise (the
  /// conjecture has p >= 3; for others this is what a network is compared with).
  public static func learned<Scalar: LinearScalar>(
    exponent: Double, centers: Matrix<Scalar>, labels: [Int]
  ) -> PReLUNetwork<Scalar> {
    exponent == 1
      ? relu(centers: centers, labels: labels)
      : polynomialReLU(exponent: exponent, centers: centers, labels: labels)
  }
}
