import LinearCore

/// What ``BoundaryRefinement`` knows of one sample.
struct RefinedSample<Scalar: LinearScalar> {
  /// The size of the present perturbation.
  var size: Scalar
  /// The margin there.
  var margin: Scalar = .infinity
  /// The margin's slope along the ray, at the scale 1.
  var slope: Scalar = 0
  /// The Euclidean length of the margin's gradient.
  var steepness: Scalar = 0
  /// By what share of its size the linearised boundary's nearest point is smaller.
  var predictedReduction: Scalar = .infinity
  /// The share of the way to that point which is tried next.
  var share: Scalar = 1
  /// Whether the last change of point and residual is known.
  var hasPrevious = false
  private var failures = 0

  init(size: Scalar) { self.size = size }

  /// Whether shorter and shorter steps have not helped.
  var isStuck: Bool { failures >= 6 || !predictedReduction.isFinite }

  mutating func reject() {
    failures += 1
    share /= 2
    if share < 1 / 256 { failures = 6 }
  }

  mutating func accept(size: Scalar) {
    // Gains near the resolution of the numbers are no reason to go on.
    failures = size < self.size * (1 - 1e-6) ? 0 : failures + 1
    self.size = size
  }
}

/// The points, gradients and residuals of ``BoundaryRefinement``, a row a sample; and the steps, which
/// belong to one sample each.
final class RefinementState<Scalar: LinearScalar>: @unchecked Sendable {
  var samples: [RefinedSample<Scalar>]
  private let threat: ThreatModel<Scalar>
  private let bounds: BoxBounds<Scalar>?
  private let inputs: Matrix<Scalar>
  private let count: Int
  private let storage: UnsafeMutablePointer<Scalar>
  private let current: UnsafeMutablePointer<Scalar>
  /// Of length 1.
  private let gradients: UnsafeMutablePointer<Scalar>
  /// Point less the linearised boundary's nearest.
  private let residuals: UnsafeMutablePointer<Scalar>
  private let previousPoints: UnsafeMutablePointer<Scalar>
  private let previousResiduals: UnsafeMutablePointer<Scalar>

  init(
    _ start: Matrix<Scalar>, sizes: [Scalar], inputs: Matrix<Scalar>, threat: ThreatModel<Scalar>
  ) {
    self.threat = threat
    bounds = threat.box == nil ? nil : threat.bounds(start.columns)
    self.inputs = inputs
    samples = sizes.map { RefinedSample(size: $0) }
    count = start.columns
    let total = start.elements.count
    storage = .allocate(capacity: 5 * total + 1)
    storage.initialize(repeating: 0, count: 5 * total + 1)
    current = storage
    gradients = storage + total
    residuals = storage + 2 * total
    previousPoints = storage + 3 * total
    previousResiduals = storage + 4 * total
    start.withPointer { current.update(from: $0, count: total) }
  }

  deinit { storage.deallocate() }

  /// The present points of some samples.
  func points(_ rows: [Int]) -> Matrix<Scalar> {
    var result = Matrix<Scalar>(uninitializedRows: rows.count, columns: count)
    result.withMutablePointer { target in
      for (row, i) in rows.enumerated() {
        (target + row * count).update(from: current + i * count, count: count)
      }
    }
    return result
  }

  /// Replaces the point of a sample by a row of `points`, and forgets how it came there.
  func restart(_ i: Int, at points: Matrix<Scalar>, row: Int, size: Scalar) {
    points.withPointer { (current + i * count).update(from: $0 + row * count, count: count) }
    samples[i].size = size
    samples[i].hasPrevious = false
  }

  /// Makes a smaller perturbation, a row of `points`, the present one.
  func accept(_ i: Int, _ points: Matrix<Scalar>, row: Int, size: Scalar) {
    let offset = i * count
    (previousPoints + offset).update(from: current + offset, count: count)
    (previousResiduals + offset).update(from: residuals + offset, count: count)
    points.withPointer { (current + offset).update(from: $0 + row * count, count: count) }
    samples[i].hasPrevious = true
    samples[i].accept(size: size)
  }

