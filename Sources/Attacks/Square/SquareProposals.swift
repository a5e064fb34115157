import LinearCore
import Networks

/// The first and the next points of ``SquareAttack`` for one sample, as perturbations that keep the
/// sample in ball and box.
struct SquareProposals<Scalar: LinearScalar> {
  let norm: Norm
  /// Values a coordinate may take; infinite bounds where there is no box.
  let box: BoxBounds<Scalar>
  let windows: SquareWindows
  /// Of the sets of this query.
  private(set) var size = 1
  /// The pattern of that size and its transpose.
  private var patterns: [[Scalar]] = [[], []]

  init(threat: ThreatModel<Scalar>, dimension: Int, image: ImageAxes? = nil) {
    norm = threat.norm
    box = threat.bounds(dimension)
    windows = SquareWindows(dimension: dimension, image: image)
  }

  /// Prepares queries that change a share of the pixels.
  mutating func use(share: Double) {
    use(size: windows.size(share: share, isSigned: norm == .linf))
  }

  /// Prepares queries that change sets of a size; for the first point of an l2 or l1 attack the tiles, a
  /// fifth of the image or vector in size.
  mutating func use(size: Int) {
    if size == self.size && !patterns[0].isEmpty { return }
    self.size = size
    if norm != .linf { patterns = windows.patterns(size: size, norm: norm) }
  }

  /// The size of the tiles of the first point.
  var tileSize: Int { max(1, windows.extent / 5) }

  /// Numbers that one sample needs as scratch.
  var scratchSize: Int { 3 * windows.dimension }

