import LinearCore

/// What a box of valid inputs leaves of every coordinate of a perturbation, in the unit of a problem: a little more than
/// exact, and 0 in any case.
struct PerturbationRange: Sendable, Equatable {
  /// At most 0, -infinity for none.
  let lower: [Double]
  /// At least 0, infinity for none.
  let upper: [Double]

  init(_ box: InputBox<Double>, input: [Double], unit: Double) {
    func end(_ i: Int, _ bound: Double, _ sign: Double) -> Double {
      let room = (bound.magnitude + input[i].magnitude) * 0x1p-50
      return ((bound - input[i]) + sign * room) / unit
    }
    lower = input.indices.map { min(0, end($0, box.range(at: $0).lowerBound, -1)) }
    upper = input.indices.map { max(0, end($0, box.range(at: $0).upperBound, 1)) }
  }

  /// Every coordinate of d at its nearest valid value.
  func clamped(_ d: [Double]) -> [Double] {
    d.indices.map { min(max(d[$0], lower[$0]), upper[$0]) }
  }
}
