import Foundation
import LinearCore

/// A function of one number, some with an operand c that is a constant of the graph.
///
/// Not-a-number stays what it is. Where a function has a corner the slope is that of PyTorch: 0 for
/// relu(0) and |0|, and the slope of the inside at the ends of a clipped range. Roots, whose slope at 0 is
/// infinite, have the slope 0 there: what follows them often multiplies it by 0.
package enum ElementwiseFunction: Sendable, Equatable {
  case relu, leakyRelu(Double), elu(alpha: Double, gamma: Double), celu(Double)
  case sigmoid, tanh, hardSigmoid(alpha: Double, beta: Double), hardSwish, softplus, softsign
  case erf, gelu
  case clip(Double, Double), absolute, squareRoot, exponential, logarithm
  /// A power of x; see ``raise`` for powers that differ from place to place.
  case power(Double)
  /// x (x / c)^(p-1) for x > 0 and 0 elsewhere: a pReLU neuron whose weights have the norm c.
  case normalizedPower(Double)
  /// x + c, x - c, c - x, x c, x / c, c / x.
  case add, subtract, subtractFrom, multiply, divide, divideInto
  /// max(x, c), min(x, c), x^c, c^x, and c x for x < 0.
  case maximum, minimum, raise, raiseFrom, parametricRelu

  /// Whether there is an operand.
  var hasOperand: Bool {
    switch self {
    case .add, .subtract, .subtractFrom, .multiply, .divide, .divideInto, .maximum, .minimum,
      .raise, .raiseFrom, .parametricRelu, .normalizedPower:
      true
    default: false
    }
  }

  /// Replaces `count` numbers x by the function, and their slopes by slope times its derivative.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func apply<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, slopes: UnsafeMutablePointer<Scalar>?,
    operand: UnsafePointer<Scalar>?
  ) {
    if let operand {
      applyBinary(count, x, slopes, operand)
    } else {
      applyUnary(count, x, slopes)
    }
  }

  @inline(__always)
  private func applyUnary<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, _ slopes: UnsafeMutablePointer<Scalar>?
  ) {
    switch self {
    case .relu:
      loop(count, x, slopes, selects: true, { $0 < 0 ? 0 : $0 }, { x, _ in x > 0 ? 1 : 0 })
    case .leakyRelu(let alpha):
      let a = Scalar(alpha)
      loop(count, x, slopes, selects: true, { $0 < 0 ? a * $0 : $0 }, { x, _ in x > 0 ? 1 : a })
    case .elu(let alpha, let gamma):
      let (a, g) = (Scalar(alpha), Scalar(gamma))
      loop(
        count, x, slopes, { $0 < 0 ? g * (a * Self.expMinusOne($0)) : g * $0 },
        { x, y in x > 0 ? g : y + g * a })
    case .celu(let alpha):
      let a = Scalar(alpha)
      loop(
        count, x, slopes, { $0 < 0 ? a * Self.expMinusOne($0 / a) : $0 },
        { x, y in x > 0 ? 1 : y / a + 1 })
    case .sigmoid:
      loop(count, x, slopes, { 1 / (1 + Scalar.exponential(-$0)) }, { _, y in y * (1 - y) })
    case .tanh:
      loop(count, x, slopes, { Scalar(Foundation.tanh(Double($0))) }, { _, y in 1 - y * y })
    case .hardSigmoid(let alpha, let beta):
      let (a, b) = (Scalar(alpha), Scalar(beta))
      loop(
        count, x, slopes, { Self.clamp(a * $0 + b, 0, 1) }, { _, y in y > 0 && y < 1 ? a : 0 })
    case .hardSwish:
      loop(
        count, x, slopes, { $0 * Self.clamp($0 / 6 + 0.5, 0, 1) },
        { x, _ in x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 })
    case .softplus:
      loop(
        count, x, slopes, { Swift.max($0, 0) + Self.logOnePlus(Scalar.exponential(-$0.magnitude)) },
        { x, _ in 1 / (1 + Scalar.exponential(-x)) })
    case .softsign:
      loop(
        count, x, slopes, { $0 / (1 + $0.magnitude) },
        { x, _ in 1 / ((1 + x.magnitude) * (1 + x.magnitude)) })
    case .erf:
      loop(
        count, x, slopes, { Scalar(Foundation.erf(Double($0))) },
        { x, _ in Scalar(2 / Double.pi.squareRoot()) * Scalar.exponential(-x * x) })
    case .gelu:
      let root = Scalar(0.5.squareRoot())
      let density = Scalar(1 / (2 * Double.pi).squareRoot())
      loop(
        count, x, slopes, { $0 * (0.5 + 0.5 * Scalar(Foundation.erf(Double($0 * root)))) },
        { x, _ in
          0.5 + 0.5 * Scalar(Foundation.erf(Double(x * root)))
            + x * density * Scalar.exponential(-x * x / 2)
        })
    case .clip(let low, let high):
      let (a, b) = (Scalar(low), Scalar(high))
      loop(
        count, x, slopes, selects: true, { Self.clamp($0, a, b) },
        { x, _ in x >= a && x <= b ? 1 : 0 })
    case .absolute:
      loop(count, x, slopes, { $0.magnitude }, { x, _ in x > 0 ? 1 : x < 0 ? -1 : 0 })
    case .squareRoot:
      loop(count, x, slopes, { $0.squareRoot() }, { _, y in y > 0 ? 0.5 / y : 0 })
    case .exponential:
      loop(count, x, slopes, { Scalar.exponential($0) }, { _, y in y })
    case .logarithm:
      loop(count, x, slopes, { Scalar.logarithm($0) }, { x, _ in 1 / x })
    case .power(let exponent):
      applyPower(exponent, count, x, slopes)
    default: preconditionFailure("an operand is missing")
    }
  }

  @inline(__always)
  private func applyPower<Scalar: LinearScalar>(
    _ exponent: Double, _ count: Int, _ x: UnsafeMutablePointer<Scalar>,
    _ slopes: UnsafeMutablePointer<Scalar>?
  ) {
    switch exponent {
    case 1: break
    case 2: loop(count, x, slopes, { $0 * $0 }, { x, _ in 2 * x })
    case 3: loop(count, x, slopes, { $0 * $0 * $0 }, { x, _ in 3 * x * x })
    case -1: loop(count, x, slopes, { 1 / $0 }, { _, y in -y * y })
    default:
      let p = Scalar(exponent)
      loop(
        count, x, slopes, { Scalar.power($0, p) },
        { x, y in x == 0 ? 0 : p * (y / x) })
    }
  }

  @inline(__always)
  private func applyBinary<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, _ slopes: UnsafeMutablePointer<Scalar>?,
    _ c: UnsafePointer<Scalar>
  ) {
    switch self {
    // Slope 1.
    case .add: for i in 0..<count { x[i] += c[i] }
    case .subtract: for i in 0..<count { x[i] -= c[i] }
    case .subtractFrom: loop(count, x, c, slopes, { $1 - $0 }, { _, _, _ in -1 })
    case .multiply: loop(count, x, c, slopes, { $0 * $1 }, { _, c, _ in c })
    case .divide: loop(count, x, c, slopes, { $0 / $1 }, { _, c, _ in 1 / c })
    case .divideInto: loop(count, x, c, slopes, { $1 / $0 }, { x, _, y in -y / x })
    case .maximum:
      loop(count, x, c, slopes, selects: true, { $0 < $1 ? $1 : $0 }, { x, c, _ in x >= c ? 1 : 0 })
    case .minimum:
      loop(count, x, c, slopes, selects: true, { $0 > $1 ? $1 : $0 }, { x, c, _ in x <= c ? 1 : 0 })
    case .raise:
      loop(
        count, x, c, slopes, { Scalar.power($0, $1) }, { x, c, _ in c * Scalar.power(x, c - 1) })
    case .raiseFrom:
      loop(
        count, x, c, slopes, { Scalar.power($1, $0) },
        { _, c, y in y == 0 ? 0 : y * Scalar.logarithm(c) })
    case .parametricRelu:
      loop(
        count, x, c, slopes, selects: true, { $0 < 0 ? $1 * $0 : $0 }, { x, c, _ in x > 0 ? 1 : c })
    case .normalizedPower(let exponent):
      let p = Scalar(exponent)
      // 0^0 would be 1.
      loop(
        count, x, c, slopes, { $0 > 0 ? $0 * Scalar.power($0 / $1, p - 1) : $0 < 0 ? 0 : $0 },
        { x, c, _ in x > 0 ? p * Scalar.power(x / c, p - 1) : 0 })
    default: preconditionFailure("an operand too many")
    }
  }

  /// - Parameter selects: whether the function leaves some numbers as they are.
  @inline(__always)
  private func loop<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, _ slopes: UnsafeMutablePointer<Scalar>?,
    selects: Bool = false, _ value: (Scalar) -> Scalar,
    _ slope: (_ x: Scalar, _ y: Scalar) -> Scalar
  ) {
    guard let slopes else {
      if selects {
        Self.replace(count, x) { value(x[$0]) }
      } else {
        for i in 0..<count { x[i] = value(x[i]) }
      }
      return
    }
    for i in 0..<count {
      let y = value(x[i])
      slopes[i] *= slope(x[i], y)
      x[i] = y
    }
  }

  @inline(__always)
  private func loop<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, _ c: UnsafePointer<Scalar>,
    _ slopes: UnsafeMutablePointer<Scalar>?, selects: Bool = false,
    _ value: (Scalar, Scalar) -> Scalar,
    _ slope: (_ x: Scalar, _ c: Scalar, _ y: Scalar) -> Scalar
  ) {
    guard let slopes else {
      if selects {
        Self.replace(count, x) { value(x[$0], c[$0]) }
      } else {
        for i in 0..<count { x[i] = value(x[i], c[i]) }
      }
      return
    }
    for i in 0..<count {
      let y = value(x[i], c[i])
      slopes[i] *= slope(x[i], c[i], y)
      x[i] = y
    }
  }

  /// Numbers computed aside first: in place, a number that stays what it is would not be written, which costs a
  /// branch a number.
  @inline(__always)
  private static func replace<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafeMutablePointer<Scalar>, _ value: (Int) -> Scalar
  ) {
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: count) { buffer in
      guard let y = buffer.baseAddress else { return }
      for i in 0..<count { y[i] = value(i) }
      x.update(from: y, count: count)
    }
  }

  @inline(__always)
  private static func clamp<Scalar: LinearScalar>(_ x: Scalar, _ low: Scalar, _ high: Scalar)
    -> Scalar
  {
    let raised = x < low ? low : x
    return raised > high ? high : raised
  }

  @inline(__always)
  private static func expMinusOne<Scalar: LinearScalar>(_ x: Scalar) -> Scalar {
    Scalar(Foundation.expm1(Double(x)))
  }

  @inline(__always)
  private static func logOnePlus<Scalar: LinearScalar>(_ x: Scalar) -> Scalar {
    Scalar(Foundation.log1p(Double(x)))
  }
}
