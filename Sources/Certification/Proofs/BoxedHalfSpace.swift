import LinearCore

/// How far the half-space { A + <g, d> <= 0 }, A > 0, is from the origin inside of a box a <= d <= b.
///
/// In l2 and l1 any nu >= 0 proves a bound: with psi(d) = d^2 / 2 or |d| in every coordinate,
///
///     psi of the norm >= nu A + sum_i min over [a_i, b_i] of (psi(d_i) + nu g_i d_i) .
///
/// In linf a radius r is proved where A + sum_i min of g_i d_i over [a_i, b_i] and [-r, r] is above 0. How nu and r are
/// found does not matter.
struct BoxedHalfSpace {
  private static let unit = 0x1p-52
  private let norm: Norm
  private let gradient: [Double]
  private let constant: Double
  private let lower: ArraySlice<Double>
  private let upper: ArraySlice<Double>
  private var n: Int { gradient.count }

  /// - Parameters:
  ///   - constant: A, at most.
  ///   - gradient: g, taken as exact.
  ///   - lower, upper: as many ends, finite, lower <= upper.
  init(
    norm: Norm, constant: Double, gradient: [Double], lower: ArraySlice<Double>,
    upper: ArraySlice<Double>
  ) {
    self.norm = norm
    self.constant = constant
    self.gradient = gradient
    self.lower = lower
    self.upper = upper
  }

  /// A lower bound of the norm; infinite where the box is outside of the half-space.
  var bound: Double {
    guard constant > 0, constant.isFinite else { return 0 }
    // What all coordinates together take from A at most.
    let (least, size) = total { i, a, b in min(gradient[i] * a, gradient[i] * b) }
    if constant + least > rounding(size + constant) { return .infinity }
    switch norm {
    case .linf:
      let radius = largestRadius * (1 - 1e-12)
      return proves(radius) ? radius : 0
    case .l2:
      let value = dual(multiplier) { i, a, b, nu in
        let d = min(max(-nu * gradient[i], a), b)
        return (0.5 * d * d, nu * gradient[i] * d)
      }
      return value > 0 ? (2 * value).squareRoot() * (1 - 4 * Self.unit) : 0
    case .l1:
      return max(
        0,
        dual(multiplier) { i, a, b, nu in
          // The least of a convex function of one kink: there, or at an end.
          var best = (0.0, 0.0)
          if a > 0 || b < 0 { best = (.infinity, 0) }
          for d in [a, b] where d.magnitude + nu * gradient[i] * d < best.0 + best.1 {
            best = (d.magnitude, nu * gradient[i] * d)
          }
          return best
        })
    }
  }

  /// The point of the half-space that is nearest to the origin, about; nil where there is none.
  var nearest: [Double]? {
    guard constant > 0, constant.isFinite else { return nil }
    if norm == .linf {
      let radius = largestRadius * (1 + 1e-12)
      let point = zip(lower, upper).enumerated().map { i, ends in
        min(max(gradient[i] > 0 ? -radius : gradient[i] < 0 ? radius : 0, ends.0), ends.1)
      }
      return margin(point) <= 1e-9 * constant ? point : nil
    }
    let nu = multiplier
    guard nu > 0, nu.isFinite else { return nil }
    var point = zip(lower, upper).enumerated().map { i, ends in
      let steep = nu * gradient[i]
      let d = norm == .l2 ? -steep : steep.magnitude > 1 ? -steep * .greatestFiniteMagnitude : 0
      return min(max(d, ends.0), ends.1)
    }
    if norm == .l1 {
      // The last coordinate goes as far as it has to.
      guard
        let last = gradient.indices.min(by: {
          (nu * gradient[$0].magnitude - 1).magnitude < (nu * gradient[$1].magnitude - 1).magnitude
        })
      else { return nil }
      point[last] = 0
      let step = -margin(point) / gradient[last]
      point[last] = min(max(step, lower[lower.startIndex + last]), upper[upper.startIndex + last])
    }
    return margin(point) <= 1e-9 * constant && point.allSatisfy(\.isFinite) ? point : nil
  }

