import LinearCore

/// The l2 distance at which an adversary reaches a centre's decision boundary, for the ideal classifiers
/// of orthonormal subclass centres and without noise (x = mu_k).
public enum CriticalRadius {
  /// 1/sqrt(K) for F(x) = sqrt(K1) relu(<mubar+,x>) - sqrt(K2) relu(<mubar-,x>) with K = K1 + K2
  /// subclasses: what a plain ReLU network learns.
  ///
  /// F is sum_{k<=K1} x_k - sum_{k>K1} x_k where both terms are positive; its gradient has length sqrt(K)
  /// and F(mu_k) = +-1.
  public static func relu(subclasses: Int) -> Double {
    precondition(subclasses >= 2)
    return 1 / Double(subclasses).squareRoot()
  }

  /// sqrt(c / (1 + c)) for F^(p)(x) = sum_{k<=K1} relu(<mu_k,x>)^p - sum_{k>K1} relu(<mu_k,x>)^p, with m
  /// opposite subclasses: c = m^(1 - 2/p) for p <= 2 and c = 1 for p >= 2.
  ///
  /// The attack lowers the own coordinate from 1 to 1 - a and raises opposite ones to b_k: minimise
  /// a^2 + sum b_k^2 subject to (1 - a)^p <= sum b_k^p. For p < 2 it spreads over all m subclasses,
  /// for p > 2 it takes a single one, hence exactly sqrt(2)/2 from p = 2 on.
  public static func polynomialReLU(exponent p: Double, oppositeSubclasses m: Int) -> Double {
    precondition(p >= 1 && m >= 1)
    let c = p >= 2 ? 1 : Double.power(Double(m), 1 - 2 / p)
    return (c / (1 + c)).squareRoot()
  }

  /// sqrt(2)/2, half the distance between two centres: no classifier that gets every centre right can
  /// be robust beyond it.
  public static let optimal = 0.5.squareRoot()

  /// The radius predicted for a network of degree p trained by gradient flow from small
  /// initialisation: p = 1 learns F, p >= 3 learns F^(p) (Min and Vidal, ICML 2024). Between, where the
  /// paper makes no claim, the law of F^(p) is used. Opposite counts differ by class; the smaller
  /// radius is returned.
  public static func predicted(exponent p: Double, subclasses: Int, positive: Int) -> Double {
    p == 1
      ? relu(subclasses: subclasses)
      : polynomialReLU(
        exponent: p, oppositeSubclasses: p < 2 ? max(positive, subclasses - positive) : 1)
  }
}
