import LinearCore
import Networks

/// What a straight line of ``StructuralAttack`` leads to.
enum LineKind: CaseIterable { case neighbour, point, classMean, direction }

/// Rows of a matrix.
struct LineEnds<Scalar: LinearScalar> {
  let matrix: Matrix<Scalar>
  let rows: [Int]

  init(_ matrix: Matrix<Scalar>, _ rows: [Int]) {
    self.matrix = matrix
    self.rows = rows
  }
}

/// Lines delta = s (head - tail) of some samples, one each.
struct AttackLine<Scalar: LinearScalar> {
  let kind: LineKind
  let samples: [Int]
  let heads: LineEnds<Scalar>
  /// 0 if there are none.
  let tails: LineEnds<Scalar>?

  /// The points s = 1: a row a sample.
  var directions: Matrix<Scalar> {
    var result = heads.matrix.rows(at: heads.rows)
    if let tails { result.subtract(tails.matrix.rows(at: tails.rows)) }
    return result
  }
}

/// Follows lines to the decision boundary and keeps the shortest of each kind for each sample.
struct LineSearch<C: Classifier> {
  private let problem: AttackProblem<C>
  private let candidates: Int
  /// How many more ends of each kind are kept, of those that are almost as short as the shortest.
  private let alternatives: Int
  /// Perturbations longer than a sample's shortest by this factor are not looked at.
  private let tolerance: C.Scalar
  /// The margins of the samples themselves.
  private let margins: [C.Scalar]
  /// The size of the shortest perturbation known.
  private var shortest: [C.Scalar]
  /// The shortest of each kind and sample, shortest first.
  private var best: [LineKind: [[(size: C.Scalar, row: [C.Scalar])]]] = [:]

  /// Scales tried in turn on the first line of a sample.
  private static var scales: [C.Scalar] { [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5] }
  /// How far ends may lie from the boundary, relative to their size.
  private static var precision: C.Scalar { 0.02 }
  /// By what factor an alternative may be longer than the shortest.
  private static var nearness: C.Scalar { 1.3 }

  init(problem: AttackProblem<C>, candidates: Int, alternatives: Int = 0, tolerance: Double) {
    self.problem = problem
    self.candidates = candidates
    self.alternatives = alternatives
    self.tolerance = C.Scalar(tolerance)
    margins = problem.margins(
      Matrix(rows: problem.count, columns: problem.inputs.columns))
    shortest = [C.Scalar](repeating: .infinity, count: problem.count)
  }

  /// The ends of a kind that are short enough.
  func ends(of kind: LineKind) -> RefinedEnds<C.Scalar> {
    var samples: [Int] = []
    var sizes: [C.Scalar] = []
    var elements: [C.Scalar] = []
    for rank in 0..<candidates + alternatives {
      let limit = rank < candidates ? tolerance : Self.nearness
      for (i, ends) in (best[kind] ?? []).enumerated()
      where ends.count > rank && ends[rank].size <= limit * shortest[i] {
        samples.append(i)
        sizes.append(ends[rank].size)
        elements += ends[rank].row
      }
    }
    let points = Matrix(
      rows: samples.count, columns: problem.inputs.columns, elements: elements)
    return RefinedEnds(samples: samples, points: points, sizes: sizes)
  }

