import LinearCore

/// phi(z) = relu(z)^p with its first two derivatives, in double precision.
///
/// Whole exponents up to 8 are multiplied out, others take one call of the library's power. The relative
/// error of a value is below (p + 4) units of 2^-53.
struct RectifiedPower: Sendable {
  /// p >= 1.
  let exponent: Double
  /// p - 2 where p is a small whole number from 2 on.
  private let wholeExcess: Int?

  init(exponent: Double) {
    self.exponent = exponent
    let isWhole = exponent >= 2 && exponent <= 8 && exponent == exponent.rounded()
    wholeExcess = isWhole ? Int(saturating: exponent) - 2 : nil
  }

  /// z^(p - 2) for z > 0.
  @inline(__always)
  func excessPower(_ z: Double) -> Double {
    guard let wholeExcess else { return Double.power(z, exponent - 2) }
    var result = 1.0
    for _ in 0..<wholeExcess { result *= z }
    return result
  }

  /// phi(z).
  @inline(__always)
  func callAsFunction(_ z: Double) -> Double {
    if z <= 0 { return 0 }
    return exponent == 1 ? z : excessPower(z) * z * z
  }

  /// phi(z), phi'(z) and phi''(z); at z <= 0 all are 0.
  @inline(__always)
  func derivatives(_ z: Double) -> Jet {
    if z <= 0 { return Jet(value: 0, slope: 0, curvature: 0) }
    if exponent == 1 { return Jet(value: z, slope: 1, curvature: 0) }
    let power = excessPower(z)
    return Jet(
      value: power * z * z, slope: exponent * power * z,
      curvature: exponent * (exponent - 1) * power)
  }

  /// The same for a convex function that is nowhere above phi and whose slope is Lipschitz: where p < 2,
  /// phi on [0, rounding] is replaced by the parabola of the same slope at its end, and lowered by a
  /// constant beyond it,
  ///
  ///     phi'(t) z^2 / (2t) on [0, t],   phi(z) - (1 - p/2) t^p beyond,   t = rounding.
  ///
  /// It lies below phi since (p/2) t^(p-2) z^2 <= z^p for z <= t, and p/2 <= 1. At p >= 2 it is phi.
  @inline(__always)
  func roundedDerivatives(_ z: Double, rounding: Double) -> Jet {
    if exponent >= 2 || z <= 0 { return derivatives(z) }
    if z <= rounding {
      let curvature = derivatives(rounding).slope / rounding
      return Jet(value: 0.5 * curvature * z * z, slope: curvature * z, curvature: curvature)
    }
    var jet = derivatives(z)
    if rounding > 0 { jet.value -= (1 - exponent / 2) * self(rounding) }
    return jet
  }
}

/// A function's value and first two derivatives at a point.
struct Jet {
  var value: Double
  var slope: Double
  var curvature: Double
}
