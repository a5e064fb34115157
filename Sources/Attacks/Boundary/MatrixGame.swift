/// The optimal mixed strategies of a finite game of two players with sum zero: rows pay, columns receive.
///
/// With all entries made positive the payer's problem is to maximise sum x subject to M^T x <= 1, x >= 0,
/// which the simplex method solves from x = 0, with Bland's rule against cycles; the receiver's strategy are
/// the dual variables (Dantzig, *A proof of the equivalence of the programming problem and the game
/// problem*, 1951).
struct MatrixGame {
  /// What rows pay in the mean.
  let value: Double
  /// The share of each row.
  let rowShares: [Double]
  /// The share of each column.
  let columnShares: [Double]

  private static var tolerance: Double { 1e-12 }
  /// Games of a few rows take a few dozen.
  private static var exchanges: Int { 1000 }

  /// Solves a game.
  ///
  /// - Parameter columns: for each column what every row pays; finite numbers.
  init(columns: [[Double]]) {
    let (count, rows) = (columns.count, columns[0].count)
    let largest = columns.joined().reduce(0.0) { max($0, $1.magnitude) }
    let scale = largest > 0 ? largest : 1
    // A line for each column and one for the objective; the last entry is the right-hand side. Entries are
    // moved from -1...1 to 1...3.
    var table = columns.map { $0.map { $0 / scale + 2 } + [1] }
    table.append([Double](repeating: -1, count: rows) + [0])
    // Variables 0 ..< rows are the rows' shares, the others the columns' slacks.
    var basic = (0..<count).map { rows + $0 }
    var free = Array(0..<rows)
    for _ in 0..<Self.exchanges {
      let improving = free.indices.filter { table[count][$0] < -Self.tolerance }
      guard let entering = improving.min(by: { free[$0] < free[$1] }) else { break }
      var leaving: (line: Int, ratio: Double)?
      for i in 0..<count where table[i][entering] > Self.tolerance {
        let ratio = table[i][rows] / table[i][entering]
        guard let best = leaving else {
          leaving = (i, ratio)
          continue
        }
        if ratio < best.ratio || (ratio == best.ratio && basic[i] < basic[best.line]) {
          leaving = (i, ratio)
        }
      }
      guard let line = leaving?.line else { break }
      Self.exchange(&table, line, entering)
      swap(&basic[line], &free[entering])
    }
    var (x, y) = ([Double](repeating: 0, count: rows), [Double](repeating: 0, count: count))
    for (i, variable) in basic.enumerated() where variable < rows { x[variable] = table[i][rows] }
    for (j, variable) in free.enumerated() where variable >= rows {
      y[variable - rows] = max(table[count][j], 0)
    }
    let total = x.reduce(0, +)
    let others = y.reduce(0, +)
    value = (1 / total - 2) * scale
    rowShares = x.map { $0 / total }
    columnShares = y.map { $0 / others }
  }

  /// Exchanges a basic variable with a free one.
  private static func exchange(_ table: inout [[Double]], _ line: Int, _ column: Int) {
    let pivot = table[line][column]
    for j in table[line].indices where j != column { table[line][j] /= pivot }
    for i in table.indices where i != line {
      let factor = table[i][column]
      if factor == 0 { continue }
      for j in table[i].indices where j != column { table[i][j] -= factor * table[line][j] }
      table[i][column] = -factor / pivot
    }
    table[line][column] = 1 / pivot
  }
}
