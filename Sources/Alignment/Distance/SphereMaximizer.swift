import LinearCore

/// A local maximum of sign h on the unit sphere.
struct SphereMaximum {
  /// Of unit norm.
  let point: [Double]
  /// sign h there.
  let value: Double
}

/// Local maximisation on the sphere by BFGS with a line search for the weak Wolfe conditions (Lewis and
/// Overton, *Nonsmooth optimization via quasi-Newton methods*, Mathematical Programming 2013).
///
/// A fixed-point iteration u <- grad h / ||grad h|| would need h to be convex along its way, and for p = 1
/// it circles around the ridges where neurons of negative weight switch. This one is superlinear where h
/// is smooth, and in practice also ends on ridges; a point is only ever replaced by a higher one.
struct SphereMaximizer {
  /// Steps at most.
  var iterations = 300
  /// The slope, relative to p |h|, at which a point counts as stationary.
  var tolerance = 1e-11

  /// The local maximum of sign h that is reached from `start`.
  func maximize(_ function: SphereFunction, from start: [Double], sign: Double) -> SphereMaximum {
    let n = function.dimension
    var state = SearchState(function, point: unit(start), sign: sign)
    var inverse = InverseHessian(dimension: n)
    for _ in 0..<iterations {
      let slope = RowKernels.norm(n, state.gradient)
      let degree = function.exponent * state.value.magnitude
      if slope <= tolerance * degree || slope < Double.leastNormalMagnitude { break }
      // The first step is that of the fixed-point iteration, at most a tenth of the radius.
      let first = 1 / max(degree, 10 * slope)
      var direction = inverse.times(state.gradient, initial: first)
      if !(Double.dot(n, state.gradient, direction) > 0) {
        inverse.reset()
        direction = inverse.times(state.gradient, initial: first)
      }
      let (point, gradient) = (state.point, state.gradient)
      // No rise along the direction: an optimum up to rounding, or a kink.
      if !state.advance(function, along: direction, sign: sign) { break }
      inverse.update(
        step: zip(state.point, point).map { $0 - $1 },
        change: zip(gradient, state.gradient).map { $0 - $1 })
    }
    let point = unit(state.point)
    return SphereMaximum(
      point: point, value: SearchState(function, point: point, sign: sign).value)
  }
}

/// The vector divided by its norm.
func unit(_ vector: [Double]) -> [Double] {
  let size = RowKernels.norm(vector.count, vector)
  return vector.map { $0 / size }
}

/// Where a search stands.
private struct SearchState {
  private(set) var point: [Double]
  private(set) var value: Double
  private(set) var gradient: [Double]
  private var trial: [Double]
  private var trialGradient: [Double]

  init(_ function: SphereFunction, point: [Double], sign: Double) {
    self.point = point
    gradient = [Double](repeating: 0, count: point.count)
    value = function.evaluate(point, sign: sign, gradient: &gradient)
    trial = point
    trialGradient = gradient
  }

  /// Goes up along a direction, by bisection between a step that is too short and one that is too long;
  /// false, and unmoved, where no step rises.
  mutating func advance(_ function: SphereFunction, along direction: [Double], sign: Double) -> Bool
  {
    let n = point.count
    let rise = Double.dot(n, gradient, direction)
    func tryStep(_ step: Double, _ state: inout SearchState) -> Double {
      for i in 0..<n { state.trial[i] = state.point[i] + step * direction[i] }
      return function.evaluate(state.trial, sign: sign, gradient: &state.trialGradient)
    }
    var (step, short, long) = (1.0, 0.0, Double.infinity)
    for _ in 0..<60 {
      let reached = tryStep(step, &self)
      if !(reached > value + 1e-4 * step * rise) {
        long = step
      } else if Double.dot(n, trialGradient, direction) > 0.9 * rise {
        short = step
      } else {
        accept(reached)
        return true
      }
      step = long.isFinite ? (short + long) / 2 : 2 * step
      if long - short <= 1e-16 * long { break }
    }
    if short == 0 { return false }
    // Still rising as steeply: a step that is good, if not the best.
    let reached = tryStep(short, &self)
    accept(reached)
    return true
  }

  private mutating func accept(_ reached: Double) {
    swap(&point, &trial)
    swap(&gradient, &trialGradient)
    value = reached
  }
}

/// The inverse of the negative Hessian as BFGS knows it, (n, n).
private struct InverseHessian {
  private let dimension: Int
  /// nil before the first step.
  private var matrix: [Double]?

  init(dimension: Int) { self.dimension = dimension }

  mutating func reset() { matrix = nil }

  /// The matrix times a vector; before the first step, `initial` times it.
  func times(_ vector: [Double], initial: Double) -> [Double] {
    guard let matrix else { return vector.map { initial * $0 } }
    var result = vector
    Double.gemv(
      transposeA: false, m: dimension, n: dimension, alpha: 1, a: matrix, leadingA: dimension,
      x: vector, beta: 0, y: &result)
    return result
  }

  /// H <- (I - r s c^T) H (I - r c s^T) + r s s^T with r = 1 / <s, c>, for a step s that lowered the
  /// gradient by c.
  mutating func update(step: [Double], change: [Double]) {
    let n = dimension
    let product = Double.dot(n, step, change)
    let square = Double.dot(n, change, change)
    // Without curvature along the step the matrix would lose its sign.
    guard product > 1e-14 * (square * Double.dot(n, step, step)).squareRoot() else { return }
    var h = matrix ?? scaledIdentity(product / square)
    let inverse = 1 / product
    var image = change
    Double.gemv(
      transposeA: false, m: n, n: n, alpha: 1, a: h, leadingA: n, x: change, beta: 0, y: &image)
    let weight = inverse * inverse * Double.dot(n, change, image) + inverse
    matrix = nil
    h.withUnsafeMutableBufferPointer { h in
      let base = h.baseAddress!
      for i in 0..<n {
        Double.add(n, weight * step[i] - inverse * image[i], step, to: base + i * n)
        Double.add(n, -inverse * step[i], image, to: base + i * n)
      }
    }
    matrix = h
  }

  private func scaledIdentity(_ scale: Double) -> [Double] {
    var result = [Double](repeating: 0, count: dimension * dimension)
    for i in 0..<dimension { result[i * dimension + i] = scale }
    return result
  }
}
