import LinearCore

/// The point of { G d >= e, a <= d <= b } nearest to the origin in any norm, in many dimensions and under few half-spaces: a
/// primal-dual interior point method.
///
/// The norm is sum_i r_i (l1), r (linf) or ‖d‖^2 / 2 (l2), with r - d >= 0 and r + d >= 0. Newton's method solves
/// slack times multiplier = mu for all of these at once. In every coordinate the step is E w + h + k Delta r with
/// w = G^T lambda, so that what is left are as many equations as there are half-spaces, and one for r. Nothing here has to
/// be exact: lambda is what proofs are made from.
final class InteriorPoint {
  private let norm: Norm
  private let n: Int
  private let count: Int
  /// G, row by row, and e.
  private let rows: [Double]
  private let offsets: [Double]

  /// d.
  private(set) var point: [Double]
  /// lambda.
  private(set) var multipliers: [Double]
  /// The least norm as lambda has it; grows without limit where there is no point.
  private(set) var bound = 0.0

  private var slacks: [Double]
  /// r - d, r + d, b - d and d - a with their multipliers, those that there are.
  private var sides: [Side]
  /// 0 for coordinates between walls that leave no room, otherwise 1.
  private let isFree: [Double]
  // What ``step(_:)`` computes for every coordinate: E, h and k; in l1 Delta r = force + coupling Delta d.
  private var stiffness: [Double]
  private var drift: [Double]
  private var reach: [Double]
  private var coupling: [Double]
  private var force: [Double]
  private var scaled: [Double]

  private struct Side {
    /// Infinite where there is no wall.
    var slack: [Double]
    var multiplier: [Double]
    /// How the slack changes with d.
    let sign: Double
    let isOfRadius: Bool
    // Of the step.
    var slackStep: [Double]
    var multiplierStep: [Double]

    init(_ slack: [Double], sign: Double, isOfRadius: Bool, multiplier: (Double) -> Double) {
      self.slack = slack
      self.sign = sign
      self.isOfRadius = isOfRadius
      self.multiplier = slack.map { $0.isFinite ? multiplier($0) : 0 }
      slackStep = slack.map { _ in 0 }
      multiplierStep = slackStep
    }
  }

  /// - Parameters:
  ///   - rows: of G, (offsets.count, lower.count).
  ///   - lower, upper: the walls of every coordinate, lower <= 0 <= upper, infinite for none.
  ///   - scale: about the size of the solution.
  init(
    norm: Norm, rows: [Double], offsets: [Double], lower: [Double], upper: [Double], scale: Double
  ) {
    self.norm = norm
    (self.rows, self.offsets) = (rows, offsets)
    (n, count) = (lower.count, offsets.count)
    let size = scale > 0 && scale.isFinite ? scale : 1
    let isSum = norm == .l1
    let step = isSum ? size / Double(lower.count) : size
    isFree = zip(lower, upper).map { $1 - $0 > 1e-14 * size ? 1 : 0 }
    // Inside of all walls.
    let start = lower.indices.map { i in
      let (a, b) = (max(lower[i], -step), min(upper[i], step))
      return min(max(0, a + 0.1 * (b - a)), b - 0.1 * (b - a))
    }
    point = start
    let mu =
      norm == .l2
      ? size * size / Double(lower.count) : isSum ? step : size / Double(2 * lower.count)
    sides = []
    if !(lower + upper).allSatisfy({ $0.isInfinite }) {
      let room = isFree
      func walls(_ slack: [Double]) -> [Double] {
        zip(slack, room).map { $1 == 0 ? .infinity : $0 }
      }
      sides.append(
        Side(walls(zip(upper, start).map { $0 - $1 }), sign: -1, isOfRadius: false) { mu / $0 })
      sides.append(
        Side(walls(zip(start, lower).map { $0 - $1 }), sign: 1, isOfRadius: false) { mu / $0 })
    }
    if norm != .l2 {
      let radii = start.map { isSum ? $0.magnitude + step : 2 * size }
      let share: (Double) -> Double = isSum ? { _ in 0.5 } : { mu / $0 }
      sides.append(
        Side(zip(radii, start).map { $0 - $1 }, sign: -1, isOfRadius: true, multiplier: share))
      sides.append(
        Side(zip(radii, start).map { $0 + $1 }, sign: 1, isOfRadius: true, multiplier: share))
    }
    let none = [Double](repeating: 0, count: lower.count)
    (stiffness, drift, reach, coupling, force) = (none, none, none, none, none)
    scaled = rows
    let products = Self.times(rows, start)
    slacks = zip(products, offsets).map { max($0 - $1, 0.1 * size) }
    multipliers = slacks.map { mu / $0 }
  }

