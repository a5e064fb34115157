import Attacks
import LinearCore
import Testing

@Suite struct HyperplaneProjectionTests {
  private func step(
    _ norm: Norm, normal: [Double], gap: Double, from point: [Double],
    box: ClosedRange<Double>?
  ) -> [Double] {
    var result = point
    var scratch = [Double](repeating: 0, count: 4 * point.count)
    HyperplaneProjection.step(
      norm, point.count, normal: normal, gap: gap, from: point,
      box: BoxBounds(box.map { .uniform($0) }, dimension: point.count), into: &result,
      scratch: &scratch)
    return result
  }

  /// The smallest norm by enumeration: at a solution some coordinates rest at 0 or their bound and the
  /// others are given by stationarity.
  private func smallestNorm(
    _ norm: Norm, _ slopes: [Double], _ room: [Double], _ target: Double
  ) -> Double {
    var best = Double.infinity
    let count = slopes.count
    func consider(_ step: [Double]) {
      let reached = zip(slopes, step).map(*).reduce(0, +)
      guard zip(step, room).allSatisfy({ $0 >= -1e-12 && $0 <= $1 + 1e-12 }),
        abs(reached - target) <= 1e-9
      else { return }
      best = min(best, norm.length(step))
    }
    // Digit 0: at 0; 1: at the bound; 2: free.
    for code in 0..<Int(pow3(count)) {
      let kinds = (0..<count).map { code / pow3($0) % 3 }
      let fixed = (0..<count).filter { kinds[$0] == 1 }.map { slopes[$0] * room[$0] }.reduce(0, +)
      let free = (0..<count).filter { kinds[$0] == 2 }
      func fill(_ value: (Int) -> Double) {
        consider((0..<count).map { kinds[$0] == 0 ? 0 : kinds[$0] == 1 ? room[$0] : value($0) })
      }
      switch norm {
      case .linf:
        let slope = free.map { slopes[$0] }.reduce(0, +)
        fill { _ in slope > 0 ? (target - fixed) / slope : 0 }
      case .l2:
        let slope = free.map { slopes[$0] * slopes[$0] }.reduce(0, +)
        fill { slope > 0 ? (target - fixed) / slope * slopes[$0] : 0 }
      case .l1:
        // A linear programme: its solutions have one free coordinate at most.
        if free.count <= 1 { fill { slopes[$0] > 0 ? (target - fixed) / slopes[$0] : 0 } }
      }
    }
    return best
  }

  private func pow3(_ n: Int) -> Int { (0..<n).reduce(1) { product, _ in 3 * product } }

  @Test(arguments: Norm.allCases) func itIsTheNearestPointOfEnumeration(_ norm: Norm) {
    for number in 0..<300 {
      var stream = RandomStream(seed: 12).child("case", number)
      let count = 1 + number % 6
      // Points on the faces and slopes of 0 and equal ones among the others.
      let point = (0..<count).map { _ in min(max(1.6 * stream.nextUniform() - 0.3, 0), 1) }
      var normal = (0..<count).map { _ in stream.nextGaussian() }
      if number % 4 == 1 { normal[0] = 0 }
      if number % 4 == 2 { normal = normal.map { $0 > 0 ? 1 : -1 } }
      let sign: Double = number % 2 == 0 ? 1 : -1
      let slopes = normal.map(abs)
      let room = zip(normal, point).map { ($0 > 0) == (sign > 0) ? 1 - $1 : $1 }
      let most = zip(slopes, room).map(*).reduce(0, +)
      let target = most * stream.nextUniform()
      let found = step(norm, normal: normal, gap: sign * target, from: point, box: 0...1)
      let reached = zip(normal, found).map(*).reduce(0, +)
      #expect(abs(reached - sign * target) <= 1e-12 * max(1, most), "\(number)")
      for (x, d) in zip(point, found) { #expect(x + d >= -1e-12 && x + d <= 1 + 1e-12) }
      let least = smallestNorm(norm, slopes, room, target)
      #expect(norm.length(found) <= least + 1e-9, "\(number): \(norm.length(found)), \(least)")
      // Out of reach: every coordinate at its bound.
      let far = step(norm, normal: normal, gap: sign * (most + 1), from: point, box: 0...1)
      for j in 0..<count where slopes[j] > 0 {
        #expect(abs(abs(far[j]) - room[j]) <= 1e-12, "\(number)")
      }
    }
  }

  @Test(arguments: Norm.allCases) func withoutABoxItIsTheDualNorm(_ norm: Norm) {
    let stream = RandomStream(seed: 13)
    for count in [1, 7, 8, 9, 200] {
      let normal = Matrix<Double>.gaussian(
        rows: 1, columns: count, stream: stream.child("normal", count)
      ).elements
      let point = [Double](repeating: 3, count: count)
      let found = step(norm, normal: normal, gap: -0.7, from: point, box: nil)
      let dual: Norm = norm == .l2 ? .l2 : norm == .l1 ? .linf : .l1
      #expect(abs(zip(normal, found).map(*).reduce(0, +) + 0.7) <= 1e-12)
      #expect(abs(norm.length(found) - 0.7 / dual.length(normal)) <= 1e-12)
      #expect(
        step(
          norm, normal: [Double](repeating: 0, count: count), gap: 1, from: point,
          box: nil
        ).allSatisfy { $0 == 0 })
    }
  }
}