  private func margin(_ d: [Double]) -> Double {
    zip(gradient, d).reduce(constant) { $0 + $1.0 * $1.1 }
  }

  /// More than rounding changes a sum of so many terms by.
  private func rounding(_ size: Double) -> Double { Double(2 * n + 32) * Self.unit * size }

  /// The sum over all coordinates, and that of the magnitudes.
  private func total(_ term: (Int, Double, Double) -> Double) -> (sum: Double, size: Double) {
    var (sum, size) = (0.0, 0.0)
    for (i, (a, b)) in zip(lower, upper).enumerated() {
      let value = term(i, a, b)
      sum += value
      size += value.magnitude
    }
    return (sum, size)
  }

  /// nu A + sum of two terms a coordinate, less what rounding may have added.
  private func dual(
    _ nu: Double, _ terms: (Int, Double, Double, Double) -> (Double, Double)
  ) -> Double {
    guard nu > 0, nu.isFinite else { return 0 }
    var (sum, size) = (nu * constant, nu * constant)
    for (i, (a, b)) in zip(lower, upper).enumerated() {
      let (first, second) = terms(i, a, b, nu)
      sum += first + second
      size += first.magnitude + second.magnitude
    }
    let value = sum - rounding(size)
    return value.isNaN ? 0 : value
  }

  /// Whether no point of the box of max |d_i| <= r is in the half-space.
  private func proves(_ r: Double) -> Bool {
    guard r > 0 else { return false }
    var isEmpty = false
    let (sum, size) = total { i, a, b in
      let (low, high) = (max(a, -r), min(b, r))
      if low > high { isEmpty = true }
      return min(gradient[i] * low, gradient[i] * high)
    }
    return isEmpty || constant + sum > rounding(size + constant)
  }

  /// In linf, by halving.
  private var largestRadius: Double {
    var low = constant / gradient.reduce(0) { $0 + $1.magnitude } * (1 - 1e-12)
    var high = 2 * low
    for _ in 0..<1000 where high.isFinite && proves(high) { (low, high) = (high, 2 * high) }
    for _ in 0..<60 where high - low > 1e-13 * high {
      let middle = 0.5 * (low + high)
      if proves(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// The best nu: where the nearest point of the box reaches the half-space.
  private var multiplier: Double {
    norm == .l2 ? euclideanMultiplier : breakpoint
  }

  /// A + <g, d(nu)> falls in nu.
  private var euclideanMultiplier: Double {
    func margin(_ nu: Double) -> Double {
      var sum = constant
      for (i, (a, b)) in zip(lower, upper).enumerated() {
        sum += gradient[i] * min(max(-nu * gradient[i], a), b)
      }
      return sum
    }
    let square = gradient.reduce(0) { $0 + $1 * $1 }
    var (low, high) = (0.0, constant / square)
    for _ in 0..<200 where margin(high) > 0 { (low, high) = (high, 2 * high) }
    for _ in 0..<60 where high - low > 1e-14 * high {
      let middle = 0.5 * (low + high)
      if margin(middle) > 0 { low = middle } else { high = middle }
    }
    return 0.5 * (low + high)
  }

  /// In l1 the steepest coordinates go first, each to its wall: 1/|g_i| of the one that reaches the half-space.
  private var breakpoint: Double {
    var rest = constant
    // Coordinates that cannot stay at 0.
    for (i, (a, b)) in zip(lower, upper).enumerated() where a > 0 || b < 0 {
      rest += gradient[i] * (a > 0 ? a : b)
    }
    let order = gradient.indices.sorted { gradient[$0].magnitude > gradient[$1].magnitude }
    for i in order {
      let (a, b) = (min(0, lower[lower.startIndex + i]), max(0, upper[upper.startIndex + i]))
      rest += min(gradient[i] * a, gradient[i] * b)
      if rest <= 0 { return 1 / gradient[i].magnitude }
    }
    return 0
  }
}
