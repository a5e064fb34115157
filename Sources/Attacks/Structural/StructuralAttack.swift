import LinearCore
import Networks

/// A minimum-norm attack that uses what clustered data make known: an adversarial example lies towards
/// some opposite class.
///
/// From every sample it goes along straight lines towards points and in directions of other classes
/// (``AttackReferences``): subclass and class means, dominant neurons, the differences of opposite and
/// own ones, and the nearest samples of another class. Each line is shrunk to the decision boundary by
/// secants, unless it is already clear that another of the sample's lines is much shorter; the best few
/// ends of every sample are refined along the boundary. No step follows the
/// gradient from the sample itself, which for p >= 3 all but vanishes towards other subclasses.
public struct StructuralAttack: Attack {
  /// "structural", the name in catalogue and results.
  public var name: String { "structural" }
  /// True: it ignores the radii of balls.
  public var isMinimumNorm: Bool { true }

  /// No: it starts from lines, and follows gradients on the boundary only.
  public var followsGradients: Bool { false }

  /// How many ends of lines of each kind are refined for each sample.
  public var candidates = 2
  /// The most steps along the boundary from the end of a line.
  public var steps = 40
  /// Nearest samples of another class tried as ends of lines.
  public var neighbours = 3

  /// Ends of lines that are longer than a sample's shortest by this factor are not looked at.
  public var tolerance = 3.0

  /// How many more ends of each kind are refined, of those that are almost as short as the shortest: there
  /// are as many local minima as ways out, which may differ by less than lines tell. For spaces of few
  /// dimensions, where refinement costs little; of ends that have come to point the same way only the shortest
  /// goes on.
  public var alternatives = 0

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
    var search = LineSearch(
      problem: problem, candidates: candidates, alternatives: alternatives, tolerance: tolerance)
    for line in lines(problem) { search.follow(line) }
    search.followRandom(stream.child("fallback"))
    var result = Matrix<C.Scalar>(rows: problem.count, columns: dimension)
    var sizes = [C.Scalar](repeating: .infinity, count: problem.count)
    // The best ends of every kind are refined: the shortest line need not lead to the nearest point of
    // the boundary. After a few steps it is clear which are worth going on with.
    func refine(_ ends: RefinedEnds<C.Scalar>, steps: Int, precision: Double)
      -> RefinedEnds<C.Scalar>
    {
      let part = problem.subset(ends.samples)
      var refinement = BoundaryRefinement(problem: part, steps: steps)
      refinement.precision = C.Scalar(precision)
      let (points, fools) = refinement.refineKnowing(ends.points)
      let found = zip(part.sizes(points), fools).map { $1 ? $0 : .infinity }
      for (row, i) in ends.samples.enumerated() where found[row] < sizes[i] {
        sizes[i] = found[row]
        result.copyRow(i, from: points, row: row)
      }
      return RefinedEnds(samples: ends.samples, points: points, sizes: found)
    }
    let first = LineKind.allCases.map { kind in
      refine(search.ends(of: kind), steps: min(steps, Self.firstSteps), precision: 1e-3)
    }
    let isRepeated = alternatives > 0 ? Self.repetitions(first) : []
    for (kind, ends) in first.enumerated() {
      let promising = ends.samples.indices.filter {
        ends.sizes[$0].isFinite && ends.sizes[$0] <= sizes[ends.samples[$0]] * Self.worthwhile()
          && (isRepeated.isEmpty || !isRepeated[kind][$0])
      }
      _ = refine(ends.rows(at: promising), steps: max(steps - Self.firstSteps, 0), precision: 1e-7)
    }
    let found = sizes.indices.filter { sizes[$0].isFinite }
    _ = BoundarySearch(problem: problem).pushOut(&result, found)
    return result
  }

  /// Steps after which only some ends are refined further: those that are not longer than the sample's
  /// shortest by more than a factor.
  private static var firstSteps: Int { 6 }
  private static func worthwhile<Scalar: LinearScalar>() -> Scalar { 1.25 }

  /// For every end of every kind whether a shorter end of its sample points almost the same way.
  private static func repetitions<Scalar: LinearScalar>(_ kinds: [RefinedEnds<Scalar>]) -> [[Bool]]
  {
    var result = kinds.map { $0.samples.map { _ in false } }
    var places: [Int: [(kind: Int, row: Int)]] = [:]
    for (kind, ends) in kinds.enumerated() {
      for (row, i) in ends.samples.enumerated() where ends.sizes[row].isFinite {
        places[i, default: []].append((kind, row))
      }
    }
    for all in places.values {
      let sorted = all.sorted {
        (kinds[$0.kind].sizes[$0.row], $0.kind, $0.row)
          < (kinds[$1.kind].sizes[$1.row], $1.kind, $1.row)
      }
      var kept: [[Scalar]] = []
      for place in sorted {
        let point = kinds[place.kind].points.row(place.row)
        let length = Norm.l2.length(point)
        let unit = point.map { $0 / length }
        if kept.contains(where: { zip($0, unit).reduce(0) { $0 + $1.0 * $1.1 } > 0.99 }) {
          result[place.kind][place.row] = true
        } else {
          kept.append(unit)
        }
      }
    }
    return result
  }

  /// The lines to try; each is of the samples that it concerns.
  private func lines<C: Classifier>(_ problem: AttackProblem<C>) -> [AttackLine<C.Scalar>] {
    let references = problem.references
    let all = Array(problem.labels.indices)
    let sources = LineSources(problem)
    var result: [AttackLine<C.Scalar>] = []
    func add(
      _ kind: LineKind, _ samples: [Int], _ heads: LineEnds<C.Scalar>,
      minus tails: LineEnds<C.Scalar>?
    ) {
      if samples.isEmpty { return }
      result.append(AttackLine(kind: kind, samples: samples, heads: heads, tails: tails))
    }
    let nearest = problem.nearestOthers(count: neighbours)
    for rank in 0..<neighbours {
      let rows = all.filter { nearest[$0].count > rank }
      add(
        .neighbour, rows, LineEnds(references.samples, rows.map { nearest[$0][rank] }),
        minus: LineEnds(problem.inputs, rows))
    }
    for k in 0..<references.points.rows {
      let rows = all.filter { problem.isGoal(references.pointLabels[k], of: $0) }
      add(
        .point, rows, LineEnds(references.points, rows.map { _ in k }),
        minus: LineEnds(problem.inputs, rows))
    }
    for a in sources.classes {
      // To the mean of all points of another class: for p < 2 the nearest way out leads there. And from
      // the own class's mean to another's: the way out of a plain ReLU network.
      let rows = all.filter { problem.isGoal(a, of: $0) }
      add(
        .classMean, rows, LineEnds(sources.means, rows.map { _ in a }),
        minus: LineEnds(problem.inputs, rows))
      let known = rows.filter { sources.classes.contains(problem.labels[$0]) }
      add(
        .classMean, known, LineEnds(sources.means, known.map { _ in a }),
        minus: LineEnds(sources.means, known.map { problem.labels[$0] }))
    }
    for k in 0..<references.directions.rows {
      let rows = all.filter { problem.isGoal(references.directionLabels[k], of: $0) }
      add(.direction, rows, LineEnds(references.directions, rows.map { _ in k }), minus: nil)
      let known = rows.filter { sources.ownDirections[$0] != nil }
      add(
        .direction, known, LineEnds(references.directions, known.map { _ in k }),
        minus: LineEnds(references.directions, known.map { sources.ownDirections[$0]! }))
    }
    return result
  }
}

