import LinearCore
import Testing

/// The Euclidean projection of d on the ball, or on its intersection with a box, by 200 bisections of
/// the dual variable. `room` is how far each coordinate may go from 0 in the direction of d_i.
private func slowProjection(_ norm: Norm, _ d: [Double], radius: Double, room: [Double])
  -> [Double]
{
  func point(_ t: Double) -> [Double] {
    zip(d, room).map { d, room in
      let size = abs(d)
      let shrunk =
        switch norm {
        case .l1: max(size - t, 0)
        case .l2: size / (1 + t)
        case .linf: min(size, radius)
        }
      return (d < 0 ? -1 : 1) * min(shrunk, room)
    }
  }
  if norm == .linf || norm.length(point(0)) <= radius { return point(0) }
  // In l2 the multiplier of a tiny radius is huge: bisect its reciprocal share t / (1 + t) instead.
  var low = 0.0
  var high = norm == .l1 ? d.reduce(0) { max($0, abs($1)) } : 1.0
  for _ in 0..<200 {
    let middle = (low + high) / 2
    let t = norm == .l1 ? middle : middle / (1 - middle)
    if norm.length(point(t)) > radius { low = middle } else { high = middle }
  }
  return point(norm == .l1 ? high : high / (1 - high))
}

/// One projection problem, in numbers that Float represents too.
private struct Problem {
  var d: [Double]
  var radius: Double
  var origin: [Double]
  let box = 0.0...1.0

  static func random(_ count: Int, _ kind: Int) -> Problem {
    var stream = RandomStream(seed: 9).child("\(count)", kind)
    func gaussian() -> Double { stream.nextGaussian() }
    var d = (0..<count).map { _ in gaussian() }
    var radius = [0.5, 1, 3, 0.01][kind % 4] * (Double(count).squareRoot() + 1) / 2
    switch kind {
    case 0: break
    case 1: d = d.map { $0.rounded() }  // ties and zeros
    case 2: d = d.map { _ in 1 }
    case 3: d = d.map { $0 * Double.power(10, 4 * stream.nextUniform() - 2) }
    case 4: radius = 0
    case 5: d = d.map { 1e-3 * $0 }  // inside
    case 6: d = d.map { _ in 0 }
    default: d = d.enumerated().map { $0.offset % 2 == 0 ? 1e6 * $0.element : 1e-2 * $0.element }
    }
    // Some origins on the boundary of the box.
    let origin = (0..<count).map { _ in min(max(1.5 * stream.nextUniform() - 0.25, 0), 1) }
    let problem = Problem(d: d, radius: radius, origin: origin)
    return Problem(
      d: problem.d.map { Double(Float($0)) }, radius: Double(Float(radius)),
      origin: origin.map { Double(Float($0)) })
  }

  func room(boxed: Bool) -> [Double] {
    zip(d, origin).map {
      boxed ? ($0 < 0 ? $1 - box.lowerBound : box.upperBound - $1) : Double.infinity
    }
  }

  func solve<Scalar: LinearScalar>(_: Scalar.Type, _ norm: Norm, boxed: Bool, from start: [Double])
    -> [Double]
  {
    var x = start.map { Scalar($0) }
    let origin = origin.map { Scalar($0) }
    x.withUnsafeMutableBufferPointer {
      if boxed {
        norm.project(
          $0, radius: Scalar(radius), around: origin,
          box: Scalar(box.lowerBound)...Scalar(box.upperBound))
      } else {
        norm.project($0, radius: Scalar(radius))
      }
    }
    return x.map { Double($0) }
  }
}

@Suite struct ProjectionTests {
  @Test(arguments: Norm.allCases, [1, 2, 3, 64, 1000, 20000])
  func matchesTheSlowProjection(norm: Norm, count: Int) {
    for kind in 0..<8 {
      for boxed in [false, true] {
        check(Float.self, norm, count, kind, boxed)
        check(Double.self, norm, count, kind, boxed)
      }
    }
  }

