import LinearCore

/// Where ReLU neurons (p = 1) of one sign come to rest on borders of activation cones.
///
/// Let s = sign(v), A the samples with s g_i > 0 that are active, and N those with s g_i < 0. As long as A
/// stays, s G(u) = <a, u> - sum_N |g_i| relu(<u, x_i>) with a = sum_A |g_i| x_i is concave. At a border of N
/// neurons are pushed back from the active side and pulled back from the silent one: they *slide* along it
/// (Filippov), as if sample i were active to a share l_i between 0 and 1. They rest where a combination of
/// the velocities on all sides vanishes along the sphere:
///
///     u = r / ||r||,   r = a - sum_N l_i |g_i| x_i,
///     l_i = 0 where <u, x_i> < 0,   l_i = 1 where <u, x_i> > 0,   0 <= l_i <= 1 where <u, x_i> = 0,
///
/// which are the conditions for the shortest r, a least-squares problem in a box, dual to the greatest
/// s G = ||r|| on the ball. It attracts: s G is concave around it, with a strict maximum on the sphere.
struct SlidingVector {
  /// u.
  let direction: [Double]
  /// ||r||, that is |G(u)|.
  let value: Double
  /// Samples of N with 0 < l_i < 1.
  let borderSamples: Int
  /// The largest |<u, x_i>| / ||x_i|| of these: 0 in exact arithmetic.
  let violation: Double
  /// Whether samples with s g_i > 0 lie on their border or have changed sides.
  let isHeld: Bool

  private static let rounds = 20
  private static let sweeps = 20_000

  /// The vector whose samples A are those active at `start`; nil where there are none, or where A does not
  /// come to rest.
  init?(_ flow: DirectionFlow, from start: [Double], sign: Double, tolerance: Double) {
    precondition(flow.exponent == 1, "only at p = 1 are there borders to slide on")
    let inputs = flow.inputs
    let (count, dimension) = (inputs.rows, inputs.columns)
    let pushing = (0..<count).filter { sign * flow.weights[$0] < 0 }
    var shares = [Double](repeating: 0, count: pushing.count)
    var active = Self.active(flow, at: start, sign: sign)
    for _ in 0..<Self.rounds {
      if active.isEmpty { return nil }
      var rest = [Double](repeating: 0, count: dimension)
      var violation = Double.infinity
      inputs.withPointer { rows in
        for i in active {
          Double.add(dimension, flow.weights[i].magnitude, rows + i * dimension, to: &rest)
        }
        for (k, i) in pushing.enumerated() where shares[k] > 0 {
          Double.add(
            dimension, -shares[k] * flow.weights[i].magnitude, rows + i * dimension, to: &rest)
        }
        let squares = pushing.map {
          Double.dot(dimension, rows + $0 * dimension, rows + $0 * dimension)
        }
        for _ in 0..<Self.sweeps {
          violation = 0
          let size = RowKernels.norm(dimension, rest)
          if size == 0 { break }
          for (k, i) in pushing.enumerated() where squares[k] > 0 {
            let (row, weight) = (rows + i * dimension, flow.weights[i].magnitude)
            let product = Double.dot(dimension, row, rest)
            let next = min(max(shares[k] + product / (weight * squares[k]), 0), 1)
            if next == shares[k] { continue }
            violation = max(
              violation, (next - shares[k]).magnitude * weight * squares[k].squareRoot() / size)
            Double.add(dimension, -(next - shares[k]) * weight, row, to: &rest)
            shares[k] = next
          }
          if violation <= tolerance { break }
        }
      }
      let size = RowKernels.norm(dimension, rest)
      if size == 0 || violation > tolerance { return nil }
      let u = rest.map { $0 / size }
      let next = Self.active(flow, at: u, sign: sign)
      if next == active {
        direction = u
        value = size
        let sums = inputs.times(u)
        let norms = inputs.rowNorms()
        let free = pushing.indices.filter { shares[$0] > 0 && shares[$0] < 1 }
        borderSamples = free.count
        self.violation = free.reduce(0) {
          max($0, sums[pushing[$1]].magnitude / norms[pushing[$1]])
        }
        isHeld = (0..<count).allSatisfy {
          sign * flow.weights[$0] <= 0 || norms[$0] == 0 || sums[$0].magnitude > 1e-9 * norms[$0]
        }
        return
      }
      active = next
    }
    return nil
  }

  /// The samples with s g_i > 0 that are active, beyond rounding.
  static func active(_ flow: DirectionFlow, at u: [Double], sign: Double) -> [Int] {
    let sums = flow.inputs.times(u)
    let size = RowKernels.norm(u.count, u)
    let norms = flow.inputs.rowNorms()
    return sums.indices.filter {
      sign * flow.weights[$0] > 0 && sums[$0] > 1e-9 * size * norms[$0]
    }
  }
}