/// Perturbations of some samples, which may be listed several times: a row each.
struct RefinedEnds<Scalar: LinearScalar> {
  let samples: [Int]
  let points: Matrix<Scalar>
  /// Infinite where a perturbation does not fool.
  let sizes: [Scalar]

  func rows(at rows: [Int]) -> RefinedEnds {
    RefinedEnds(
      samples: rows.map { samples[$0] }, points: points.rows(at: rows),
      sizes: rows.map { sizes[$0] })
  }
}

/// What lines start from, beside the references as they are.
private struct LineSources<Scalar: LinearScalar> {
  /// The classes that have points.
  let classes: [Int]
  /// The mean of each class's points, zeros for the others: (classCount, inputDimension).
  let means: Matrix<Scalar>
  /// For each sample the reference direction of its own class that it points along most.
  let ownDirections: [Int?]

  init<C: Classifier>(_ problem: AttackProblem<C>) where C.Scalar == Scalar {
    let references = problem.references
    classes = Set(references.pointLabels).sorted().filter { $0 < problem.classifier.classCount }
    var means = Matrix<Scalar>(
      rows: problem.classifier.classCount, columns: problem.inputs.columns)
    for label in classes {
      let own = references.pointLabels.indices.filter { references.pointLabels[$0] == label }
      means.setRow(label, references.points.rows(at: own).columnMeans())
    }
    self.means = means
    let products = Matrix.product(problem.inputs, references.directions, transposeB: true)
    ownDirections = problem.labels.indices.map { i in
      references.directionLabels.indices.filter {
        references.directionLabels[$0] == problem.labels[i]
      }.max { products[i, $0] < products[i, $1] }
    }
  }
}
