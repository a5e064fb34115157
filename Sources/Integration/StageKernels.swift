import LinearCore

/// A stage and its weight in a sum.
struct WeightedStage {
  let weight: Double
  let values: UnsafePointer<Double>
}

/// The loops over the state: one pass each, every number read once.
enum StageKernels {
  /// How many components one thread takes at a time.
  private static let blockLength = 16384

  /// Calls `body` with the stages whose weight is not zero, times `step`.
  @inline(__always)
  static func withWeighted<Result>(
    _ weights: [Double], step: Double, stages: [UnsafeMutablePointer<Double>],
    _ body: (UnsafeBufferPointer<WeightedStage>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: WeightedStage.self, capacity: weights.count) { terms in
      var count = 0
      for (index, weight) in weights.enumerated() where weight != 0 {
        terms.initializeElement(
          at: count, to: WeightedStage(weight: step * weight, values: stages[index]))
        count += 1
      }
      return body(UnsafeBufferPointer(rebasing: terms[..<count]))
    }
  }

  /// output = base + sum of the weighted stages, for `count` components. `output` may be `base`.
  static func add(
    _ terms: UnsafeBufferPointer<WeightedStage>, to base: UnsafePointer<Double>, count: Int,
    into output: UnsafeMutablePointer<Double>
  ) {
    Parallel.forEachBlock(of: count, size: blockLength) { _, range in
      var i = range.lowerBound
      while i &+ 8 <= range.upperBound {
        (lanes(base, i) + sum(terms, i)).store(output, i)
        i &+= 8
      }
      while i < range.upperBound {
        output[i] = base[i] + scalarSum(terms, i)
        i &+= 1
      }
    }
  }

  /// The sum of squares of error_i / (absolute + relative max(|y_i|, |y_new,i|)) over one stretch, error
  /// being the sum of the weighted stages; not finite where an error or a y_new is not.
  static func squaredErrors(
    _ terms: UnsafeBufferPointer<WeightedStage>, before: UnsafePointer<Double>,
    after: UnsafePointer<Double>, start: Int, count: Int, absolute: Double, relative: Double
  ) -> Double {
    let end = start &+ count
    var i = start
    var sums = SIMD8<Double>(repeating: 0)
    while i &+ 8 <= end {
      let new = lanes(after, i)
      let size = magnitude(lanes(before, i)).replacing(
        with: magnitude(new), where: magnitude(new) .> magnitude(lanes(before, i)))
      let ratio = sum(terms, i) / (absolute + relative * size)
      // An infinite y_new would make its error small; times zero it is NaN.
      sums += ratio * ratio + new * 0
      i &+= 8
    }
    var total = sums.sum()
    while i < end {
      let ratio =
        scalarSum(terms, i) / (absolute + relative * max(before[i].magnitude, after[i].magnitude))
      total += ratio * ratio + after[i] * 0
      i &+= 1
    }
    return total
  }

  /// Whether all of `count` numbers are finite.
  static func areFinite(_ values: UnsafePointer<Double>, count: Int) -> Bool {
    var i = 0
    var sums = SIMD8<Double>(repeating: 0)
    while i &+ 8 <= count {
      sums += lanes(values, i) * 0
      i &+= 8
    }
    var total = sums.sum()
    while i < count {
      total += values[i] * 0
      i &+= 1
    }
    return total == 0
  }

  @inline(__always)
  private static func sum(_ terms: UnsafeBufferPointer<WeightedStage>, _ i: Int) -> SIMD8<Double> {
    var sum = SIMD8<Double>(repeating: 0)
    for term in terms { sum += term.weight * lanes(term.values, i) }
    return sum
  }

  @inline(__always)
  private static func scalarSum(_ terms: UnsafeBufferPointer<WeightedStage>, _ i: Int) -> Double {
    var sum = 0.0
    for term in terms { sum += term.weight * term.values[i] }
    return sum
  }

  @inline(__always)
  private static func lanes(_ values: UnsafePointer<Double>, _ i: Int) -> SIMD8<Double> {
    UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Double>.self)
  }

  @inline(__always)
  private static func magnitude(_ x: SIMD8<Double>) -> SIMD8<Double> {
    x.replacing(with: -x, where: x .< 0)
  }
}

extension SIMD8<Double> {
  @inline(__always)
  fileprivate func store(_ values: UnsafeMutablePointer<Double>, _ i: Int) {
    UnsafeMutableRawPointer(values + i).storeBytes(of: self, as: SIMD8<Double>.self)
  }
}
