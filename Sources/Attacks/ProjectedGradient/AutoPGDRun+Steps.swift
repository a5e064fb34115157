import LinearCore

/// Starts, steps and projections of one sample.
extension AutoPGDRun {
  /// A random point: on the surface of the ball, then clipped to the box. For l1 a Gaussian direction
  /// projected on the ball and the box together.
  @inline(__always)
  func placeAtRandom(
    _ state: inout AutoPGDState<Scalar>, _ row: Int, _ iterates: AutoPGDIterates<Scalar>
  ) {
    let point = iterates.point + row * dimension
    let input = state.sample.input
    let direction = iterates.scratch
    let (lower, upper) = (box.lower, box.upper)
    if norm == .linf {
      for j in 0..<dimension { direction[j] = Scalar(2 * state.sample.stream.nextUniform() - 1) }
    } else {
      state.sample.stream.fillGaussian(
        UnsafeMutableBufferPointer(start: direction, count: dimension))
    }
    if norm == .l1 {
      for j in 0..<dimension { point[j] = input[j] + direction[j] }
      enterBall(state, row, iterates)
    } else {
      let size = norm.length(dimension, direction)
      let scale = size > 0 ? state.radius / size : 0
      for j in 0..<dimension {
        point[j] = clip(input[j] + scale * direction[j], lower[j], upper[j])
      }
    }
  }

  /// Brings a sample's point into the present ball (l1 only: the other norms have one ball).
  @inline(__always)
  func enterBall(_ state: AutoPGDState<Scalar>, _ row: Int, _ iterates: AutoPGDIterates<Scalar>) {
    projectOnSparseBall(
      iterates.point + row * dimension, input: state.sample.input, radius: state.radius, iterates)
  }

  /// One step of a sample along its gradient.
  @inline(__always)
  func advance(
    _ state: AutoPGDState<Scalar>, _ row: Int, _ iterates: AutoPGDIterates<Scalar>, isFirst: Bool
  ) {
    let offset = row * dimension
    let share: Scalar = isFirst ? 1 : 0.75
    switch norm {
    case .linf:
      stepSign(
        state, iterates.point + offset, iterates.previous + offset, iterates.gradient + offset,
        share)
    case .l2:
      stepEuclidean(
        state, iterates.point + offset, iterates.previous + offset, iterates.gradient + offset,
        share,
        iterates.scratch)
    case .l1:
      stepSparse(state, iterates.point + offset, iterates.gradient + offset, iterates)
    }
  }

  /// z = P(x + step sign g); x <- P(x + a (z - x) + (1 - a) (x - previous)), P clipping to ball and box.
  @inline(__always)
  private func stepSign(
    _ state: AutoPGDState<Scalar>, _ point: UnsafeMutablePointer<Scalar>,
    _ previous: UnsafeMutablePointer<Scalar>, _ gradient: UnsafePointer<Scalar>, _ share: Scalar
  ) {
    let input = state.sample.input
    let (step, radius) = (state.step, state.radius)
    let (least, largest) = (box.lower, box.upper)
    let momentum = 1 - share
    for j in 0..<dimension {
      let lower = Swift.max(input[j] - radius, least[j])
      let upper = Swift.min(input[j] + radius, largest[j])
      let x = point[j]
      let up: Scalar = gradient[j] > 0 ? step : 0
      let down: Scalar = gradient[j] < 0 ? step : 0
      let z = clip(x + (up - down), lower, upper)
      point[j] = clip(x + share * (z - x) + momentum * (x - previous[j]), lower, upper)
      previous[j] = x
    }
  }

  /// The same with steps along g / ||g||; P scales into the ball, then clips to the box, and the result
  /// lies in both.
  @inline(__always)
  private func stepEuclidean(
    _ state: AutoPGDState<Scalar>, _ point: UnsafeMutablePointer<Scalar>,
    _ previous: UnsafeMutablePointer<Scalar>, _ gradient: UnsafePointer<Scalar>, _ share: Scalar,
    _ delta: UnsafeMutablePointer<Scalar>
  ) {
    let input = state.sample.input
    let (lower, upper) = (box.lower, box.upper)
    let momentum = 1 - share
    let length = RowKernels.norm(dimension, gradient)
    let moves = length > 0 && length.isFinite
    if moves && length >= 0x1p-60 {
      let scale = state.step / length
      for j in 0..<dimension { delta[j] = point[j] + scale * gradient[j] - input[j] }
    } else {
      // The quotient step / length might leave the range.
      for j in 0..<dimension {
        delta[j] = point[j] + (moves ? state.step * (gradient[j] / length) : 0) - input[j]
      }
    }
    var shrink = Swift.min(1, state.radius / RowKernels.norm(dimension, delta))
    for j in 0..<dimension {
      let x = point[j]
      let z = clip(input[j] + shrink * delta[j], lower[j], upper[j])
      delta[j] = x + share * (z - x) + momentum * (x - previous[j]) - input[j]
      previous[j] = x
    }
    shrink = Swift.min(1, state.radius / RowKernels.norm(dimension, delta))
    for j in 0..<dimension {
      point[j] = clip(input[j] + shrink * delta[j], lower[j], upper[j])
    }
  }