  private func check<Scalar: LinearScalar>(
    _: Scalar.Type, _ norm: Norm, _ count: Int, _ kind: Int, _ boxed: Bool
  ) {
    let problem = Problem.random(count, kind)
    let (d, radius, room) = (problem.d, problem.radius, problem.room(boxed: boxed))
    let p = problem.solve(Scalar.self, norm, boxed: boxed, from: d)
    let exact = slowProjection(norm, d, radius: radius, room: room)
    let name: Comment = "\(norm) \(count) \(kind) boxed \(boxed) \(Scalar.self)"
    // One rounding of the result, one of the room (of an origin up to 1), and the error of the level:
    // in Double the sums behind it, here and in the reference, of `count` terms.
    let largest = d.reduce(0) { max($0, abs($1)) }
    let sums = Double(count) * Double.unitRoundoff * largest
    let bound = exact.map { 8 * Scalar.unitRoundoff * (abs($0) + (boxed ? 1 : 0)) + 4 * sums }
    #expect(worstRatio(p, exact, bound: bound) <= 1, name)
    // Inside the ball to a few ulps (for l1 in Double, to the rounding of its level), and in the box.
    let level = norm == .l1 ? 4 * sums : 0
    #expect(norm.length(p) <= radius * (1 + 8 * Scalar.unitRoundoff) + level, name)
    if boxed {
      #expect(
        zip(p, problem.origin).allSatisfy { problem.box.contains(Double(Scalar($0) + Scalar($1))) },
        name)
    }
    // Idempotent: P lies within its own error of the set, and a projection moves it no further.
    let error = Norm.l2.length(bound)
    let again = problem.solve(Scalar.self, norm, boxed: boxed, from: p)
    #expect(Norm.l2.length(zip(again, p).map { $0 - $1 }) <= 2 * error, name)
    checkVariationalInequality(problem, norm, p, boxed, error: error, name)
  }

  /// <d - P, z - P> <= 0 for all feasible z, up to what an error of P may change.
  private func checkVariationalInequality(
    _ problem: Problem, _ norm: Norm, _ p: [Double], _ boxed: Bool, error: Double, _ name: Comment
  ) {
    var stream = RandomStream(seed: 4)
    for trial in 0..<6 {
      var z = p.indices.map { i -> Double in
        let g = stream.nextGaussian() + (trial % 2 == 0 ? 0 : problem.d[i])
        if !boxed { return g }
        return min(max(g, problem.box.lowerBound - problem.origin[i]), 1 - problem.origin[i])
      }
      // The box holds 0, so shrinking stays in it.
      let size = norm.length(z)
      if size > problem.radius { z = z.map { $0 * problem.radius / size } }
      var inner = 0.0
      var distance = 0.0
      var away = 0.0
      for i in p.indices {
        inner += (problem.d[i] - p[i]) * (z[i] - p[i])
        distance += (z[i] - p[i]) * (z[i] - p[i])
        away += (problem.d[i] - p[i]) * (problem.d[i] - p[i])
      }
      let (a, b) = (away.squareRoot(), distance.squareRoot())
      let rounding = Double(p.count) * Double.unitRoundoff * a * b
      #expect(inner <= error * (a + 2 * b + error) + rounding, name)
    }
  }

  @Test(arguments: Norm.allCases, [1, 5, 300]) func isNonExpansive(norm: Norm, count: Int) {
    for boxed in [false, true] {
      let a = Problem.random(count, 0)
      var b = a
      var stream = RandomStream(seed: 8)
      for scale in [1e-3, 0.1, 1, 10] {
        b.d = a.d.map { $0 + scale * stream.nextGaussian() }
        let before = zip(a.d, b.d).map { $0 - $1 }
        let after = zip(
          a.solve(Double.self, norm, boxed: boxed, from: a.d),
          b.solve(Double.self, norm, boxed: boxed, from: b.d)
        ).map { $0 - $1 }
        #expect(Norm.l2.length(after) <= Norm.l2.length(before) * (1 + 1e-12))
      }
    }
  }

  /// In a box far from the unit one, `bound - origin` rounds; the sum must not leave the box for that.
  @Test(arguments: Norm.allCases) func neverLeavesTheBox(norm: Norm) {
    var stream = RandomStream(seed: 6)
    for _ in 0..<2000 {
      let bounds = [6 * stream.nextUniform() - 5, 0.4 * stream.nextUniform()].map { Float($0) }
      let box = bounds.min()!...bounds.max()!
      let share = Float(stream.nextUniform())
      let origin = [
        min(
          max(box.lowerBound + share * (box.upperBound - box.lowerBound), box.lowerBound),
          box.upperBound)
      ]
      for direction in [Float(10), -10] {
        var d = [direction]
        d.withUnsafeMutableBufferPointer { norm.project($0, radius: 9, around: origin, box: box) }
        #expect(box.contains(origin[0] + d[0]), "\(origin) \(d) \(box)")
      }
    }
  }

  /// One coordinate far larger than the ball must not drown the others.
  @Test func hugeCoordinatesThatMeetTheirBound() {
    let origin = [0.5, 0, 0]
    for huge in [1e6, 1e9, 1e12, 1e20] {
      var d = [huge, 1, 1]
      d.withUnsafeMutableBufferPointer {
        Norm.l1.project($0, radius: 0.7, around: origin, box: 0...1)
      }
      let bound = [Double](repeating: 8 * .ulpOfOne, count: 3)
      #expect(worstRatio(d, [0.5, 0.1, 0.1], bound: bound) <= 1, "\(d)")
      d = [huge, 3, 4]
      d.withUnsafeMutableBufferPointer {
        Norm.l2.project($0, radius: 0.5.squareRoot(), around: origin, box: 0...1)
      }
      #expect(worstRatio(d, [0.5, 0.3, 0.4], bound: bound) <= 1, "\(d)")
    }
  }

  @Test func emptyVectors() {
    for norm in Norm.allCases {
      var none: [Float] = []
      none.withUnsafeMutableBufferPointer { norm.project($0, radius: 0) }
      none.withUnsafeMutableBufferPointer { norm.project($0, radius: 1, around: [0], box: 0...1) }
      #expect(norm.length(none) == 0)
    }
  }

  @Test func lengths() {
    let x: [Float] = [3, -4, 0]
    #expect(Norm.allCases.map { $0.length(x) } == [7, 5, 4])
    #expect(Norm.l1.rowLengths(Matrix<Float>([x, [0, 0, -1]])) == [7, 1])
  }
}
