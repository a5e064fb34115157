import LinearCore

/// Blocked summation of many numbers: blocks of 512 are summed in eight SIMD lanes, the sums of blocks in double
/// precision.
package enum BlockedSummation {
  private static let blockSize = 512

  /// The sum of `count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func sum<Scalar: LinearScalar>(_ count: Int, _ x: UnsafePointer<Scalar>) -> Double
  {
    total(count) { start, length in
      var lanes = SIMD8<Scalar>(repeating: 0)
      var i = 0
      while i &+ 8 <= length {
        lanes += UnsafeRawPointer(x + start + i).loadUnaligned(as: SIMD8<Scalar>.self)
        i &+= 8
      }
      var sum = lanes.sum()
      while i < length {
        sum += x[start + i]
        i &+= 1
      }
      return Double(sum)
    }
  }

  /// The inner product of two vectors of `count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func dot<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafePointer<Scalar>
  ) -> Double {
    total(count) { start, length in
      var lanes = SIMD8<Scalar>(repeating: 0)
      var i = 0
      while i &+ 8 <= length {
        lanes +=
          UnsafeRawPointer(x + start + i).loadUnaligned(as: SIMD8<Scalar>.self)
          * UnsafeRawPointer(y + start + i).loadUnaligned(as: SIMD8<Scalar>.self)
        i &+= 8
      }
      var sum = lanes.sum()
      while i < length {
        sum += x[start + i] * y[start + i]
        i &+= 1
      }
      return Double(sum)
    }
  }

  @inline(__always)
  private static func total(_ count: Int, _ part: (_ start: Int, _ length: Int) -> Double) -> Double
  {
    var sum = 0.0
    for start in stride(from: 0, to: count, by: blockSize) {
      sum += part(start, min(blockSize, count - start))
    }
    return sum
  }
}
