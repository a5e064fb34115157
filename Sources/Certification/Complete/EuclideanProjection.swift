import LinearCore

/// The point of a polyhedron nearest to the origin in l2, in few dimensions: the dual active-set method of Goldfarb and
/// Idnani (*Mathematical Programming* 1983). Half-spaces are added one at a time, and the distance only grows, so that any
/// intermediate set of multipliers is a bound.
struct EuclideanProjection {
  private let n: Int
  /// Unit normals c as rows, and e: <c, d> >= e.
  private var normals: [Double] = []
  private var offsets: [Double] = []
  /// The half-spaces that the point lies on the boundary of, and their multipliers: d = sum of y c.
  private(set) var active: [Int] = []
  private(set) var multipliers: [Double] = []
  /// d.
  private(set) var point: [Double]
  /// Whether the half-spaces have no point in common: then sum of y c = 0 and sum of y e > 0.
  private(set) var isEmpty = false

  // An orthonormal basis of the active normals, row by row, and the triangular factor: c_i = sum_j r_ji q_j.
  private var basis: [Double] = []
  private var factor: [Double] = []

  init(dimension: Int) {
    n = dimension
    point = [Double](repeating: 0, count: n)
  }

  /// The squared distance.
  var square: Double { point.reduce(0) { $0 + $1 * $1 } }

  /// Moves to the nearest point that is also in { <c, d> >= e }, c of length 1.
  mutating func add(normal: [Double], offset: Double) {
    normals += normal
    offsets.append(offset)
    var next = offsets.count - 1
    // What was given up for another half-space may be needed again; the distance grows every time.
    for _ in 0..<100 where !isEmpty && next >= 0 {
      meet(next)
      next = mostViolated
    }
  }

  /// The half-space that the point is farthest out of; -1 for none.
  private var mostViolated: Int {
    var worst = (violation: 1e-12, number: -1)
    for number in offsets.indices {
      let violation = offsets[number] - product(number, point)
      if violation > worst.violation { worst = (violation, number) }
    }
    return active.contains(worst.number) ? -1 : worst.number
  }

  private mutating func meet(_ number: Int) {
    var weight = 0.0
    // Every pass that takes no full step gives up one half-space.
    for _ in 0..<4 * (n + 4) {
      let violation = offsets[number] - product(number, point)
      if violation <= 1e-14 { break }
      let (direction, shares) = decompose(number)
      let length = direction.reduce(0) { $0 + $1 * $1 }
      let isSpanned = length < 1e-20
      var blocking = -1
      var step = isSpanned ? Double.infinity : violation / length
      for (i, share) in shares.enumerated() where share > 1e-14 {
        let limit = multipliers[i] / share
        if limit < step { (step, blocking) = (limit, i) }
      }
      if step == .infinity {
        // Farkas: the new normal and what the active ones make of it cancel.
        multipliers = shares.map { max(0, -$0) } + [1]
        active.append(number)
        isEmpty = true
        return
      }
      if !isSpanned {
        for i in 0..<n { point[i] += step * direction[i] }
      }
      for i in shares.indices { multipliers[i] = max(0, multipliers[i] - step * shares[i]) }
      weight += step
      if blocking < 0 { break }
      active.remove(at: blocking)
      multipliers.remove(at: blocking)
      refactor()
    }
    if weight > 0 {
      active.append(number)
      multipliers.append(weight)
      append(number)
    }
  }

  private func product(_ number: Int, _ x: [Double]) -> Double {
    var sum = 0.0
    for i in 0..<n { sum += normals[number * n + i] * x[i] }
    return sum
  }

  /// What a normal has outside of the span of the active ones, and its coefficients inside.
  private func decompose(_ number: Int) -> (outside: [Double], shares: [Double]) {
    let count = active.count
    var rest = Array(normals[number * n..<(number + 1) * n])
    var shares = [Double](repeating: 0, count: count)
    for j in 0..<count {
      var sum = 0.0
      for i in 0..<n { sum += basis[j * n + i] * rest[i] }
      shares[j] = sum
      for i in 0..<n { rest[i] -= sum * basis[j * n + i] }
    }
    // Solves R r = Q c from the last row on.
    for j in stride(from: count - 1, through: 0, by: -1) {
      var sum = shares[j]
      for k in j + 1..<max(count, j + 1) { sum -= factor[k * n + j] * shares[k] }
      shares[j] = sum / factor[j * n + j]
    }
    return (rest, shares)
  }

  /// Takes the last active normal into the factorisation.
  private mutating func append(_ number: Int) {
    let position = basis.count / n
    if position >= n { return refactor() }
    var rest = Array(normals[number * n..<(number + 1) * n])
    var column = [Double](repeating: 0, count: n)
    // Twice is enough for orthogonality up to rounding.
    for _ in 0..<2 {
      for j in 0..<position {
        var sum = 0.0
        for i in 0..<n { sum += basis[j * n + i] * rest[i] }
        column[j] += sum
        for i in 0..<n { rest[i] -= sum * basis[j * n + i] }
      }
    }
    let length = rest.reduce(0) { $0 + $1 * $1 }.squareRoot()
    column[position] = max(length, 1e-150)
    basis += rest.map { $0 / column[position] }
    factor += column
  }

  private mutating func refactor() {
    basis.removeAll(keepingCapacity: true)
    factor.removeAll(keepingCapacity: true)
    // More than n half-spaces cannot be active but by rounding.
    if active.count > n {
      active.removeFirst(active.count - n)
      multipliers.removeFirst(multipliers.count - n)
    }
    for number in active { append(number) }
  }
}
