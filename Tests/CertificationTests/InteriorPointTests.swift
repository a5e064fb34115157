import LinearCore
import Testing

@testable import Certification

/// The nearest point of a polyhedron in many dimensions, against the methods for few.
@Suite struct InteriorPointTests {
  /// Random half-spaces that most points near the origin are outside of.
  private func halfSpaces(_ number: Int, _ n: Int, _ count: Int) -> (
    rows: [Double], offsets: [Double]
  ) {
    let stream = RandomStream(seed: 5).child("half-spaces", number)
    let rows = Matrix<Double>.gaussian(rows: count, columns: n, stream: stream).rowsNormalized()
    let point = Matrix<Double>.gaussian(rows: 1, columns: n, stream: stream.child("point"))
    // All contain one point, so that they have one in common.
    let products = Matrix.product(rows, point, transposeB: true).elements
    return (rows.elements, products.map { $0 - 0.2 * $0.magnitude })
  }

  @Test(arguments: Norm.allCases) func agreesWithActiveSets(norm: Norm) {
    for number in 0..<40 {
      let (n, count) = (2 + number % 9, 1 + number % 6)
      let (rows, offsets) = halfSpaces(number, n, count)
      var expected = NearestPoint(dimension: n, norm: norm)
      for i in 0..<count {
        expected.add(normal: Array(rows[i * n..<(i + 1) * n]), offset: offsets[i])
      }
      let none = [Double](repeating: .infinity, count: n)
      let program = InteriorPoint(
        norm: norm, rows: rows, offsets: offsets, lower: none.map { -$0 }, upper: none,
        scale: 0.3 + Double(number % 5))
      program.solve(target: .infinity, precision: 1e-8)
      #expect(
        abs(program.bound - expected.length) <= 1e-6 * (1e-3 + expected.length),
        "case \(number), \(norm): \(program.bound), \(expected.length)")
      #expect(norm.length(program.point) <= expected.length * (1 + 1e-5) + 1e-6)
    }
  }

  /// Walls are half-spaces too.
  @Test(arguments: Norm.allCases) func agreesWithWallsAsHalfSpaces(norm: Norm) {
    for number in 0..<40 {
      let (n, count) = (2 + number % 7, 1 + number % 4)
      let (rows, offsets) = halfSpaces(number, n, count)
      let lower = (0..<n).map { -[0.4, 0, 3, 0.1][($0 + number) % 4] }
      let upper = (0..<n).map { [0.5, 2, 0, 0.2, 4][($0 + number) % 5] }
      var expected = NearestPoint(dimension: n, norm: norm)
      for i in 0..<count {
        expected.add(normal: Array(rows[i * n..<(i + 1) * n]), offset: offsets[i])
      }
      for i in 0..<n {
        var axis = [Double](repeating: 0, count: n)
        axis[i] = 1
        expected.add(normal: axis, offset: lower[i])
        axis[i] = -1
        expected.add(normal: axis, offset: -upper[i])
      }
      let program = InteriorPoint(
        norm: norm, rows: rows, offsets: offsets, lower: lower, upper: upper, scale: 1)
      program.solve(target: 100, precision: 1e-8)
      if expected.isEmpty {
        // Farther than any corner of the walls.
        let corner = zip(lower, upper).map { max(-$0, $1) }
        #expect(program.bound > norm.length(corner), "case \(number), \(norm)")
      } else {
        #expect(
          abs(program.bound - expected.length) <= 1e-5 * (1e-3 + expected.length),
          "case \(number), \(norm): \(program.bound), \(expected.length)")
      }
    }
  }

  /// The half-space of a kernel's lines, against the same polyhedron.
  @Test(arguments: Norm.allCases) func halfSpaceInABox(norm: Norm) {
    for number in 0..<60 {
      let n = 1 + number % 8
      let stream = RandomStream(seed: 6).child("half-space", number)
      let gradient = Matrix<Double>.gaussian(rows: 1, columns: n, stream: stream).elements
      let constant = 0.1 + Double(number % 7) * 0.4
      let lower = (0..<n).map { -[0.4, 0, 3, 0.1][($0 + number) % 4] }
      let upper = (0..<n).map { [0.5, 2, 0, 0.2, 4][($0 + number) % 5] }
      let length = Norm.l2.length(gradient)
      var expected = NearestPoint(dimension: n, norm: norm)
      expected.add(normal: gradient.map { -$0 / length }, offset: constant / length)
      for i in 0..<n {
        var axis = [Double](repeating: 0, count: n)
        axis[i] = 1
        expected.add(normal: axis, offset: lower[i])
        axis[i] = -1
        expected.add(normal: axis, offset: -upper[i])
      }
      let plane = BoxedHalfSpace(
        norm: norm, constant: constant, gradient: gradient, lower: lower[...], upper: upper[...])
      guard !expected.isEmpty else {
        #expect(plane.bound == .infinity && plane.nearest == nil, "case \(number), \(norm)")
        continue
      }
      #expect(plane.bound <= expected.length * (1 + 1e-9), "case \(number), \(norm)")
      #expect(plane.bound >= expected.length * (1 - 1e-6), "case \(number), \(norm)")
      if let point = plane.nearest {
        #expect(abs(norm.length(point) - expected.length) <= 1e-6 * expected.length)
        #expect(zip(gradient, point).reduce(constant) { $0 + $1.0 * $1.1 } <= 1e-8)
      } else {
        Issue.record("no point in case \(number), \(norm)")
      }
    }
  }
}
