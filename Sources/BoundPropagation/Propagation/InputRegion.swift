import Foundation
import LinearCore

/// The inputs that bounds are about: x + d with ‖d‖ <= radius in a norm, and x + d in a box; one of both may be left
/// out.
package struct InputRegion: Sendable {
  /// x.
  package let center: [Double]
  /// The norm of d, where ``radius`` is finite.
  package let norm: Norm
  package let radius: Double
  /// What every coordinate of d lies between, both rounded outward; nil without a box.
  package let lower: [Double]?
  package let upper: [Double]?
  /// The box as it was given.
  let box: (lower: [Double], upper: [Double])?

  /// A ball, in a box if there is one. x should lie in the box; where it does not, the box is widened to hold it.
  package init(
    center: [Double], norm: Norm, radius: Double, box: (lower: [Double], upper: [Double])? = nil
  ) {
    self.center = center
    self.norm = norm
    self.radius = radius
    self.box = box
    lower = box.map { zip($0.lower, center).map { min(0, ($0 - $1).nextDown) } }
    upper = box.map { zip($0.upper, center).map { max(0, ($0 - $1).nextUp) } }
  }

  /// A box of finite sides, around its middle.
  package init(lower: [Double], upper: [Double]) {
    let center = zip(lower, upper).map { low, high in
      let middle = 0.5 * low + 0.5 * high
      return min(max(middle, low), high)
    }
    self.init(center: center, norm: .linf, radius: .infinity, box: (lower, upper))
  }

  /// The same with another radius.
  package func with(radius: Double) -> InputRegion {
    InputRegion(copy: self, radius: radius)
  }

  private init(copy: InputRegion, radius: Double) {
    (center, norm, self.radius) = (copy.center, copy.norm, radius)
    (lower, upper, box) = (copy.lower, copy.upper, copy.box)
  }

  package var dimension: Int { center.count }

  /// Whether coordinates are bounded by the radius alone, or in linf.
  private var isPlain: Bool { lower == nil }

  /// At least |d_j| for every coordinate.
  func largest() -> [Double] {
    guard let lower, let upper else { return [Double](repeating: radius, count: dimension) }
    return (0..<dimension).map { min(radius, max(-lower[$0], upper[$0])) }
  }

  /// At most the least <g, d> of the region, rounding included.
  func least(_ g: UnsafePointer<Double>) -> Double {
    guard isPlain else { return boxed(g) }
    let n = dimension
    let size =
      switch norm {
      case .l1: largestMagnitude(g)
      case .l2: squares(g).squareRoot()
      case .linf: absoluteSum(g)
      }
    // A sum of squares may underflow.
    let error = norm == .l2 ? Double(n).squareRoot() * 1e-150 : Rounding.tiny
    let value = radius * (size * (1 + Rounding.gamma(n + 4)) + error)
    return size == 0 && radius < .infinity ? -radius * error : -value.nextUp
  }

  private func largestMagnitude(_ g: UnsafePointer<Double>) -> Double {
    var largest = 0.0
    for j in 0..<dimension {
      if g[j].isNaN { return .nan }
      largest = max(largest, g[j].magnitude)
    }
    return largest
  }

  private func squares(_ g: UnsafePointer<Double>) -> Double { Double.dot(dimension, g, g) }

  private func absoluteSum(_ g: UnsafePointer<Double>) -> Double {
    Double.absoluteSum(dimension, g)
  }

  /// With a box: for every t >= 0,
  ///
  ///     <g, d> >= sum_j min over d_j in its range of (g_j d_j + t |d_j|) - t radius           in l1,
  ///     <g, d> >= sum_j min over d_j in its range of (g_j d_j + t d_j²/2) - t radius²/2       in l2.
  private func boxed(_ g: UnsafePointer<Double>) -> Double {
    if norm == .linf || radius == .infinity { return dual(g, 0, isBall: false) }
    // Both are concave in t.
    var (low, high) = (0.0, multiplierLimit(g))
    if high == 0 { return dual(g, 0, isBall: true) }
    var best = dual(g, 0, isBall: true)
    // In l2 the value changes with the square of the distance from the best t, in l1 it has a corner there.
    let tolerance = norm == .l1 ? 1e-9 : 3e-4
    for _ in 0..<48 {
      let middle = 0.5 * (low + high)
      let (value, slope) = dualAndSlope(g, middle)
      best = max(best, value)
      if slope > 0 { low = middle } else { high = middle }
      if high - low <= tolerance * high { break }
    }
    return best
  }

  /// Beyond this t the ball is left by no d that minimises.
  private func multiplierLimit(_ g: UnsafePointer<Double>) -> Double {
    norm == .l1
      ? largestMagnitude(g) : radius > 0 ? squares(g).squareRoot() / radius : 0
  }

  private func dual(_ g: UnsafePointer<Double>, _ t: Double, isBall: Bool) -> Double {
    isBall ? dualAndSlope(g, t).value : boxedSum(g)
  }

  /// The sum of the least g_j d_j, with the radius in linf.
  private func boxedSum(_ g: UnsafePointer<Double>) -> Double {
    var sum = 0.0
    let limit = norm == .linf ? radius : .infinity
    for j in 0..<dimension where g[j] != 0 {
      let end = g[j] > 0 ? -min(-lower![j], limit) : min(upper![j], limit)
      sum += g[j] * end
    }
    return sum - sum.magnitude * Rounding.gamma(dimension + 4) - Rounding.tiny
  }

  /// The dual function at t rounded down, and about its derivative.
  private func dualAndSlope(_ g: UnsafePointer<Double>, _ t: Double) -> (
    value: Double, slope: Double
  ) {
    let (sum, size) = norm == .l1 ? absoluteParts(g, t) : squareParts(g, t)
    let ball = norm == .l1 ? t * radius : 0.5 * t * radius * radius
    let error = Rounding.gamma(dimension + 12) * (sum.magnitude + ball)
    let slope = norm == .l1 ? size - radius : 0.5 * (size - radius * radius)
    // No term is positive, unless numbers overflow.
    guard sum <= 0 else { return (-.infinity, slope) }
    return (sum - ball - error - Rounding.tiny, slope)
  }

  /// The sum of the least g_j d_j + t |d_j|, and that of the |d_j|.
  private func absoluteParts(_ g: UnsafePointer<Double>, _ t: Double) -> (Double, Double) {
    var (sum, size) = (0.0, 0.0)
    for j in 0..<dimension {
      let pull = g[j].magnitude
      // Every d_j of the box between 0 and its end.
      if pull > t || pull.isNaN {
        let length = min(g[j] > 0 ? -lower![j] : upper![j], radius)
        sum -= (pull - t) * length
        size += length
      }
    }
    return (sum, size)
  }

  /// The sum of the least g_j d_j + t d_j²/2, and that of the d_j²: |d_j| is |g_j|/t, or as far as the box goes.
  private func squareParts(_ g: UnsafePointer<Double>, _ t: Double) -> (Double, Double) {
    let n = dimension
    let inverse = t > 0 ? 1 / t : 0
    let limit = radius
    return lower!.withUnsafeBufferPointer { lower in
      upper!.withUnsafeBufferPointer { upper in
        var (sums, sizes) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
        func add(_ j: Int, _ lane: Int) {
          let pull = g[j].magnitude
          if pull == 0 { return }
          let room = g[j] > 0 ? -lower[j] : upper[j]
          let length = Swift.min(room, t > 0 ? pull / t : limit)
          sums[lane] -= length * (pull - 0.5 * t * length)
          sizes[lane] += length * length
        }
        let whole = n - n % 4
        if t > 0, inverse < .infinity {
          for j in stride(from: 0, to: whole, by: 4) {
            let v = UnsafeRawPointer(g + j).loadUnaligned(as: SIMD4<Double>.self)
            let low = UnsafeRawPointer(lower.baseAddress! + j).loadUnaligned(
              as: SIMD4<Double>.self)
            let high = UnsafeRawPointer(upper.baseAddress! + j).loadUnaligned(
              as: SIMD4<Double>.self)
            let isDown = v .> 0
            let pull = v.replacing(with: -v, where: v .< 0)
            let room = high.replacing(with: -low, where: isDown)
            let free = pull * inverse
            let length = free.replacing(with: room, where: room .< free)
            sums -= length * (pull - 0.5 * t * length)
            sizes += length * length
          }
        } else {
          for j in 0..<whole { add(j, j % 4) }
        }
        for j in whole..<n { add(j, j % 4) }
        return (sums.sum(), sizes.sum())
      }
    }
  }

  /// The d of the region where <g, d> is least, about.
  func minimizer(_ g: UnsafePointer<Double>, into d: UnsafeMutablePointer<Double>) {
    let n = dimension
    for j in 0..<n { d[j] = 0 }
    switch norm {
    case .linf:
      for j in 0..<n where g[j] != 0 { d[j] = end(j, g[j] > 0) }
    case .l2:
      let limit = isPlain ? 0 : boxedMultiplier(g)
      if isPlain || limit == 0 {
        let size = squares(g).squareRoot()
        for j in 0..<n where size > 0 {
          d[j] = isPlain ? -radius * g[j] / size : end(j, g[j] > 0)
        }
      } else {
        for j in 0..<n {
          d[j] = min(max(-g[j] / limit, lower![j]), upper![j])
        }
      }
    case .l1:
      var left = radius
      let order = (0..<n).sorted { g[$0].magnitude > g[$1].magnitude }
      for j in order {
        if g[j] == 0 || left <= 0 { break }
        let reach = end(j, g[j] > 0)
        d[j] = reach < 0 ? max(reach, -left) : min(reach, left)
        left -= d[j].magnitude
      }
    }
  }

  /// Where a coordinate may go, alone.
  private func end(_ j: Int, _ isDown: Bool) -> Double {
    isDown ? -min(radius, lower.map { -$0[j] } ?? radius) : min(radius, upper?[j] ?? radius)
  }

  private func boxedMultiplier(_ g: UnsafePointer<Double>) -> Double {
    guard radius < .infinity else { return 0 }
    var (low, high) = (0.0, multiplierLimit(g))
    if high == 0 || dualAndSlope(g, high * 1e-12).slope <= 0 { return 0 }
    for _ in 0..<40 where high - low > 1e-9 * high {
      let middle = 0.5 * (low + high)
      if dualAndSlope(g, middle).slope > 0 { low = middle } else { high = middle }
    }
    return high
  }
}