  /// Follows a line of some samples.
  mutating func follow(_ line: AttackLine<C.Scalar>) {
    let directions = line.directions
    let part = line.samples.count == problem.count ? problem : problem.subset(line.samples)
    let search = BoundarySearch(problem: part)
    var searches = line.samples.map { i in
      var search = RaySearch<C.Scalar>(slope: 0, tolerance: Self.precision)
      search.record(0, margins[i])
      return search
    }
    // Where no perturbation is known, scale by scale; elsewhere one look at the largest of use.
    var open = line.samples.indices.filter { shortest[line.samples[$0]] == .infinity }
    for scale in Self.scales where !open.isEmpty {
      let found = search.margins(directions, open, open.map { _ in scale })
      for (row, margin) in zip(open, found) { searches[row].record(scale, margin) }
      open = zip(open, found).filter { !($1 < 0) }.map { row, _ in row }
    }
    let others = line.samples.indices.filter { shortest[line.samples[$0]] < .infinity }
    if !others.isEmpty {
      let scales = largestScales(part, directions, others, line)
      let found = search.margins(directions, others, scales)
      for (row, margin) in found.enumerated() {
        searches[others[row]].record(scales[row], margin)
      }
    }
    let crossed = searches.indices.filter { searches[$0].upper != nil }
    if crossed.isEmpty { return }
    var closing = crossed.map { searches[$0] }
    var ends = directions.rows(at: crossed)
    let crossing = part.subset(crossed)
    BoundarySearch(problem: crossing).run(&closing, ends, evaluations: 8)
    for row in crossed.indices { ends.scaleRow(row, by: closing[row].upper!.scale) }
    for (row, size) in crossing.sizes(ends).enumerated() where size.isFinite {
      keep(line.kind, line.samples[crossed[row]], size, ends.row(row))
    }
  }

  /// Follows a random line, there and back, of the samples that no line has fooled.
  mutating func followRandom(_ stream: RandomStream) {
    let rows = shortest.indices.filter { shortest[$0] == .infinity }
    if rows.isEmpty { return }
    let directions = problem.gaussianRows(stream).rowsNormalized()
    let none = Matrix<C.Scalar>(rows: 1, columns: directions.columns)
    let (there, nowhere) = (LineEnds(directions, rows), LineEnds(none, rows.map { _ in 0 }))
    follow(AttackLine(kind: .direction, samples: rows, heads: there, tails: nil))
    follow(AttackLine(kind: .direction, samples: rows, heads: nowhere, tails: there))
  }

  /// The size from which on the end of a line is of no use to a sample: `tolerance` times the shortest
  /// perturbation, or that of the last of its kind where there are `candidates` of them and it would be no
  /// alternative either.
  private func largestSize(_ kind: LineKind, _ i: Int) -> C.Scalar {
    let limit = tolerance * shortest[i]
    guard let ends = best[kind]?[i], ends.count >= candidates else { return limit }
    if alternatives == 0 { return min(limit, ends[candidates - 1].size) }
    let last = ends.count == candidates + alternatives ? ends[ends.count - 1].size : .infinity
    return min(limit, max(ends[candidates - 1].size, min(last, Self.nearness * shortest[i])))
  }

  /// The scales at which lines reach ``largestSize(_:_:)``, at most the largest of ``scales``.
  private func largestScales(
    _ part: AttackProblem<C>, _ directions: Matrix<C.Scalar>, _ rows: [Int],
    _ line: AttackLine<C.Scalar>
  ) -> [C.Scalar] {
    var points = directions.rows(at: rows)
    let part = part.subset(rows)
    var scales = [C.Scalar](repeating: 1, count: rows.count)
    // The box shortens perturbations, so that a scale has to grow more than in proportion.
    for _ in 0..<(problem.threat.box == nil ? 1 : 3) {
      for (row, size) in part.sizes(points).enumerated() {
        let wanted = largestSize(line.kind, line.samples[rows[row]])
        let factor = size > 0 ? min(wanted / size, Self.scales.last! / scales[row]) : 1
        scales[row] *= factor
        points.scaleRow(row, by: factor)
      }
    }
    return scales
  }

  private mutating func keep(_ kind: LineKind, _ i: Int, _ size: C.Scalar, _ row: [C.Scalar]) {
    shortest[i] = min(shortest[i], size)
    var ends = best[kind]?[i] ?? []
    let place = ends.firstIndex { $0.size > size } ?? ends.count
    if place >= candidates + alternatives { return }
    ends.insert((size, row), at: place)
    if ends.count > candidates + alternatives { ends.removeLast() }
    if best[kind] == nil { best[kind] = shortest.map { _ in [] } }
    best[kind]![i] = ends
  }
}
