import LinearCore

/// The point of a polyhedron nearest to the origin in any norm, in many dimensions: half-spaces are collected, and looked at
/// together by an ``InteriorPoint``.
struct WidePoint {
  private let norm: Norm
  private let scale: Double
  private let precision: Double
  private let lower: [Double]
  private let upper: [Double]
  private var rows: [Double] = []
  private var offsets: [Double] = []
  /// The half-spaces that are left, by number.
  private var numbers: [Int] = []
  private var count = 0
  private var isSettled = true

  private(set) var point: [Double]
  private(set) var length = 0.0
  private(set) var active: [(number: Int, multiplier: Double)] = []

  /// - Parameters:
  ///   - lower, upper: what every coordinate lies between.
  ///   - scale: about the norm of the point.
  ///   - precision: relative, of the norm.
  init(norm: Norm, lower: [Double], upper: [Double], scale: Double, precision: Double) {
    self.norm = norm
    self.scale = scale
    self.precision = precision
    (self.lower, self.upper) = (lower, upper)
    point = lower.indices.map { min(max(0, lower[$0]), upper[$0]) }
  }

  mutating func add(normal: [Double], offset: Double) {
    rows += normal
    offsets.append(offset)
    numbers.append(count)
    count += 1
    isSettled = false
  }

  /// Moves to the nearest point of all half-spaces.
  mutating func settle(target: Double) {
    if isSettled { return }
    isSettled = true
    if norm == .l1 && lower.count > 2 * Self.fewCoordinates {
      settleSparsely(target: target)
      return
    }
    take(solve(rows, Array(lower.indices), target))
  }

  private func solve(_ rows: [Double], _ coordinates: [Int], _ target: Double) -> InteriorPoint {
    let program = InteriorPoint(
      norm: norm, rows: rows, offsets: offsets, lower: coordinates.map { lower[$0] },
      upper: coordinates.map { upper[$0] }, scale: scale)
    program.solve(target: 1.5 * target, precision: precision)
    return program
  }

  private mutating func take(_ program: InteriorPoint) {
    let n = lower.count
    (point, length) = (program.point, program.bound)
    let weights = numbers.indices.map { i in
      program.multipliers[i]
        * rows.withUnsafeBufferPointer { Double.euclideanNorm(n, $0.baseAddress! + i * n) }
    }
    let least = 1e-9 * (weights.max() ?? 0)
    active = numbers.indices.compactMap { i in
      weights[i] > least ? (numbers[i], program.multipliers[i]) : nil
    }
  }

  private static var fewCoordinates: Int { 32 }

  /// In l1 few coordinates move: those with the largest entries, and others as long as they could move for less. The simplex
  /// method solves for these few.
  private mutating func settleSparsely(target: Double) {
    let (n, m) = (lower.count, offsets.count)
    let sizes = (0..<n).map { i in
      (0..<m).reduce(0.0) { max($0, rows[$1 * n + i].magnitude) }
    }
    var coordinates = Array(
      (0..<n).sorted { (sizes[$1], $0) < (sizes[$0], $1) }.prefix(Self.fewCoordinates))
    var isUsed = [Bool](repeating: false, count: n)
    for i in coordinates { isUsed[i] = true }
    while true {
      let (dictionary, multipliers) = solve(coordinates)
      var prices = [Double](repeating: 0, count: n)
      Double.gemv(
        transposeA: true, m: m, n: n, alpha: 1, a: rows, leadingA: n, x: multipliers, beta: 0,
        y: &prices)
      // The norm pays at most 1 for a step; a contradiction leaves nothing to pay.
      let limit = dictionary.isEmpty ? 1e-9 * (multipliers.max() ?? 0) : 1 + precision
      let missing = (0..<n).filter { !isUsed[$0] && prices[$0].magnitude > limit }
        .sorted { (prices[$1].magnitude, $0) < (prices[$0].magnitude, $1) }
      if missing.isEmpty {
        length = dictionary.isEmpty ? .infinity : dictionary.length
        point = lower.indices.map { min(max(0, lower[$0]), upper[$0]) }
        for (place, i) in coordinates.enumerated() { point[i] = dictionary.point[place] }
        active = numbers.indices.compactMap {
          multipliers[$0] > 0 ? (numbers[$0], multipliers[$0]) : nil
        }
        return
      }
      for i in missing.prefix(Self.fewCoordinates) {
        coordinates.append(i)
        isUsed[i] = true
      }
    }
  }

  /// The nearest point that moves some coordinates only, and the multipliers of all half-spaces.
  private func solve(_ coordinates: [Int]) -> (LinearDictionary, [Double]) {
    let (n, m, k) = (lower.count, offsets.count, coordinates.count)
    var dictionary = LinearDictionary(dimension: k, isMaximumNorm: false)
    for j in 0..<m {
      dictionary.add(normal: coordinates.map { rows[j * n + $0] }, offset: offsets[j])
    }
    // Walls are met as they are passed.
    var isDone = false
    while !isDone && !dictionary.isEmpty {
      isDone = true
      for (place, value) in dictionary.point.enumerated() {
        let (a, b) = (lower[coordinates[place]], upper[coordinates[place]])
        let sign = value < a - 1e-12 ? 1.0 : value > b + 1e-12 ? -1 : 0
        if sign == 0 { continue }
        var axis = [Double](repeating: 0, count: k)
        axis[place] = sign
        dictionary.add(normal: axis, offset: sign > 0 ? a : -b)
        isDone = false
        break
      }
    }
    var multipliers = [Double](repeating: 0, count: m)
    for (number, multiplier) in dictionary.active where number < m {
      multipliers[number] += multiplier
    }
    return (dictionary, multipliers)
  }
}