  /// Takes margins and gradients (a row each) at the present points of some samples, and finds residuals
  /// and shares.
  func linearize(_ rows: [Int], _ margins: [Scalar], _ fresh: Matrix<Scalar>) {
    let count = count
    fresh.withPointer { fresh in
      inputs.withPointer { inputs in
        samples.withUnsafeMutableBufferPointer { samples in
          nonisolated(unsafe) let (fresh, inputs, samples) = (fresh, inputs, samples)
          Parallel.forEachBlock(of: rows.count, size: 16) { _, range in
            let scratch = UnsafeMutablePointer<Scalar>.allocate(capacity: 3 * count)
            scratch.initialize(repeating: 0, count: 3 * count)
            defer { scratch.deallocate() }
            for row in range {
              let i = rows[row]
              samples[i].margin = margins[row]
              (self.gradients + i * count).update(from: fresh + row * count, count: count)
              self.linearize(i, &samples[i], inputs + i * count, scratch)
            }
          }
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func linearize(
    _ i: Int, _ sample: inout RefinedSample<Scalar>, _ input: UnsafePointer<Scalar>,
    _ scratch: UnsafeMutablePointer<Scalar>
  ) {
    let (gradient, delta) = (gradients + i * count, current + i * count)
    let residual = residuals + i * count
    sample.predictedReduction = .infinity
    sample.slope = Scalar.dot(count, gradient, delta)
    let length = Scalar.euclideanNorm(count, gradient)
    guard length > 0, length.isFinite, sample.margin.isFinite else { return }
    sample.steepness = length
    // Not times 1 / length, which may leave the range.
    for j in 0..<count { gradient[j] = gradient[j] / length }
    flushTiny(count, gradient)
    let target = sample.slope / length - sample.margin / length
    LinearizedBoundary.nearestPoint(
      threat.norm, count, gradient: gradient, target: target, input: input, box: bounds,
      point: scratch, scratch: scratch + count)
    sample.predictedReduction = 1 - threat.norm.length(count, scratch) / sample.size
    for j in 0..<count { residual[j] = delta[j] - scratch[j] }
    if !sample.hasPrevious { return }
    if threat.norm != .l2 {
      sample.share = min(1, sample.share * 1.5)
      return
    }
    let (oldDelta, oldResidual) = (previousPoints + i * count, previousResiduals + i * count)
    let change = scratch + count
    for j in 0..<count {
      scratch[j] = delta[j] - oldDelta[j]
      change[j] = residual[j] - oldResidual[j]
    }
    let product = Scalar.dot(count, scratch, change)
    let square = Scalar.dot(count, change, change)
    let share = product > 0 && square > 0 ? product / square : 2 * sample.share
    sample.share = share.isFinite ? min(max(share, 1 / 32), 4) : 1
  }

  /// The points some samples are to try, inside the box, and the slopes of the linearised margin along
  /// the rays to them, at the scale 1.
  func trials(_ rows: [Int]) -> (points: Matrix<Scalar>, slopes: [Scalar]) {
    var points = Matrix<Scalar>(uninitializedRows: rows.count, columns: count)
    var slopes = [Scalar](repeating: 0, count: rows.count)
    points.withMutablePointer { target in
      inputs.withPointer { inputs in
        for (row, i) in rows.enumerated() {
          let point = target + row * count
          write(i, to: point, inputs + i * count)
          slopes[row] = samples[i].steepness * Scalar.dot(count, gradients + i * count, point)
        }
      }
    }
    return (points, slopes)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func write(
    _ i: Int, to target: UnsafeMutablePointer<Scalar>, _ input: UnsafePointer<Scalar>
  ) {
    let (share, delta, residual) = (samples[i].share, current + i * count, residuals + i * count)
    defer { Scalar.flushDenormals(count, target) }
    guard let bounds else {
      for j in 0..<count { target[j] = delta[j] - share * residual[j] }
      return
    }
    let (lower, upper) = (bounds.lower, bounds.upper)
    for j in 0..<count {
      let moved = delta[j] - share * residual[j]
      target[j] = min(max(moved, lower[j] - input[j]), upper[j] - input[j])
    }
  }
}

/// Replaces the coordinates of a vector of length 1 that are below the square of the resolution by 0: no
/// point moves by them, but as factors they make denormal numbers.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func flushTiny<Scalar: LinearScalar>(_ count: Int, _ x: UnsafeMutablePointer<Scalar>) {
  let least = Scalar.ulpOfOne * Scalar.ulpOfOne
  for j in 0..<count {
    let value = x[j]
    x[j] = value.magnitude >= least ? value : 0
  }
}
