import LinearCore

/// The loops of ``MinimumNormDescent`` over the coordinates of one sample.
struct DescentRow<Scalar: LinearScalar> {
  let norm: Norm
  let box: BoxBounds<Scalar>?
  let count: Int
  let input: UnsafePointer<Scalar>
  let delta: UnsafeMutablePointer<Scalar>
  /// Of the margin; ``direct(_:)`` makes 0 of coordinates that could only leave the box.
  let gradient: UnsafeMutablePointer<Scalar>
  /// The direction of the gradient, `count` numbers, and what distances inside the box need.
  let scratch: UnsafeMutablePointer<Scalar>

  /// The numbers of ``scratch``.
  static func scratchSize(_ count: Int) -> Int { 7 * count }

  /// Writes the gradient's direction, or a random one where it is 0, to scratch. The Euclidean length of the
  /// gradient, 0 where the direction is random.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func direct(_ stream: inout RandomStream) -> Scalar {
    leaveOutWalls()
    var length = Scalar.euclideanNorm(count, gradient)
    if !(length > 0 && length.isFinite) {
      stream.fillGaussian(UnsafeMutableBufferPointer(start: scratch, count: count))
      length = Scalar.euclideanNorm(count, scratch)
      for j in 0..<count { scratch[j] /= length }
      return 0
    }
    for j in 0..<count { scratch[j] = gradient[j] / length }
    flushTiny(count, scratch)
    return length
  }

  /// gradient <- 0 for coordinates at the bound that a descent would cross.
  private func leaveOutWalls() {
    guard let box else { return }
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<count {
      let falls = gradient[j] > 0
      let isStopped = falls ? delta[j] <= lower[j] - input[j] : delta[j] >= upper[j] - input[j]
      if isStopped { gradient[j] = 0 }
    }
  }

  /// The smallest size of a step from the present point to its linearised boundary or, in a box that ends before
  /// it, to the nearest point of the box.
  ///
  /// - Parameter length: what ``direct(_:)`` returned.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func distance(_ margin: Scalar, _ length: Scalar) -> Scalar {
    guard box != nil, length > 0 else {
      let dual = length > 0 ? norm == .l2 ? length : norm.dual.length(count, gradient) : 0
      return margin / dual
    }
    return boxedDistance(norm, margin, length)
  }

  private func boxedDistance(_ norm: Norm, _ margin: Scalar, _ length: Scalar) -> Scalar {
    guard let box else { return .infinity }
    let (point, step, rest) = (scratch + count, scratch + 2 * count, scratch + 3 * count)
    for j in 0..<count { point[j] = input[j] + delta[j] }
    HyperplaneProjection.step(
      norm, count, normal: scratch, gap: -margin / length, from: point, box: box, into: step,
      scratch: rest)
    return norm.length(count, step)
  }

  /// Sets unit and reach of a sample from its margin and what ``direct(_:)`` returned.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func begin(_ sample: inout MinimumNormState<Scalar>, _ length: Scalar) {
    sample.unit = sample.margin.magnitude / length
    var corner = Scalar.infinity
    if let box {
      let room = scratch + count
      let (lower, upper) = (box.lower, box.upper)
      for j in 0..<count { room[j] = max(input[j] - lower[j], upper[j] - input[j]) }
      // A coordinate without a bound leaves no limit; sums of infinities may be NaN.
      let isBounded = (0..<count).allSatisfy { room[$0].isFinite }
      sample.reach = isBounded ? norm.length(count, room) : .infinity
      corner = isBounded ? Scalar.euclideanNorm(count, room) : .infinity
      if length > 0 && sample.unit.isFinite {
        sample.unit = max(sample.unit, boxedDistance(.l2, sample.margin, length))
      }
    }
    if !(length > 0 && sample.unit.isFinite) {
      // A flat start says nothing: a tenth of the sample's length, which is 1 if there is nothing else.
      let size = Scalar.euclideanNorm(count, input)
      sample.unit = (size > 0 ? size : corner.isFinite ? corner : 10) / 10
    }
    sample.unit = min(max(sample.unit, .leastNormalMagnitude), corner)
  }

  /// delta <- delta - length * direction.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func move(by length: Scalar) {
    for j in 0..<count { delta[j] = delta[j] - length * scratch[j] }
  }

  /// Clips input + delta to the box; denormal numbers become 0.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func clip() {
    Scalar.flushDenormals(count, delta)
    guard let box else { return }
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<count {
      delta[j] = min(max(delta[j], lower[j] - input[j]), upper[j] - input[j])
    }
  }
}

/// Balls.
extension DescentRow {
  /// Projects delta on the ball of a radius, which may be infinite, and the box together.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func project(_ radius: Scalar) {
    guard radius.isFinite else { return }
    guard let box, norm != .linf else {
      norm.project(UnsafeMutableBufferPointer(start: delta, count: count), radius: radius)
      return
    }
    if norm == .l2 {
      let scale = boxedScale(radius, box)
      if scale < 1 { Scalar.scale(count, scale, delta) }
      return
    }
    let (sizes, room) = (scratch + count, scratch + 2 * count)
    writeRoom(box, sizes: sizes, room: room)
    let level = RowKernels.softThreshold(
      radius: radius, count, sizes: sizes, room: room, scratch: scratch + 3 * count)
    for j in 0..<count {
      let size = max(sizes[j] - level, 0)
      delta[j] = delta[j] < 0 ? -size : size
    }
  }

  /// Scales delta such that its Euclidean length, after what follows, is the radius. In a box coordinates on
  /// their bounds stay there, and the others make up for them as far as they can.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func stretch(to radius: Scalar) {
    if let box {
      let scale = boxedScale(radius, box)
      if scale.isFinite { Scalar.scale(count, scale, delta) }
      return
    }
    let length = Scalar.euclideanNorm(count, delta)
    if length > 0 { Scalar.scale(count, radius / length, delta) }
  }

  /// The s for which the Euclidean length of clip(s delta) is the radius, or the largest that changes it; not finite
  /// where delta is 0.
  ///
  /// The square of that length is concave and piecewise linear in s^2: Newton's method from the s without a box, below
  /// the root, ends there exactly after as many steps as there are changes of the coordinates on their bounds.
  private func boxedScale(_ radius: Scalar, _ box: BoxBounds<Scalar>) -> Scalar {
    let (sizes, room) = (scratch + count, scratch + 2 * count)
    writeRoom(box, sizes: sizes, room: room)
    let target = Double(radius) * Double(radius)
    var scale = 0.0
    while true {
      var (stopped, moving) = (0.0, 0.0)
      for j in 0..<count {
        let (size, room) = (Double(sizes[j]), Double(room[j]))
        if scale * size < room { moving += size * size } else { stopped += room * room }
      }
      let next = (max(target - stopped, 0) / moving).squareRoot()
      guard next.isFinite, next > scale * (1 + 4 * Double.ulpOfOne) else { break }
      scale = next
    }
    return scale > 0 ? Scalar(scale) : .infinity
  }

  /// The absolute values of delta, and how far each coordinate may move towards its side.
  private func writeRoom(
    _ box: BoxBounds<Scalar>, sizes: UnsafeMutablePointer<Scalar>,
    room: UnsafeMutablePointer<Scalar>
  ) {
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<count {
      sizes[j] = delta[j].magnitude
      room[j] = max(delta[j] < 0 ? input[j] - lower[j] : upper[j] - input[j], 0)
    }
  }
}
