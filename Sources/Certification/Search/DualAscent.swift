import Foundation

/// Maximises the dual value of one box over the multiplier: a safeguarded Newton iteration around a
/// ``LagrangianMinimizer``.
struct DualAscent {
  /// The best bound of ||d||^2/2 that was met.
  private(set) var value = -Double.infinity
  /// Where it was met.
  private(set) var multiplier: Double
  /// The minimiser there.
  private(set) var point: [Double]
  /// The slopes of all neurons' terms there: minus the minimiser, in terms of the directions.
  private(set) var coefficients: [Double] = []
  /// The last coefficients below and above the best multiplier, and dL/dlambda there.
  private var below: (slopes: [Double], first: Double)?
  private var above: (slopes: [Double], first: Double)?
  /// What a certificate keeps of it; nil before ``run(_:box:target:limit:deadline:)``.
  private(set) var leaf: CertificateLeaf?

  /// An ascent from a multiplier and a point near its minimiser.
  init(multiplier: Double, point: [Double]) {
    self.multiplier = multiplier
    self.point = point
  }

  /// Ascends until the value reaches `target` or hardly grows. The minimizer is left at the last
  /// multiplier, where the condition is nearly met.
  mutating func run(
    _ minimizer: LagrangianMinimizer, box: [ClosedRange<Double>], target: Double,
    limit: Int = 30, deadline: Date
  ) {
    ascend(minimizer, box: box, target: target, limit: limit, deadline: deadline)
    guard minimizer.line != nil else { return }
    for _ in 0..<3 {
      let before = value
      if value >= target || Date() >= deadline { return }
      tilt(minimizer, box: box, target: target, deadline: deadline)
      (below, above) = (nil, nil)
      ascend(minimizer, box: box, target: target, limit: min(limit, 8), deadline: deadline)
      if value < before + 1e-4 * (target - before) { return }
    }
  }

  /// Moves the slope of the line below the bias term, at the best multiplier, to where the dual value is largest.
  private mutating func tilt(
    _ minimizer: LagrangianMinimizer, box: [ClosedRange<Double>], target: Double, deadline: Date
  ) {
    guard let line = minimizer.line else { return }
    let width = line.squares.upperBound - line.squares.lowerBound
    var (low, high) = (-Double.infinity, Double.infinity)
    var (start, best) = (point, minimizer.preferredBiasSlope)
    for _ in 0..<8 {
      minimizer.set(multiplier: multiplier, box: box)
      minimizer.minimize(from: start)
      start = minimizer.point
      let next = minimizer.value - minimizer.squaredGradient / (2 * CertificateKernel.modulus)
      let slope = minimizer.currentBiasSlope
      if next > value {
        value = next
        point = start
        leaf = minimizer.leaf
        coefficients = minimizer.neuronSlopes
        best = slope
      }
      if next >= target || Date() >= deadline { break }
      guard let (excess, derivative) = minimizer.lengthExcess(), excess.magnitude > 1e-3 * width
      else { break }
      if excess > 0 { low = slope } else { high = slope }
      var other = derivative < 0 ? slope - excess / derivative : .nan
      if !(other > low && other < high) {
        guard low.isFinite, high.isFinite else { break }
        other = 0.5 * (low + high)
      }
      minimizer.setBiasSlope(other)
    }
    minimizer.setBiasSlope(best)
  }

  private mutating func ascend(
    _ minimizer: LagrangianMinimizer, box: [ClosedRange<Double>], target: Double, limit: Int,
    deadline: Date
  ) {
    var (trial, start) = (multiplier, point)
    var (low, high) = (0.0, Double.infinity)
    for _ in 0..<limit {
      minimizer.set(multiplier: trial, box: box)
      minimizer.minimize(from: start)
      start = minimizer.point
      let next = minimizer.value - minimizer.squaredGradient / (2 * CertificateKernel.modulus)
      if next > value {
        value = next
        multiplier = trial
        point = start
        leaf = minimizer.leaf
        coefficients = minimizer.neuronSlopes
      }
      if next >= target { return }
      let (first, second) = minimizer.multiplierDerivatives()
      if first > 0 {
        low = trial
        below = (minimizer.neuronSlopes, first)
      } else {
        high = trial
        above = (minimizer.neuronSlopes, first)
      }
      let gain = second > 0 ? 0.5 * first * first / second : .infinity
      // At a kink of the dual function the minimiser jumps: which neurons are to blame shows only where
      // the condition is nearly met.
      let slack = abs(first) * trial
      if gain < 2e-5 * target && slack < 0.1 * (target - value) { break }
      if high - low < 1e-6 * low || trial > 1e9 || Date() >= deadline { break }
      var step = second > 0 ? trial + first / second : trial * 4
      step = min(step, 8 * trial)
      if !(step > low && step < high) {
        step = high.isFinite ? 0.5 * (low + high) : 4 * trial
      }
      trial = max(step, 1e-9)
    }
  }

  /// The slopes of the solution of the relaxation: where the minimiser jumps at the best multiplier, the
  /// mixture of both sides that meets the condition.
  var mixedCoefficients: [Double] {
    guard let below, let above, below.first > above.first else { return coefficients }
    let share = below.first / (below.first - above.first)
    return zip(below.slopes, above.slopes).map { (1 - share) * $0 + share * $1 }
  }
}
