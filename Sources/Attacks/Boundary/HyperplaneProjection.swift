import LinearCore

/// The nearest point of a hyperplane inside a box, in each norm: the step that ``FastAdaptiveBoundary``
/// is made of (Croce and Hein, *Minimally distorted adversarial examples with a fast adaptive boundary
/// attack*, ICML 2020, section 2.2).
package enum HyperplaneProjection {
  /// step <- the d of smallest norm with <normal, d> = gap and lower <= point + d <= upper.
  ///
  /// Coordinate j moves in the direction of sign(gap normal_j), by s_j between 0 and the room_j that
  /// the box leaves. With a = |normal| the optimality conditions give
  ///
  /// - linf: s_j = min(t, room_j) where a_j > 0;
  /// - l2: s_j = min(t a_j, room_j);
  /// - l1: s_j = room_j for the largest a_j, a part of it for one, 0 for the others,
  ///
  /// with the t, or the number of coordinates, for which sum_j a_j s_j = |gap|. That sum is concave and
  /// piecewise linear in t: Newton's method from 0 climbs to the root without passing it and ends there
  /// exactly, up to rounding, after as many steps as there are changes of the pieces it meets.
  ///
  /// Where the box does not meet the hyperplane, the step goes to the point of the box nearest to it:
  /// every coordinate with a_j > 0 moves to its bound. A zero normal makes a zero step.
  ///
  /// - Parameters:
  ///   - count: the number of coordinates.
  ///   - normal: finite; its entries should be of moderate size, because their squares are summed.
  ///   - point: inside the box.
  ///   - box: bounds of every coordinate; infinite where there are none.
  ///   - scratch: `4 * count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func step<Scalar: LinearScalar>(
    _ norm: Norm, _ count: Int, normal: UnsafePointer<Scalar>, gap: Scalar,
    from point: UnsafePointer<Scalar>, box: BoxBounds<Scalar>,
    into step: UnsafeMutablePointer<Scalar>, scratch: UnsafeMutablePointer<Scalar>
  ) {
    let slopes = scratch
    let room = scratch + count
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<count {
      slopes[j] = normal[j].magnitude
      let rises = (gap > 0) == (normal[j] > 0)
      room[j] = Swift.max(rises ? upper[j] - point[j] : point[j] - lower[j], 0)
    }
    let target = gap.magnitude
    switch norm {
    case .linf:
      let reach = reach(count, slopes, room, target, isUniform: true, room + count)
      for j in 0..<count { step[j] = slopes[j] > 0 ? Swift.min(reach, room[j]) : 0 }
    case .l2:
      let reach = reach(count, slopes, room, target, isUniform: false, room + count)
      if reach == .infinity {
        for j in 0..<count { step[j] = slopes[j] > 0 ? room[j] : 0 }
      } else {
        for j in 0..<count { step[j] = Swift.min(reach * slopes[j], room[j]) }
      }
    case .l1:
      fillLargest(count, slopes, room, target, into: step)
    }
    // Free coordinates of a hyperplane out of reach, and a zero normal.
    for j in 0..<count {
      let size = step[j].isFinite ? step[j] : 0
      step[j] = (gap > 0) == (normal[j] > 0) ? size : -size
    }
  }

  /// The t with sum_j a_j min(t u_j, room_j) = target, u_j = 1 if `isUniform` and a_j otherwise;
  /// infinite where no t does.
  @inline(__always)
  private static func reach<Scalar: LinearScalar>(
    _ count: Int, _ slopes: UnsafePointer<Scalar>, _ room: UnsafePointer<Scalar>,
    _ target: Scalar, isUniform: Bool, _ scratch: UnsafeMutablePointer<Scalar>
  ) -> Scalar {
    let (size, free) = (scratch, scratch + count)
    var t: Scalar = 0
    var before = Int32(-1)
    while true {
      var moving: Int32 = 0
      // Conditional values into other memory, sums by library calls: both vectorise.
      if isUniform {
        for j in 0..<count {
          let moves = t < room[j]
          size[j] = moves ? t : room[j]
          free[j] = moves ? slopes[j] : 0
          moving &+= moves ? 1 : 0
        }
      } else {
        for j in 0..<count {
          let limit = t * slopes[j]
          let moves = limit < room[j]
          size[j] = moves ? limit : room[j]
          free[j] = moves ? slopes[j] : 0
          moving &+= moves ? 1 : 0
        }
      }
      if moving == before { return t }
      before = moving
      let slope =
        isUniform ? Scalar.absoluteSum(count, free) : Scalar.dot(count, free, slopes)
      if slope <= 0 { return .infinity }
      t = Swift.max(t, t + (target - Scalar.dot(count, slopes, size)) / slope)
    }
  }

  /// step <- room for the largest slopes until their products with it sum to `target`.
  @inline(__always)
  private static func fillLargest<Scalar: LinearScalar>(
    _ count: Int, _ slopes: UnsafePointer<Scalar>, _ room: UnsafePointer<Scalar>,
    _ target: Scalar, into step: UnsafeMutablePointer<Scalar>
  ) {
    /// What the slopes of at least `level` (> 0) reach at their bounds, and how many they are.
    func reached(_ level: Scalar) -> (sum: Scalar, count: Int) {
      var sum = SIMD8<Scalar>(repeating: 0)
      var number = SIMD8<Scalar>(repeating: 0)
      var j = 0
      while j &+ 8 <= count {
        let a = UnsafeRawPointer(slopes + j).loadUnaligned(as: SIMD8<Scalar>.self)
        let room = UnsafeRawPointer(room + j).loadUnaligned(as: SIMD8<Scalar>.self)
        let counts = a .>= level
        sum += (a * room).replacing(with: 0, where: .!counts)
        number += SIMD8<Scalar>(repeating: 0).replacing(with: 1, where: counts)
        j &+= 8
      }
      var (total, many) = (sum.sum(), Int(saturating: number.sum()))
      while j < count {
        if slopes[j] >= level {
          total += slopes[j] * room[j]
          many += 1
        }
        j += 1
      }
      return (total, many)
    }
    // All slopes of at least `high` do not suffice, or `high` is above them all; those of at least `low`
    // do.
    var largest: Scalar = 0
    for j in 0..<count { largest = Swift.max(largest, slopes[j]) }
    var (low, high) = (Scalar.leastNonzeroMagnitude, largest.nextUp)
    var inside = (sum: Scalar(0), count: 0)
    var all = reached(low)
    if all.sum < target { (high, inside) = (low, all) }
    while all.count > inside.count + 1 {
      let middle = low + (high - low) / 2
      if middle <= low || middle >= high { break }
      let here = reached(middle)
      if here.sum < target { (high, inside) = (middle, here) } else { (low, all) = (middle, here) }
    }
    var rest = Swift.max(target - inside.sum, 0)
    for j in 0..<count {
      step[j] = slopes[j] >= high ? room[j] : 0
      if slopes[j] >= low && slopes[j] < high && rest > 0 {
        step[j] = Swift.min(rest / slopes[j], room[j])
        rest -= step[j] * slopes[j]
      }
    }
  }
}
