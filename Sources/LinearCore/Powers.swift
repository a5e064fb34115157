/// Raises vectors of non-negative numbers to one fixed real power, `exponent >= 0`.
///
/// The exponent is split once: whole powers by multiplication, and the remaining fraction by square
/// roots (halves and quarters) or by exp2(fraction log2 x). The loops are simple enough for the
/// compiler to vectorise. 0^0 is 0 here: the derivative of relu^1 at 0 is taken to be 0.
///
/// Relative error: below 1e-6 in `Float`; a few units in the last place in `Double`.
public struct VectorPower<Scalar: LinearScalar>: Sendable {
  /// The power that entries are raised to, at least 0.
  public let exponent: Double
  private let whole: Int
  private let fraction: Double

  /// A power e >= 0.
  public init(exponent: Double) {
    precondition(exponent >= 0 && exponent.isFinite, "an exponent of at least 0")
    self.exponent = exponent
    whole = Int(saturating: exponent.rounded(.down))
    fraction = exponent - exponent.rounded(.down)
  }

  /// y_i = (scale x_i)^e where scale x_i > 0 and 0 elsewhere (also for e = 0), for `count` numbers.
  ///
  /// `x` and `y` must not overlap. Results below the normal range become 0, so that no denormal number
  /// enters a later product.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func apply(
    _ count: Int, scale: Scalar, _ x: UnsafePointer<Scalar>, into y: UnsafeMutablePointer<Scalar>
  ) {
    var factors = whole
    if fraction > 0 {
      for i in 0..<count { y[i] = rectified(scale * x[i]) }
      // The root of a denormal number is a normal one, with as few digits.
      Scalar.flushDenormals(count, y)
      Scalar.raise(count, y, toFraction: fraction)
    } else if whole == 0 {
      for i in 0..<count { y[i] = scale * x[i] > 0 ? 1 : 0 }
    } else {
      for i in 0..<count { y[i] = rectified(scale * x[i]) }
      factors -= 1
    }
    for _ in 0..<factors {
      for i in 0..<count { y[i] *= rectified(scale * x[i]) }
    }
    if whole > 0 { Scalar.flushDenormals(count, y) }
  }

  /// The power of one number.
  public func callAsFunction(_ x: Scalar) -> Scalar {
    var result: Scalar = 0
    withUnsafePointer(to: x) { apply(1, scale: 1, $0, into: &result) }
    return result
  }

  @inline(__always)
  private func rectified(_ x: Scalar) -> Scalar { x > 0 ? x : 0 }
}

extension Float {
  /// Replaces denormal numbers by 0. Integer arithmetic, because the compiler makes a branch of a
  /// comparison.
  public static func flushDenormals(_ count: Int, _ x: UnsafeMutablePointer<Float>) {
    for i in 0..<count {
      let bits = x[i].bitPattern
      // The sign bit of this sum is set exactly when the exponent field is not 0.
      let normal = (bits & 0x7fff_ffff) &+ 0x7f80_0000
      x[i] = Float(bitPattern: bits & UInt32(bitPattern: Int32(bitPattern: normal) &>> 31))
    }
  }

  /// x_i <- sqrt(x_i) for x_i >= 0.
  public static func root(_ count: Int, _ x: UnsafeMutablePointer<Float>) {
    for i in 0..<count { x[i] = fastRoot(x[i]) }
  }

  /// x_i <- x_i^fraction for x_i >= 0 and 0 < fraction < 1.
  public static func raise(
    _ count: Int, _ x: UnsafeMutablePointer<Float>, toFraction fraction: Double
  ) {
    switch fraction {
    case 0.5:
      root(count, x)
    case 0.25:
      for i in 0..<count { x[i] = fastRoot(fastRoot(x[i])) }
    case 0.75:
      for i in 0..<count {
        let root = fastRoot(x[i])
        x[i] = root * fastRoot(root)
      }
    default:
      // fraction = high + low, where high times the exponent of x is exact: rounding log2 x as a whole
      // would cost an error of |log2 x| ulps.
      let rounded = Float(fraction)
      let high = Float(bitPattern: rounded.bitPattern & 0xffff_f000)
      let low = Float(fraction - Double(high))
      for i in 0..<count {
        let (exponent, logarithm) = fastLog2(x[i])
        let product = high * exponent
        let whole = roundedToInteger(product)
        let rest = (product - whole) + (low * exponent + rounded * logarithm)
        let value = fastExp2(rest) * powerOfTwo(whole)
        x[i] = value * (x[i] > 0 ? 1 : 0)
      }
    }
  }
}

