extension CriticalRadius {
  /// (sqrt(2) - 8 nu^(1/p)) / 2: an l2 radius up to which a network of degree p is robust with high
  /// probability on the mixture, where sup over the sphere of |c f - F^(p)| <= nu for some c > 0; 0 where
  /// nu > (sqrt(2)/8)^p, for which nothing is claimed.
  ///
  /// Min and Vidal, *Gradient Flow Provably Learns Robust Classifiers for Orthonormal GMMs*, ICML 2025,
  /// Proposition 3.
  public static func guaranteed(exponent p: Double, distance nu: Double) -> Double {
    precondition(p >= 1 && nu >= 0)
    return max(0, (2.0.squareRoot() - 8 * Double.power(nu, 1 / p)) / 2)
  }
}