  /// The first point: for linf vertical stripes, in vectors single coordinates, of +-radius at random;
  /// otherwise tiles with the pattern of random sign.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func start(
    _ perturbation: UnsafeMutablePointer<Scalar>, input: UnsafePointer<Scalar>, radius: Scalar,
    _ stream: inout RandomStream, scratch: UnsafeMutablePointer<Scalar>
  ) {
    if norm == .linf {
      for channel in 0..<windows.channels {
        for column in 0..<windows.columns {
          let value = stream.next() & 1 == 0 ? radius : -radius
          for row in 0..<windows.rows {
            perturbation[windows.coordinate(row * windows.columns + column, channel: channel)] =
              value
          }
        }
      }
      return
    }
    perturbation.update(repeating: 0, count: windows.dimension)
    let (down, across) = (tiles(windows.rows), tiles(windows.columns))
    for tile in 0..<down.count * across.count {
      let top = down.first + tile / across.count * size
      let left = across.first + tile % across.count * size
      for channel in 0..<windows.channels {
        let bits = stream.next()
        let pattern = patterns[Int(bits & 1)]
        let sign: Scalar = bits & 2 == 0 ? 1 : -1
        for k in 0..<windows.count(size: size) {
          let pixel =
            windows.isImage ? (top + k / size) * windows.columns + left + k % size : left + k
          perturbation[windows.coordinate(pixel, channel: channel)] = sign * pattern[k]
        }
      }
    }
    fit(perturbation, input: input, radius: radius, scratch)
  }

  /// How many tiles fit into rows or columns, and where the first starts. Tiles that do not fit are left out, those of
  /// an image centred.
  private func tiles(_ extent: Int) -> (count: Int, first: Int) {
    guard windows.isImage else { return (max(1, extent / size), 0) }
    let count = extent / size
    return (count, max(0, min((extent - 5 * size) / 2, extent - count * size)))
  }

  /// The next point to try; `perturbation` holds the best one and is changed.
  ///
  /// linf: a set takes the value +radius or -radius. l2 and l1: the mass of one set moves to another,
  /// whose direction becomes the sum of its own and a pattern's, with what the ball leaves over.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func next(
    _ perturbation: UnsafeMutablePointer<Scalar>, input: UnsafePointer<Scalar>, radius: Scalar,
    _ stream: inout RandomStream, order: UnsafeMutablePointer<Int32>,
    sets: UnsafeMutablePointer<Int32>, scratch: UnsafeMutablePointer<Scalar>
  ) {
    let dimension = windows.dimension
    let count = windows.count(size: size)
    let gaining = sets
    let losing = sets + dimension
    windows.draw(size: size, &stream, order: order, into: gaining)
    var bits = stream.next()
    if norm == .linf {
      for channel in 0..<windows.channels {
        if channel > 0 { bits = stream.next() }
        let value = bits >> 63 == 0 ? radius : -radius
        for k in 0..<count {
          perturbation[windows.coordinate(Int(gaining[k]), channel: channel)] = value
        }
      }
      return
    }
    windows.draw(size: size, &stream, order: order, into: losing)
    let total = norm == .l2 ? square(dimension, perturbation) : norm.length(dimension, perturbation)
    let ball = norm == .l2 ? radius * radius : radius
    let rest = Swift.max(ball - total, 0) / Scalar(windows.channels)
    for channel in 0..<windows.channels {
      if channel > 0 { bits = stream.next() }
      move(
        perturbation, channel: channel, to: gaining, from: losing, count: count, rest: rest,
        sign: bits >> 63 == 0 ? 1 : -1, pattern: patterns[Int((bits >> 62) & 1)], scratch: scratch)
    }
    fit(perturbation, input: input, radius: radius, scratch)
  }

  /// Moves the mass of one set of pixels to another in one channel, and adds what is left over for it.
  @inline(__always)
  private func move(
    _ perturbation: UnsafeMutablePointer<Scalar>, channel: Int, to gaining: UnsafePointer<Int32>,
    from losing: UnsafePointer<Int32>, count: Int, rest: Scalar, sign: Scalar, pattern: [Scalar],
    scratch values: UnsafeMutablePointer<Scalar>
  ) {
    func place(_ set: UnsafePointer<Int32>, _ k: Int) -> Int {
      windows.coordinate(Int(set[k]), channel: channel)
    }
    var own: Scalar = 0
    for k in 0..<count { own += mass(perturbation[place(gaining, k)]) }
    // The second set is emptied after the first was read, before it is written: the union's mass is
    // what both lose.
    let ownLength = length(own)
    pattern.withUnsafeBufferPointer { pattern in
      for k in 0..<count {
        let old = ownLength > 0 ? perturbation[place(gaining, k)] / ownLength : 0
        values[k] = old + sign * pattern[k]
      }
    }
    var moved = own
    for k in 0..<count { perturbation[place(gaining, k)] = 0 }
    for k in 0..<count {
      moved += mass(perturbation[place(losing, k)])
      perturbation[place(losing, k)] = 0
    }
    var direction: Scalar = 0
    for k in 0..<count { direction += mass(values[k]) }
    let scale = direction > 0 ? length(rest + moved) / length(direction) : 0
    for k in 0..<count { perturbation[place(gaining, k)] = scale * values[k] }
  }

  /// x^2 or |x|.
  @inline(__always)
  private func mass(_ x: Scalar) -> Scalar { norm == .l2 ? x * x : x.magnitude }

  /// The norm that belongs to a mass.
  @inline(__always)
  private func length(_ mass: Scalar) -> Scalar { norm == .l2 ? mass.squareRoot() : mass }

  @inline(__always)
  private func square(_ count: Int, _ x: UnsafePointer<Scalar>) -> Scalar {
    let size = RowKernels.norm(count, x)
    return size * size
  }

  /// l2: scales to the radius, then clips to the box. l1: projects on ball and box together.
  @inline(__always)
  private func fit(
    _ perturbation: UnsafeMutablePointer<Scalar>, input: UnsafePointer<Scalar>, radius: Scalar,
    _ scratch: UnsafeMutablePointer<Scalar>
  ) {
    let dimension = windows.dimension
    let (lower, upper) = (box.lower, box.upper)
    if norm == .l2 {
      let size = RowKernels.norm(dimension, perturbation)
      let scale = size > 0 ? radius / size : 0
      for j in 0..<dimension {
        let moved = input[j] + scale * perturbation[j]
        perturbation[j] = Swift.min(Swift.max(moved, lower[j]), upper[j]) - input[j]
      }
      return
    }
    let (sizes, room) = (scratch, scratch + dimension)
    for j in 0..<dimension {
      sizes[j] = perturbation[j].magnitude
      room[j] = perturbation[j] < 0 ? input[j] - lower[j] : upper[j] - input[j]
    }
    let level = RowKernels.softThreshold(
      radius: radius, dimension, sizes: sizes, room: room, scratch: scratch + 2 * dimension)
    for j in 0..<dimension {
      let size = Swift.min(Swift.max(sizes[j] - level, 0), room[j])
      perturbation[j] = perturbation[j] < 0 ? -size : size
    }
  }
}