extension Double {
  /// Replaces denormal numbers by 0.
  public static func flushDenormals(_ count: Int, _ x: UnsafeMutablePointer<Double>) {
    for i in 0..<count {
      let bits = x[i].bitPattern
      let normal = (bits & 0x7fff_ffff_ffff_ffff) &+ 0x7ff0_0000_0000_0000
      x[i] = Double(bitPattern: bits & UInt64(bitPattern: Int64(bitPattern: normal) &>> 63))
    }
  }

  /// x_i <- sqrt(x_i) for x_i >= 0.
  public static func root(_ count: Int, _ x: UnsafeMutablePointer<Double>) {
    for i in 0..<count { x[i] = x[i].squareRoot() }
  }

  /// x_i <- x_i^fraction for x_i >= 0 and 0 < fraction < 1.
  public static func raise(
    _ count: Int, _ x: UnsafeMutablePointer<Double>, toFraction fraction: Double
  ) {
    if fraction == 0.5 {
      root(count, x)
    } else {
      for i in 0..<count { x[i] = power(x[i], fraction) }
    }
  }
}

/// The square root of a non-negative normal number or 0, by three Newton steps for 1/sqrt(x).
///
/// The library's root branches on negative numbers, which keeps loops from being vectorised.
@inline(__always)
private func fastRoot(_ x: Float) -> Float {
  // A common first guess, off by at most 3.5%.
  var inverse = Float(bitPattern: 0x5f37_59df &- (x.bitPattern &>> 1))
  let half = 0.5 * x
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  inverse *= 1.5 - half * inverse * inverse
  return x * inverse
}

/// log2 of a normal positive number, as an integer and a rest in [-1/2, 1/2].
///
/// The mantissa m in [sqrt(1/2), sqrt(2)) is reduced to s = (m - 1)/(m + 1), and
/// log2 m = 2/ln 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.1716.
@inline(__always)
private func fastLog2(_ x: Float) -> (exponent: Float, logarithm: Float) {
  let bits = Int32(bitPattern: x.bitPattern)
  // Subtracting the bits of sqrt(1/2) makes the exponent field the rounded exponent.
  let exponent = (bits &- 0x3f35_04f3) &>> 23
  let mantissa = Float(bitPattern: UInt32(bitPattern: bits &- (exponent &<< 23)))
  let s = (mantissa - 1) / (mantissa + 1)
  let q = s * s
  var series: Float = 0.3205989
  series = series * q + 0.4121985
  series = series * q + 0.577078017
  series = series * q + 0.961796694
  series = series * q + 2.885390082
  return (Float(exponent), s * series)
}

/// The nearest integer, for |x| < 2^22: adding 1.5 * 2^23 rounds to it.
@inline(__always)
private func roundedToInteger(_ x: Float) -> Float { (x + 12_582_912) - 12_582_912 }

/// 2^x for an integer x from -126 to 127.
@inline(__always)
private func powerOfTwo(_ x: Float) -> Float {
  let exponent = Int32(bitPattern: (x + 12_582_912).bitPattern) &- 0x4b40_0000 &+ 127
  return Float(bitPattern: UInt32(bitPattern: exponent &<< 23))
}

/// 2^x for |x| <= 100.
@inline(__always)
private func fastExp2(_ x: Float) -> Float {
  let whole = roundedToInteger(x)
  let t = (x - whole) * 0.6931471806
  // Taylor series of e^t on |t| <= 0.3466; the first term left out is below 6e-9.
  var value: Float = 0.0001984127
  value = value * t + 0.001388889
  value = value * t + 0.008333333
  value = value * t + 0.041666668
  value = value * t + 0.16666667
  value = value * t + 0.5
  value = value * t + 1
  value = value * t + 1
  return value * powerOfTwo(whole)
}
