import LinearCore

extension BoundedNetwork {
  /// y_j = v_j s_k, with one scale for every group k of numbers: s_k = (‖c_k‖²/n + epsilon)^(-e), c_k some numbers of a
  /// node.
  ///
  /// A layer whose neurons divide by the length of their input has v = relu(z)^p / ‖w‖^(p-1), e = (p-1)/2, n = 1 and
  /// epsilon = 0. A layer normalisation has e = 1/2, and v = c is what is left of its n numbers without their mean.
  package struct ScaledNode: Sendable {
    /// The node of v.
    package let input: Int
    /// The node of c.
    package let lengths: Int
    package let groups: Groups
    /// n, exactly.
    package let divisor: Double
    package let epsilon: Double
    /// e > 0.
    package let exponent: Double
    /// A node z with 0 <= y_j <= relu(z_j) (1 + 1e-9), whatever the scales are; nil where that is not so.
    package let limit: Int?

    package init(
      input: Int, lengths: Int, groups: Groups, divisor: Double, epsilon: Double,
      exponent: Double, limit: Int? = nil
    ) {
      precondition(divisor > 0 && epsilon >= 0 && exponent > 0)
      (self.input, self.lengths, self.groups) = (input, lengths, groups)
      (self.divisor, self.epsilon, self.exponent) = (divisor, epsilon, exponent)
      self.limit = limit
    }

    func moved(by offset: Int) -> ScaledNode {
      ScaledNode(
        input: input + offset, lengths: lengths + offset, groups: groups, divisor: divisor,
        epsilon: epsilon, exponent: exponent, limit: limit.map { $0 + offset })
    }
  }

  /// Which numbers of c every scale is made of, and which scale every number of v is multiplied with.
  package enum Groups: Sendable {
    /// One scale, of all numbers of a node.
    case whole(count: Int)
    /// Of every group the places of its numbers; and the group of every v_j.
    case parts(places: [[Int32]], ofValues: [Int32])

    var count: Int {
      switch self {
      case .whole: 1
      case .parts(let places, _): places.count
      }
    }

    /// The numbers of c in a group.
    func size(_ group: Int) -> Int {
      switch self {
      case .whole(let count): count
      case .parts(let places, _): places[group].count
      }
    }

    /// The group of v_j.
    func group(of j: Int) -> Int {
      switch self {
      case .whole: 0
      case .parts(_, let ofValues): Int(ofValues[j])
      }
    }

    func forEachPlace(_ group: Int, _ body: (Int) -> Void) {
      switch self {
      case .whole(let count): for i in 0..<count { body(i) }
      case .parts(let places, _): for i in places[group] { body(Int(i)) }
      }
    }
  }
}

extension BoundedNetwork.ScaledNode {
  /// ‖c_k‖²/n + epsilon of every group, as computed: a sum of n numbers that are not negative, divided and added to.
  func sums(_ c: [Double]) -> [Double] {
    (0..<groups.count).map { group in
      var sum = 0.0
      groups.forEachPlace(group) { sum += c[$0] * c[$0] }
      return sum / divisor + epsilon
    }
  }

  /// Sums below this one count as 0: squares that underflow are far smaller.
  static let leastSum = 1e-200

  /// S^(-e), as computed; see ``scaleError``.
  func scale(_ sum: Double) -> Double {
    exponent == 0.5 ? 1 / sum.squareRoot() : exponent == 1 ? 1 / sum : Double.power(sum, -exponent)
  }

  /// What ``scale(_:)`` may be off by, relative to itself, also for a sum that is off by four roundings.
  var scaleError: Double { 16 * (1 + exponent) * Rounding.unit }

  /// v s, as computed; 0 where c is.
  func values(_ v: [Double], _ c: [Double]) -> [Double] {
    let scales = sums(c).map { $0 > Self.leastSum ? scale($0) : 0 }
    return v.indices.map { v[$0] * scales[groups.group(of: $0)] }
  }
}
