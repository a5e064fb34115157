/// The point of a polyhedron of least l1 or linf norm, in few dimensions: the dual simplex method on a dictionary, in
/// which every variable is an affine function of as many as there are unknowns. Half-spaces are added one at a time, and
/// the norm only grows.
///
/// In linf the unknowns are r and d_i + r, and 2 r - (d_i + r) >= 0 holds; in l1 they are the positive and the negative
/// parts of d. All are at least 0, and the norm is their sum with weights >= 0: the dictionary is dual feasible from
/// the start.
struct LinearDictionary {
  private let n: Int
  private let isMaximumNorm: Bool
  /// Unknowns and slacks by number: the place among the columns of one that is 0 now, or the row of another.
  private var places: [Place] = []
  private enum Place {
    case column(Int)
    case row(Int)
  }
  /// The variables of columns and rows.
  private var columns: [Int]
  private var rows: [Int] = []
  /// Row by row: the value at 0, and the coefficients of the columns.
  private var entries: [[Double]] = []
  /// The norm in the same way.
  private var objective: [Double]
  /// The half-space of every slack; -1 for none.
  private var halfSpaces: [Int] = []
  private var count = 0
  /// A row that no point satisfies: the multipliers of the half-spaces that contradict each other.
  private var contradiction: [(number: Int, multiplier: Double)]?

  init(dimension: Int, isMaximumNorm: Bool) {
    n = dimension
    self.isMaximumNorm = isMaximumNorm
    let unknowns = isMaximumNorm ? n + 1 : 2 * n
    columns = Array(0..<unknowns)
    objective = [0] + (0..<unknowns).map { isMaximumNorm && $0 > 0 ? 0 : 1 }
    for index in 0..<unknowns {
      places.append(.column(index))
      halfSpaces.append(-1)
    }
    guard isMaximumNorm else { return }
    for i in 0..<n {
      var entry = [Double](repeating: 0, count: unknowns + 1)
      entry[1] = 2
      entry[2 + i] = -1
      insert(entry, halfSpace: -1)
    }
  }

  var isEmpty: Bool { contradiction != nil }
  /// The least norm.
  var length: Double { objective[0] }

  private mutating func insert(_ entry: [Double], halfSpace: Int) {
    places.append(.row(rows.count))
    halfSpaces.append(halfSpace)
    rows.append(places.count - 1)
    entries.append(entry)
  }

  private func value(_ variable: Int) -> Double {
    if case .row(let row) = places[variable] { entries[row][0] } else { 0 }
  }

  /// d.
  var point: [Double] {
    isMaximumNorm
      ? (0..<n).map { value(1 + $0) - value(0) } : (0..<n).map { value($0) - value(n + $0) }
  }

  /// The half-spaces that the norm is owed to, with multipliers.
  var active: [(number: Int, multiplier: Double)] {
    if let contradiction { return contradiction }
    return columns.enumerated().compactMap { place, variable in
      let number = halfSpaces[variable]
      return number >= 0 && objective[1 + place] > 0 ? (number, objective[1 + place]) : nil
    }
  }

  /// Moves to the nearest point that is also in { <c, d> >= e }.
  mutating func add(normal: [Double], offset: Double) {
    var entry = [Double](repeating: 0, count: columns.count + 1)
    entry[0] = -offset
    func include(_ variable: Int, _ factor: Double) {
      if factor == 0 { return }
      switch places[variable] {
      case .column(let place): entry[1 + place] += factor
      case .row(let row): for k in entry.indices { entry[k] += factor * entries[row][k] }
      }
    }
    if isMaximumNorm {
      for i in 0..<n { include(1 + i, normal[i]) }
      include(0, -normal.reduce(0, +))
    } else {
      for i in 0..<n {
        include(i, normal[i])
        include(n + i, -normal[i])
      }
    }
    insert(entry, halfSpace: count)
    count += 1
    if !isEmpty { optimize() }
  }

  /// Dual simplex steps until no variable is below 0; what is reached at the limit is a bound too.
  private mutating func optimize() {
    for _ in 0..<50 + 10 * columns.count {
      var (leaving, least) = (-1, -1e-12)
      for row in rows.indices where entries[row][0] < least {
        (leaving, least) = (row, entries[row][0])
      }
      if leaving < 0 { return }
      var (entering, ratio) = (-1, Double.infinity)
      for k in columns.indices where entries[leaving][1 + k] > 1e-11 {
        let next = objective[1 + k] / entries[leaving][1 + k]
        // Among equals the larger pivot.
        if next < ratio - 1e-14
          || (next <= ratio + 1e-14 && entering >= 0
            && entries[leaving][1 + k] > entries[leaving][1 + entering])
        {
          (entering, ratio) = (k, next)
        }
      }
      if entering < 0 {
        contradict(leaving)
        return
      }
      pivot(leaving, entering)
    }
  }

  /// A row of value below 0 without any coefficient above 0: its slack is at least 0, and so are the columns.
  private mutating func contradict(_ row: Int) {
    var found = [(number: halfSpaces[rows[row]], multiplier: 1.0)]
    for (place, variable) in columns.enumerated() {
      found.append((halfSpaces[variable], max(0, -entries[row][1 + place])))
    }
    contradiction = found.filter { $0.number >= 0 && $0.multiplier > 0 }
  }

  private mutating func pivot(_ row: Int, _ place: Int) {
    let factor = entries[row][1 + place]
    // The column's variable in terms of the row's.
    var solved = entries[row].map { -$0 / factor }
    solved[1 + place] = 1 / factor
    entries[row] = solved
    func substitute(_ target: inout [Double]) {
      let share = target[1 + place]
      if share == 0 { return }
      target[1 + place] = 0
      for k in target.indices { target[k] += share * solved[k] }
    }
    for other in entries.indices where other != row { substitute(&entries[other]) }
    substitute(&objective)
    for k in objective.indices.dropFirst() { objective[k] = max(0, objective[k]) }
    let (leaving, entering) = (rows[row], columns[place])
    rows[row] = entering
    columns[place] = leaving
    places[entering] = .row(row)
    places[leaving] = .column(place)
  }
}