  /// A step of l1 length `step`, the same along each of the coordinates of largest gradient.
  @inline(__always)
  private func stepSparse(
    _ state: AutoPGDState<Scalar>, _ point: UnsafeMutablePointer<Scalar>,
    _ gradient: UnsafePointer<Scalar>, _ iterates: AutoPGDIterates<Scalar>
  ) {
    let sizes = iterates.scratch
    let (lower, upper) = (box.lower, box.upper)
    if skipsCoordinatesOnBounds {
      for j in 0..<dimension {
        let up: Scalar = gradient[j] > 0 && point[j] < upper[j] ? gradient[j] : 0
        let down: Scalar = gradient[j] < 0 && point[j] > lower[j] ? -gradient[j] : 0
        sizes[j] = up + down
      }
    } else {
      for j in 0..<dimension { sizes[j] = gradient[j].magnitude }
    }
    // A level above 0 leaves out coordinates without gradient.
    let level = Swift.max(
      RowKernels.threshold(ofLargest: state.activeCoordinates, dimension, sizes),
      .leastNonzeroMagnitude)
    let moved = RowKernels.countAtLeast(level, dimension, sizes)
    if moved == 0 || !level.isFinite { return }
    let length = state.step / Scalar(moved)
    for j in 0..<dimension {
      let size: Scalar = sizes[j] >= level ? length : 0
      point[j] += gradient[j] > 0 ? size : -size
    }
    projectOnSparseBall(point, input: state.sample.input, radius: state.radius, iterates)
  }

  /// The Euclidean projection on the l1 ball and the box together.
  @inline(__always)
  private func projectOnSparseBall(
    _ point: UnsafeMutablePointer<Scalar>, input: UnsafePointer<Scalar>, radius: Scalar,
    _ iterates: AutoPGDIterates<Scalar>
  ) {
    let sizes = iterates.scratch
    let room = iterates.scratch + dimension
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<dimension {
      let delta = point[j] - input[j]
      sizes[j] = delta.magnitude
      room[j] = delta < 0 ? input[j] - lower[j] : upper[j] - input[j]
    }
    let level = RowKernels.softThreshold(
      radius: radius, dimension, sizes: sizes, room: room, scratch: iterates.scratch + 2 * dimension
    )
    for j in 0..<dimension {
      let size = Swift.min(Swift.max(sizes[j] - level, 0), room[j])
      let moved = point[j] < input[j] ? input[j] - size : input[j] + size
      point[j] = clip(moved, lower[j], upper[j])
    }
  }

  /// Mind the box: steps move 2/3 as many coordinates as the best perturbation has. The step is set
  /// back to its first length where that number has fallen by 5%, and the search goes on from the best
  /// point; else it is divided by 1.5, down to a tenth.
  @inline(__always)
  func adaptSparsity(
    _ state: inout AutoPGDState<Scalar>, _ row: Int, _ iterates: AutoPGDIterates<Scalar>,
    isFirst: Bool
  ) {
    let best = iterates.bestPoint + row * dimension
    var sparsity = 0
    for j in 0..<dimension where best[j] != state.sample.input[j] { sparsity += 1 }
    if !isFirst {
      if Double(sparsity) < 0.95 * Double(state.sparsity) {
        state.step = state.radius
        state.loss = state.bestLoss
        iterates.returnToBest(row)
      } else {
        state.step = Swift.max(state.step / 1.5, state.radius / 10)
      }
    }
    state.sparsity = sparsity
    // Rounded down: two coordinates moved by the same length would come back by projection for ever,
    // and the best point may well have one.
    state.activeCoordinates = Swift.max(1, Int(saturating: Double(sparsity) / 1.5))
  }
}

/// x, at least lower and at most upper.
@inline(__always)
private func clip<Scalar: LinearScalar>(_ x: Scalar, _ lower: Scalar, _ upper: Scalar) -> Scalar {
  Swift.min(Swift.max(x, lower), upper)
}
