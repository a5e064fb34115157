import LinearCore

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

  init(threat: ThreatModel<Scalar>, dimension: Int) {
    norm = threat.norm
    box = threat.bounds(dimension)
    windows = SquareWindows(dimension: dimension)
  }

  /// Prepares queries that change a share of the coordinates.
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
  var tileSize: Int { max(1, (windows.side ?? windows.dimension) / 5) }

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
    let dimension = windows.dimension
    let width = windows.side ?? dimension
    if norm == .linf {
      for j in 0..<width { perturbation[j] = stream.next() & 1 == 0 ? radius : -radius }
      for j in width..<max(width, dimension) { perturbation[j] = perturbation[j - width] }
      return
    }
    perturbation.update(repeating: 0, count: dimension)
    // Tiles that do not fit are left out, the others centred.
    let tiles = width / size
    let margin = (width - 5 * size) / 2
    let rows = windows.side == nil ? 1 : tiles
    for tile in 0..<rows * tiles {
      let bits = stream.next()
      let pattern = patterns[Int(bits & 1)]
      let sign: Scalar = bits & 2 == 0 ? 1 : -1
      let (top, left) = (tile / tiles * size, tile % tiles * size)
      for k in 0..<windows.count(size: size) {
        var place = left + k
        if windows.side != nil {
          place = Swift.min(margin, width - tiles * size) + left + k % size
          place += (Swift.min(margin, width - tiles * size) + top + k / size) * width
        }
        perturbation[place] = sign * pattern[k]
      }
    }
    fit(perturbation, input: input, radius: radius, scratch)
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
    let bits = stream.next()
    let sign: Scalar = bits >> 63 == 0 ? 1 : -1
    if norm == .linf {
      let value = sign * radius
      for k in 0..<count { perturbation[Int(gaining[k])] = value }
      return
    }
    windows.draw(size: size, &stream, order: order, into: losing)
    var own: Scalar = 0
    for k in 0..<count { own += mass(perturbation[Int(gaining[k])]) }
    let total = norm == .l2 ? square(dimension, perturbation) : norm.length(dimension, perturbation)
    // The second set is emptied after the first was read, before it is written: the union's mass is
    // what both lose.
    let values = scratch
    let ownLength = length(own)
    patterns[Int((bits >> 62) & 1)].withUnsafeBufferPointer { pattern in
      for k in 0..<count {
        let old = ownLength > 0 ? perturbation[Int(gaining[k])] / ownLength : 0
        values[k] = old + sign * pattern[k]
      }
    }
    var moved = own
    for k in 0..<count { perturbation[Int(gaining[k])] = 0 }
    for k in 0..<count {
      moved += mass(perturbation[Int(losing[k])])
      perturbation[Int(losing[k])] = 0
    }
    var direction: Scalar = 0
    for k in 0..<count { direction += mass(values[k]) }
    let ball = norm == .l2 ? radius * radius : radius
    let scale = direction > 0 ? length(Swift.max(ball - total, 0) + moved) / length(direction) : 0
    for k in 0..<count { perturbation[Int(gaining[k])] = scale * values[k] }
    fit(perturbation, input: input, radius: radius, scratch)
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