  private static func times(_ rows: [Double], _ d: [Double]) -> [Double] {
    let (n, count) = (d.count, rows.count / max(1, d.count))
    return rows.withUnsafeBufferPointer { rows in
      d.withUnsafeBufferPointer { d in
        (0..<count).map { Double.dot(n, rows.baseAddress! + $0 * n, d.baseAddress!) }
      }
    }
  }

  /// G^T y.
  private func combination(_ y: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: n)
    Double.gemv(
      transposeA: true, m: count, n: n, alpha: 1, a: rows, leadingA: n, x: y, beta: 0, y: &result)
    return result
  }

  /// - Parameters:
  ///   - target: a norm that needs no more.
  ///   - precision: relative, of the norm.
  func solve(target: Double, precision: Double) {
    if offsets.allSatisfy({ $0 <= 0 }) {
      // The origin is between all walls.
      point = point.map { _ in 0 }
      multipliers = multipliers.map { _ in 0 }
      return
    }
    var shrink = 0.2
    for _ in 0..<60 {
      let mu = meanComplementarity()
      guard let steps = step(shrink * mu) else { return }
      let length = min(steps.primal, steps.dual)
      shrink = max(0.01, min(0.5, (1 - length) * (1 - length)))
      let primal = norm.length(point)
      bound = max(0, dualBound())
      if bound > target || length < 1e-8 { return }
      guard primal - bound <= precision * primal else { continue }
      let products = Self.times(rows, point)
      let violation = products.indices.reduce(0.0) {
        max($0, (products[$1] - offsets[$1] - slacks[$1]).magnitude)
      }
      if violation <= 1e-9 * max(primal, 1e-300) { return }
    }
  }

  private func meanComplementarity() -> Double {
    var (sum, terms) = (0.0, count)
    for i in 0..<count { sum += slacks[i] * multipliers[i] }
    for side in sides {
      for i in 0..<n where side.multiplier[i] > 0 {
        sum += side.slack[i] * side.multiplier[i]
        terms += 1
      }
    }
    return sum / Double(max(1, terms))
  }

  /// What lambda and the multipliers of the walls prove of the norm.
  private func dualBound() -> Double {
    var rest = combination(multipliers)
    var value = 0.0
    for i in 0..<count { value += multipliers[i] * offsets[i] }
    for side in sides where !side.isOfRadius {
      for i in 0..<n where side.multiplier[i] > 0 {
        // b = d + (b - d), and a = d - (d - a).
        let wall = point[i] - side.sign * side.slack[i]
        value += side.sign * side.multiplier[i] * wall
        rest[i] += side.sign * side.multiplier[i]
      }
    }
    for i in 0..<n where isFree[i] == 0 { rest[i] = 0 }
    let length = norm.dual.length(rest)
    return length > 0 ? value / length : value > 0 ? .infinity : 0
  }

  /// One step of Newton's method towards slack times multiplier = mu; nil where its equations have no solution.
  private func step(_ mu: Double) -> (primal: Double, dual: Double)? {
    let border = respond(mu)
    // (G E G^T + diag(s / lambda)) lambda = mu / lambda - rho - G h - G k Delta r.
    let m = count
    var system = [Double](repeating: 0, count: m * m)
    scaled.withUnsafeMutableBufferPointer { scaled in
      for i in 0..<m { for j in 0..<n { scaled[i * n + j] = rows[i * n + j] * stiffness[j] } }
    }
    Double.gemm(
      transposeA: false, transposeB: true, m: m, n: m, k: n, alpha: 1, a: scaled, leadingA: n,
      b: rows, leadingB: n, beta: 0, c: &system, leadingC: m)
    let products = Self.times(rows, point)
    let gh = Self.times(rows, drift)
    var right = [Double](repeating: 0, count: m)
    for i in 0..<m {
      system[i * m + i] += slacks[i] / multipliers[i] + 1e-14 * system[i * m + i]
      right[i] = mu / multipliers[i] - (products[i] - offsets[i] - slacks[i]) - gh[i]
    }
    guard SmallCholesky.factorize(m, &system) else { return nil }
    SmallCholesky.solve(m, system, &right)
    var radiusStep = 0.0
    if norm == .linf {
      var gk = Self.times(rows, reach)
      SmallCholesky.solve(m, system, &gk)
      // sum T Delta r - sum K Delta d = sum mu (1/p + 1/q) - 1, and k = K E.
      var (left, value) = (border.stiffness, border.pull - 1)
      let (w, v) = (combination(right), combination(gk))
      for i in 0..<n where stiffness[i] > 0 {
        value += reach[i] * w[i] + reach[i] / stiffness[i] * drift[i]
        left += reach[i] * v[i]
      }
      guard left > 0 else { return nil }
      radiusStep = value / left
      for i in 0..<m { right[i] -= gk[i] * radiusStep }
    }
    guard right.allSatisfy(\.isFinite) else { return nil }
    var change = combination(right)
    for i in 0..<n {
      change[i] = stiffness[i] * change[i] + drift[i] + reach[i] * radiusStep
    }
    return move(mu, change, radiusStep, lambda: right, products)
  }

  /// Computes E, h and k of every coordinate; in linf returns sum of T - K^2 / S and of mu (1/p + 1/q).
  private func respond(_ mu: Double) -> (stiffness: Double, pull: Double) {
    var result = (stiffness: 0.0, pull: 0.0)
    let isSquare = norm == .l2
    for i in 0..<n {
      var (s, g) = isSquare ? (1.0, point[i]) : (0.0, 0.0)
      var (t, k, f) = (0.0, 0.0, 0.0)
      for side in sides {
        let inverse = 1 / side.slack[i]
        let ratio = side.multiplier[i] * inverse
        s += ratio
        g -= side.sign * mu * inverse
        if side.isOfRadius {
          t += ratio
          k -= side.sign * ratio
          f += mu * inverse
        }
      }
      switch norm {
      case .l2:
        (stiffness[i], drift[i]) = (isFree[i] / s, -isFree[i] * g / s)
      case .linf:
        let free = isFree[i]
        (stiffness[i], drift[i], reach[i]) = (free / s, -free * g / s, free * k / s)
        result.stiffness += t - free * k * k / s
        result.pull += f
      case .l1:
        coupling[i] = k / t
        force[i] = (f - 1) / t
        let whole = s - k * k / t
        stiffness[i] = isFree[i] / whole
        drift[i] = isFree[i] * (coupling[i] * (f - 1) - g) / whole
      }
    }
    return result
  }

  /// Steps as long as slacks and multipliers stay above 0.
  private func move(
    _ mu: Double, _ change: [Double], _ radiusStep: Double, lambda: [Double], _ products: [Double]
  ) -> (primal: Double, dual: Double) {
    // The largest share of the way to 0.
    var (primal, dual) = (0.0, 0.0)
    let isSum = norm == .l1
    for index in sides.indices {
      let (sign, isOfRadius) = (sides[index].sign, sides[index].isOfRadius)
      for i in 0..<n {
        var step = sign * change[i]
        if isOfRadius { step += isSum ? force[i] + coupling[i] * change[i] : radiusStep }
        let (slack, y) = (sides[index].slack[i], sides[index].multiplier[i])
        let inverse = 1 / slack
        let multiplierStep = mu * inverse - y - y * inverse * step
        sides[index].slackStep[i] = step
        sides[index].multiplierStep[i] = multiplierStep
        primal = max(primal, -step * inverse)
        if y > 0 { dual = max(dual, -multiplierStep / y) }
      }
    }
    let moved = Self.times(rows, change)
    var steps = [Double](repeating: 0, count: count)
    for i in 0..<count {
      steps[i] = moved[i] + products[i] - offsets[i] - slacks[i]
      primal = max(primal, -steps[i] / slacks[i])
      dual = max(dual, 1 - lambda[i] / multipliers[i])
    }
    (primal, dual) = (min(1, 0.98 / primal), min(1, 0.98 / dual))
    if norm == .l2 { (primal, dual) = (min(primal, dual), min(primal, dual)) }
    for i in 0..<n { point[i] += primal * change[i] }
    for index in sides.indices {
      for i in 0..<n {
        sides[index].slack[i] += primal * sides[index].slackStep[i]
        sides[index].multiplier[i] += dual * sides[index].multiplierStep[i]
      }
    }
    for i in 0..<count {
      slacks[i] += primal * steps[i]
      multipliers[i] += dual * (lambda[i] - multipliers[i])
    }
    return (primal, dual)
  }
}
