import LinearCore
import Networks

/// A minimum-norm attack that uses what clustered data make known: an adversarial example lies towards
/// some opposite class.
///
/// From every sample it goes along straight lines towards points and in directions of other classes
/// (``AttackReferences``): subclass and class means, dominant neurons, the differences of opposite and
/// own ones, and the nearest samples of another class. Each line is shrunk to the decision boundary by
/// bisection; the best few ends of every sample are refined along the boundary. No step follows the
/// gradient from the sample itself, which for p >= 3 all but vanishes towards other subclasses.
public struct StructuralAttack: Attack {
  /// "structural".
  public var name: String { "structural" }
  /// Yes.
  public var isMinimumNorm: Bool { true }

  /// No: it starts from lines, and follows gradients on the boundary only.
  public var followsGradients: Bool { false }

  /// How many ends of lines of each kind are refined for each sample.
  public var candidates = 2
  /// Refinement steps.
  public var steps = 40
  /// Nearest samples of another class tried as ends of lines.
  public var neighbours = 3

  /// The attack with default effort.
  public init() {}

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    return attack
  }

  /// A perturbation to the decision boundary for each sample, or zeros where no line crosses it.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let dimension = problem.inputs.columns
    var result = Matrix<C.Scalar>(rows: problem.count, columns: dimension)
    var sizes = [C.Scalar](repeating: .infinity, count: problem.count)
    let lines = lines(problem, stream: stream)
    // The best ends of every kind are refined: the shortest line need not lead to the nearest point of
    // the boundary.
    for kind in LineKind.allCases {
      let best = bestEnds(problem, lines.filter { $0.kind == kind }.map(\.ends))
      for rank in 0..<candidates {
        let rows = best.indices.filter { best[$0].count > rank }
        if rows.isEmpty { break }
        let starts = Matrix(
          rows: rows.count, columns: dimension, elements: rows.flatMap { best[$0][rank].row })
        let part = rows.count == problem.count ? problem : problem.subset(rows)
        let refined = BoundaryRefinement(problem: part, steps: steps).refine(starts)
        for ((row, i), size) in zip(rows.enumerated(), part.sizes(refined)) where size < sizes[i] {
          sizes[i] = size
          result.copyRow(i, from: refined, row: row)
        }
      }
    }
    return result
  }

  private enum LineKind: CaseIterable { case point, classMean, direction, neighbour }

  private struct Line<Scalar: LinearScalar> {
    let kind: LineKind
    /// The point s = 1 of the line for every sample.
    let ends: Matrix<Scalar>
  }

  /// For each sample the `candidates` smallest boundary points on the lines, smallest first.
  private func bestEnds<C: Classifier>(_ problem: AttackProblem<C>, _ lines: [Matrix<C.Scalar>])
    -> [[(size: C.Scalar, row: [C.Scalar])]]
  {
    var best = [[(size: C.Scalar, row: [C.Scalar])]](repeating: [], count: problem.count)
    let search = BoundarySearch(problem: problem)
    for line in lines {
      let scales = search.firstCrossing(line, scales: [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5])
      var ends = line
      for i in 0..<ends.rows { ends.scaleRow(i, by: scales[i] ?? 0) }
      let sizes = problem.sizes(ends)
      for i in 0..<problem.count where scales[i] != nil {
        let place = best[i].firstIndex { $0.size > sizes[i] } ?? best[i].count
        if place >= candidates { continue }
        best[i].insert((sizes[i], ends.row(i)), at: place)
        if best[i].count > candidates { best[i].removeLast() }
      }
    }
    return best
  }

  /// The lines to try. A sample whose class a reference belongs to gets a random direction instead, so
  /// that no row is wasted.
  private func lines<C: Classifier>(_ problem: AttackProblem<C>, stream: RandomStream)
    -> [Line<C.Scalar>]
  {
    let references = problem.references
    let (count, dimension) = (problem.count, problem.inputs.columns)
    let own = ownDirections(problem)
    var result: [Line<C.Scalar>] = []
    func line(_ kind: LineKind, _ number: Int, _ row: (Int) -> [C.Scalar]?) {
      var matrix = Matrix<C.Scalar>.gaussian(
        rows: count, columns: dimension, stream: stream.child("line", number)
      ).rowsNormalized()
      var used = false
      for i in 0..<count {
        if let values = row(i) {
          matrix.setRow(i, values)
          used = true
        }
      }
      if used { result.append(Line(kind: kind, ends: matrix)) }
    }
    func difference(_ a: [C.Scalar], _ b: [C.Scalar]) -> [C.Scalar] { zip(a, b).map { $0 - $1 } }
    let inputs = (0..<count).map { problem.inputs.row($0) }
    for k in 0..<references.points.rows {
      let point = references.points.row(k)
      let label = references.pointLabels[k]
      line(.point, k) { problem.labels[$0] == label ? nil : difference(point, inputs[$0]) }
    }
    let means = (0..<problem.classifier.classCount).map { meanPoint(references, $0) }
    for a in means.indices {
      // To the mean of all points of another class: for p < 2 the nearest way out leads there. And from
      // the own class's mean to another's: the way out of a plain ReLU network.
      let towards = means[a]
      line(.classMean, 1_000_000 + 2 * a) { i in
        guard problem.labels[i] != a, let towards else { return nil }
        return difference(towards, inputs[i])
      }
      line(.classMean, 1_000_001 + 2 * a) { i in
        guard problem.labels[i] != a, let towards, let from = means[problem.labels[i]]
        else { return nil }
        return difference(towards, from)
      }
    }
    for k in 0..<references.directions.rows {
      let direction = references.directions.row(k)
      let label = references.directionLabels[k]
      line(.direction, 2_000_000 + 2 * k) { problem.labels[$0] == label ? nil : direction }
      line(.direction, 2_000_001 + 2 * k) { i in
        guard problem.labels[i] != label, let own = own[i] else { return nil }
        return difference(direction, own)
      }
    }
    let nearest = references.nearestOthers(
      to: problem.inputs, labels: problem.labels, count: neighbours)
    for rank in 0..<neighbours {
      line(.neighbour, 3_000_000 + rank) { i in
        nearest[i].count > rank
          ? difference(references.samples.row(nearest[i][rank]), inputs[i]) : nil
      }
    }
    if result.isEmpty {
      let random = Matrix<C.Scalar>.gaussian(
        rows: count, columns: dimension, stream: stream.child("fallback"))
      result.append(Line(kind: .direction, ends: random))
    }
    return result
  }

  /// For each sample the reference direction of its own class that it points along most.
  private func ownDirections<C: Classifier>(_ problem: AttackProblem<C>) -> [[C.Scalar]?] {
    let references = problem.references
    let products = Matrix.product(problem.inputs, references.directions, transposeB: true)
    return (0..<problem.count).map { i in
      let own = references.directionLabels.indices.filter {
        references.directionLabels[$0] == problem.labels[i]
      }
      return own.max { products[i, $0] < products[i, $1] }.map { references.directions.row($0) }
    }
  }

  private func meanPoint<Scalar>(_ references: AttackReferences<Scalar>, _ label: Int) -> [Scalar]?
  {
    let own = references.pointLabels.indices.filter { references.pointLabels[$0] == label }
    return own.isEmpty ? nil : references.points.rows(at: own).columnMeans()
  }
}
