import LinearCore

/// One step of ``FastAdaptiveBoundary``.
struct FABStep<Scalar: LinearScalar> {
  let norm: Norm
  /// Values a coordinate may take; infinite bounds where there is no box.
  let box: BoxBounds<Scalar>
  private let isBoxed: Bool
  let largestBias: Scalar
  let overshoot: Scalar

  init(threat: ThreatModel<Scalar>, dimension: Int, largestBias: Scalar, overshoot: Scalar) {
    norm = threat.norm
    box = threat.bounds(dimension)
    isBoxed = threat.box != nil
    self.largestBias = largestBias
    self.overshoot = overshoot
  }

  /// What a step needs beside its perturbation.
  static func scratchSize(_ dimension: Int) -> Int { 8 * dimension }

  /// Moves a perturbation across its linearised boundary.
  ///
  /// x <- (1 - alpha) (x + eta d) + alpha (x_0 + eta d_0), clipped to the box, with the steps d from x
  /// and d_0 from the sample x_0 to the hyperplane, and alpha = min(|d| / (|d| + |d_0|), alpha_max). A
  /// point whose gradient vanishes stays.
  ///
  /// - Parameters:
  ///   - lead: of another class over the label, as the linearisation has it at the perturbation.
  ///   - scratch: ``scratchSize(_:)`` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func advance(
    _ perturbation: UnsafeMutablePointer<Scalar>, _ dimension: Int,
    input: UnsafePointer<Scalar>, lead: Scalar, gradient: UnsafePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>
  ) {
    let (lower, upper) = (box.lower, box.upper)
    let normal = scratch
    let point = normal + dimension
    let step = point + dimension
    let sampleStep = step + dimension
    let room = sampleStep + dimension
    var largest: Scalar = 0
    for j in 0..<dimension { largest = Swift.max(largest, gradient[j].magnitude) }
    guard largest >= Scalar.leastNormalMagnitude, largest.isFinite else { return }
    // Normalised by its largest entry: squares stay in range.
    let scale = 1 / largest
    for j in 0..<dimension {
      let entry = gradient[j] * scale
      // Squares of what is flushed would be denormal, and no step could tell.
      normal[j] = entry.magnitude > 1e-15 ? entry : 0
      point[j] = Swift.min(Swift.max(input[j] + perturbation[j], lower[j]), upper[j])
    }
    let gap = -lead / largest
    let sampleGap = gap + Scalar.dot(dimension, normal, perturbation)
    guard gap.isFinite, sampleGap.isFinite else { return }
    HyperplaneProjection.step(
      norm, dimension, normal: normal, gap: gap, from: point, box: box, into: step, scratch: room)
    HyperplaneProjection.step(
      norm, dimension, normal: normal, gap: sampleGap, from: input, box: box, into: sampleStep,
      scratch: room)
    let length = norm.length(dimension, step)
    let sampleLength = norm.length(dimension, sampleStep)
    let total = length + sampleLength
    let bias = total > 0 ? Swift.min(length / total, largestBias) : 0
    let (own, other) = ((1 - bias) * overshoot, bias * overshoot)
    for j in 0..<dimension {
      // In terms of perturbations, which keep their digits.
      let moved =
        (1 - bias) * (point[j] - input[j]) + own * step[j] + other * sampleStep[j]
      let next = Swift.min(Swift.max(input[j] + moved, lower[j]), upper[j])
      perturbation[j] = next - input[j]
    }
  }
}

/// Which of several boundaries to go to.
extension FABStep {
  /// The lead of another class over the label at a point, and its gradient.
  typealias Lead = (value: Scalar, gradient: UnsafeMutablePointer<Scalar>)

  /// Whether one linearised boundary is nearer than another. In a box those that it holds come first, and distances
  /// are those inside it.
  ///
  /// - Parameter scratch: ``scratchSize(_:)`` numbers.
  @inline(__always)
  func isNearer(
    _ first: Lead, than second: Lead, _ point: UnsafePointer<Scalar>, _ dimension: Int,
    _ scratch: UnsafeMutablePointer<Scalar>
  ) -> Bool {
    if isBoxed {
      let a = boxedDistance(first, point, dimension, scratch)
      let b = boxedDistance(second, point, dimension, scratch)
      if a.isFinite || b.isFinite { return a < b }
    }
    return distance(first, dimension) < distance(second, dimension)
  }

  /// How far away a linearised boundary is without a box; 0 / 0 is no distance.
  @inline(__always)
  private func distance(_ lead: Lead, _ dimension: Int) -> Scalar {
    let slope = norm.dual.length(dimension, lead.gradient)
    return slope > 0 ? lead.value.magnitude / slope : .infinity
  }

  /// How far away it is inside the box; infinite where the box ends before it.
  @inline(__always)
  private func boxedDistance(
    _ lead: Lead, _ point: UnsafePointer<Scalar>, _ dimension: Int,
    _ scratch: UnsafeMutablePointer<Scalar>
  ) -> Scalar {
    let (normal, step, rest) = (scratch, scratch + dimension, scratch + 2 * dimension)
    var largest: Scalar = 0
    for j in 0..<dimension { largest = Swift.max(largest, lead.gradient[j].magnitude) }
    guard largest >= Scalar.leastNormalMagnitude, largest.isFinite else { return .infinity }
    for j in 0..<dimension { normal[j] = lead.gradient[j] / largest }
    flushTiny(dimension, normal)
    let gap = -lead.value / largest
    HyperplaneProjection.step(
      norm, dimension, normal: normal, gap: gap, from: point, box: box, into: step, scratch: rest)
    let reached = Scalar.dot(dimension, normal, step)
    let isMet = (reached - gap).magnitude <= 1e-3 * gap.magnitude
    return isMet ? norm.length(dimension, step) : .infinity
  }
}
