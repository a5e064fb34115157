import LinearCore
import Testing

/// Projections on a ball and a box with a range a coordinate.
@Suite struct CoordinateBoxProjectionTests {
  /// The projection by its optimality conditions, with the multiplier found by bisection.
  private func slowly(
    _ d: [Double], _ norm: Norm, radius: Double, origin: [Double], lower: [Double], upper: [Double]
  ) -> [Double] {
    func point(_ t: Double) -> [Double] {
      d.indices.map { j in
        let moved: Double
        switch norm {
        case .linf: moved = min(max(d[j], -radius), radius)
        case .l2: moved = d[j] / (1 + t)
        case .l1: moved = d[j] < 0 ? min(d[j] + t, 0) : max(d[j] - t, 0)
        }
        return min(max(moved, lower[j] - origin[j]), upper[j] - origin[j])
      }
    }
    if norm == .linf || norm.length(point(0)) <= radius { return point(0) }
    var (low, high) = (0.0, 1e6)
    for _ in 0..<300 {
      let middle = (low + high) / 2
      if norm.length(point(middle)) > radius { low = middle } else { high = middle }
    }
    return point(high)
  }

  @Test(arguments: Norm.allCases, [1, 5, 40]) func agreesWithTheSlowTwin(
    _ norm: Norm, _ dimension: Int
  ) {
    let stream = RandomStream(seed: 5).child("n", dimension)
    for number in 0..<20 {
      func numbers(_ name: String) -> [Double] {
        Matrix<Double>.gaussian(
          rows: 1, columns: dimension, stream: stream.child(name, number)
        ).elements
      }
      let origin = numbers("origin")
      var upper = zip(origin, numbers("upper")).map { $0 + abs($1) }
      let lower = zip(origin, numbers("lower")).map { $0 - 0.5 * abs($1) }
      // A bound that is not there, and one that is met already.
      upper[0] = number % 2 == 0 ? .infinity : origin[0]
      let d = numbers("d").map { 2 * $0 }
      var found = d
      let bounds = BoxBounds(
        InputBox.perCoordinate(lower: lower, upper: upper), dimension: dimension)
      found.withUnsafeMutableBufferPointer {
        norm.project($0, radius: 1.2, around: origin, bounds: bounds)
      }
      let slow = slowly(d, norm, radius: 1.2, origin: origin, lower: lower, upper: upper)
      for j in d.indices { #expect(abs(found[j] - slow[j]) <= 1e-9, "\(norm), coordinate \(j)") }
      #expect(norm.length(found) <= 1.2 * (1 + 1e-12))
      for j in d.indices {
        #expect(origin[j] + found[j] >= lower[j] && origin[j] + found[j] <= upper[j])
      }
    }
  }

  @Test func boxesSayWhatLiesOutside() {
    let box = InputBox<Float>.perCoordinate(lower: [0, -1], upper: [1, .infinity])
    #expect(box.firstOutside(Matrix([[0, 5], [1, -1]])) == nil)
    #expect(box.firstOutside(Matrix([[0, 5], [1, -1.5]])) == 3)
    #expect(box.firstOutside(Matrix([[0, .nan]])) == 1)
    #expect(InputBox<Float>.uniform(0...1).firstOutside(Matrix([[0, 1], [2, 0]])) == 2)
    #expect(box.dimension == 2 && InputBox<Float>.uniform(0...1).dimension == nil)
    #expect(box.map { Double($0) * 2 } == .perCoordinate(lower: [0, -2], upper: [2, .infinity]))
  }
}
