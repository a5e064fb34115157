import LinearCore

/// A region of perturbations: intervals of the pre-activations of the neurons against the label and, behind them, of
/// the coordinates of d.
struct CoordinateBox: Sendable, Equatable {
  var lower: [Double]
  var upper: [Double]

  /// The part on one side of a cut; nil where it is empty.
  func half(_ index: Int, at: Double, isUpper: Bool) -> CoordinateBox? {
    var result = self
    if isUpper {
      result.lower[index] = max(lower[index], at)
    } else {
      result.upper[index] = min(upper[index], at)
    }
    return result.lower[index] <= result.upper[index] ? result : nil
  }
}

/// Shrinks a ``CoordinateBox`` to what the ball of a norm and z_k = <u_k, x> + beta_k + <u_k, d> leave of it.
///
/// With intervals of all d_i, z_k lies between the sums of the least and the largest u_ki d_i. With intervals of z_k
/// and of all other coordinates, so does u_ki d_i. What the other coordinates need of the ball's radius is not
/// left for d_i.
struct BoxPropagation: Sendable {
  /// The norm of perturbations.
  let norm: Norm
  /// R.
  let radius: Double
  private let dimension: Int
  private let against: Int
  /// u_k, row by row, and <u_k, x> + beta_k.
  private let rows: [Double]
  private let start: [Double]
  /// More than rounding of a sum of dimension + 1 products can change.
  private let doubt: Double

  init(_ problem: DecisionProblem, norm: Norm, radius: Double) {
    self.norm = norm
    self.radius = radius
    dimension = problem.dimension
    against = problem.against
    let matrix = problem.directions.rows(in: problem.supporting..<problem.count)
    rows = matrix.elements
    start = Array(problem.preActivations[problem.supporting...])
    let reach = radius * (norm == .linf ? Double(problem.dimension).squareRoot() : 1)
    doubt =
      Double(problem.dimension + 16) * 0x1p-50
      * (problem.distance.upperBound + reach + problem.largestOffset)
  }

  /// All d with ‖d‖ <= R.
  var root: CoordinateBox {
    var box = CoordinateBox(
      lower: [Double](repeating: -.greatestFiniteMagnitude, count: against + dimension),
      upper: [Double](repeating: .greatestFiniteMagnitude, count: against + dimension))
    for i in against..<against + dimension { (box.lower[i], box.upper[i]) = (-radius, radius) }
    return box
  }

  /// Shrinks a box; false where nothing is left of it.
  func tighten(_ box: inout CoordinateBox) -> Bool {
    for _ in 0..<2 {
      guard tightenByBall(&box) else { return false }
      for k in 0..<against {
        guard tighten(&box, by: k) else { return false }
      }
    }
    return true
  }

  /// What the ball leaves of the coordinates.
  private func tightenByBall(_ box: inout CoordinateBox) -> Bool {
    if norm == .linf { return true }
    let exponent = norm == .l2 ? 2.0 : 1
    func needed(_ i: Int) -> Double {
      let least = max(0, max(box.lower[i], -box.upper[i]))
      return exponent == 2 ? least * least : least
    }
    let indices = against..<against + dimension
    let sum = indices.reduce(0) { $0 + needed($1) }
    // Room for the rounding of the sum and of the differences below.
    let whole = (exponent == 2 ? radius * radius : radius) * (1 + Double(dimension + 8) * 0x1p-50)
    if sum > whole { return false }
    for i in indices {
      let rest = max(0, whole - (sum - needed(i)))
      let limit = (exponent == 2 ? rest.squareRoot() : rest) * (1 + 0x1p-50)
      if box.upper[i] > limit { box.upper[i] = limit }
      if box.lower[i] < -limit { box.lower[i] = -limit }
      if box.lower[i] > box.upper[i] { return false }
    }
    return true
  }

  /// What one neuron and the coordinates leave of each other.
  private func tighten(_ box: inout CoordinateBox, by k: Int) -> Bool {
    let row = k * dimension
    var (low, high) = (start[k] - doubt, start[k] + doubt)
    for i in 0..<dimension {
      let u = rows[row + i]
      let (a, b) = (u * box.lower[against + i], u * box.upper[against + i])
      low += min(a, b)
      high += max(a, b)
    }
    if low > box.lower[k] { box.lower[k] = low }
    if high < box.upper[k] { box.upper[k] = high }
    if box.lower[k] > box.upper[k] { return false }
    if box.lower[k] == low && box.upper[k] == high { return true }
    for i in 0..<dimension {
      let u = rows[row + i]
      // What a small entry says of a coordinate, its rounding hides.
      if u.magnitude < 1e-6 { continue }
      let (a, b) = (u * box.lower[against + i], u * box.upper[against + i])
      // u d_i >= l - <u, x> - (the most that the others give); `high` holds the doubt.
      let least = box.lower[k] - (high - max(a, b)) - doubt
      let most = box.upper[k] - (low - min(a, b)) + doubt
      let (first, last) = u > 0 ? (least / u, most / u) : (most / u, least / u)
      let (below, above) = (first - first.magnitude * 0x1p-50, last + last.magnitude * 0x1p-50)
      if below > box.lower[against + i] { box.lower[against + i] = below }
      if above < box.upper[against + i] { box.upper[against + i] = above }
      if box.lower[against + i] > box.upper[against + i] { return false }
    }
    return true
  }
}
