import LinearCore
import Networks

/// Evaluates adversarial perturbations by a code path of its own before they count: the point in double
/// precision, ``Classifier/referenceLogits(_:)``, the size in double precision.
///
/// On the decision boundary single and double precision may disagree, and attacks stop at different
/// distances from it. A radius is therefore measured at the boundary in double precision: every
/// perturbation is first brought there along its ray, to within 1e-8 of its size, and made longer by four
/// units in the last place, because a product of other rows rounds otherwise and the witness is to fool
/// there as well. Where single precision does not see the class change yet, the witness is made longer
/// still, by up to 1e-2 of its size, until it fools in both precisions; the radius stays where double
/// precision has it, so that it does not depend on how products are rounded.
///
/// In a box the coordinates of a long ray stay on their walls, and what is left of it may be one coordinate that
/// has moved by a millionth of the rest: there a perturbation may be made many times as long, which changes its size
/// by what that coordinate moves.
struct WitnessCheck<C: Classifier> {
  let problem: AttackProblem<C>

  /// What became of a perturbation.
  struct Verdict {
    /// It, a little longer or shorter; nil where it does not fool.
    let perturbation: [C.Scalar]?
    /// Its size where it fools in double precision.
    let size: Double
  }

  /// What perturbations at the boundary are made longer by, in turn, beside ``safety``.
  private static var additions: [Double] {
    [0, 3e-8, 6e-8, 1.2e-7, 2.5e-7, 5e-7, 1e-6, 2e-6, 4e-6, 1e-5, 1e-4, 1e-3, 1e-2]
  }
  /// What else is tried in a box.
  private static var boxedAdditions: [Double] { [0.1, 1, 10, 100, 1000] }
  /// The largest addition for the sake of ``Classifier/logitRounding`` alone.
  private static var clearing: Double { 1e-4 }
  private static var safety: Double { 4 * Double(C.Scalar.ulpOfOne) }
  /// How far along its ray a perturbation is moved to the boundary, without and within a box.
  private static var reach: Double { 1e-2 }
  private static var boxedReach: Double { 1e4 }
  /// The first move, from which the margin's slope is known; large enough for logits of single precision.
  private static var firstMove: Double { 1e-4 }
  private static var precision: Double { 1e-8 }
  private static var evaluations: Int { 12 }

  /// Checks one perturbation a sample, (n, inputDimension).
  func verdicts(_ perturbations: Matrix<C.Scalar>) -> [Verdict] {
    let scales = boundaryScales(perturbations)
    var result = [Verdict](
      repeating: Verdict(perturbation: nil, size: .infinity), count: problem.count)
    var isDone = [Bool](repeating: false, count: problem.count)
    let additions = Self.additions + (problem.threat.box == nil ? [] : Self.boxedAdditions)
    // Where the boundary is not the nearest at the end of the ray, the perturbation as it is.
    for starts in [scales, scales.map { _ in 1 - Self.safety }] {
      var open = result.indices.filter { result[$0].perturbation == nil }
      var sizes = [Double](repeating: .infinity, count: problem.count)
      for addition in additions where !open.isEmpty {
        let part = problem.subset(open)
        let scaled = scaled(
          perturbations.rows(at: open), part,
          by: open.map { starts[$0] * (1 + Self.safety + addition) })
        let exact = part.exactPoints(scaled)
        let exactlyFooled = part.fools(
          predictedClasses(part.classifier.referenceLogits(exact.points)))
        let (fooled, isClear) = part.isClearlyFooled(scaled)
        for (row, i) in open.enumerated() where exactlyFooled[row] {
          sizes[i] = min(sizes[i], problem.threat.norm.exactLength(exact.changes.row(row)))
          if !fooled[row] { continue }
          if result[i].perturbation == nil || (isClear[row] && addition <= Self.clearing) {
            result[i] = Verdict(perturbation: scaled.row(row), size: sizes[i])
          }
          isDone[i] = isClear[row] || addition >= Self.clearing
        }
        open.removeAll { isDone[$0] }
      }
    }
    return result
  }

  /// Perturbations made longer; those made much longer are brought back into the box.
  private func scaled(
    _ perturbations: Matrix<C.Scalar>, _ part: AttackProblem<C>, by factors: [Double]
  ) -> Matrix<C.Scalar> {
    var result = perturbations
    for (row, factor) in factors.enumerated() { result.scaleRow(row, by: C.Scalar(factor)) }
    let long = factors.indices.filter { factors[$0] > 1.03 }
    if long.isEmpty { return result }
    var clipped = result.rows(at: long)
    part.subset(long).project(&clipped, radii: long.map { _ in .infinity })
    for (row, i) in long.enumerated() { result.copyRow(i, from: clipped, row: row) }
    return result
  }

  /// The scale of each perturbation at which it lies on the boundary, just on the fooled side, in double
  /// precision; 1 where none is near.
  private func boundaryScales(_ perturbations: Matrix<C.Scalar>) -> [Double] {
    let count = problem.count
    func margins(_ rows: [Int], _ scales: [Double]) -> [Double] {
      let part = problem.subset(rows)
      let points = part.exactPoints(perturbations.rows(at: rows), scales: scales).points
      return part.margins(of: part.classifier.referenceLogits(points))
    }
    let all = Array(0..<count)
    let first = margins(all, all.map { _ in 1 })
    let second = first.map { $0 < 0 ? 1 - Self.firstMove : 1 + Self.firstMove }
    let reach = problem.threat.box == nil ? Self.reach : Self.boxedReach
    var searches = zip(zip(first, second), margins(all, second)).map { known, margin in
      var search = RaySearch<Double>(slope: 0, limit: 1 + reach, tolerance: Self.precision)
      search.record(1, known.0)
      search.record(known.1, margin)
      return search
    }
    for _ in 0..<Self.evaluations {
      var open: [Int] = []
      var scales: [Double] = []
      for i in searches.indices {
        guard let scale = searches[i].next(), scale > 1 - Self.reach else { continue }
        open.append(i)
        scales.append(scale)
      }
      if open.isEmpty { break }
      for (row, margin) in margins(open, scales).enumerated() {
        searches[open[row]].record(scales[row], margin)
      }
    }
    return searches.map { $0.upper?.scale ?? 1 }
  }
}

extension AttackProblem {
  /// Which samples the perturbations fool, and which of them by more than rounding can take back.
  fileprivate func isClearlyFooled(_ perturbations: Matrix<C.Scalar>) -> (
    fooled: [Bool], isClear: [Bool]
  ) {
    counts.addForward(sampleNumbers)
    let none = [Bool](repeating: false, count: count)
    if Cancellation.isRequested { return (none, none) }
    let logits = classifier.logits(perturbed(perturbations))
    let fooled = fools(predictedClasses(logits))
    let rounding = classifier.logitRounding
    if rounding == 0 { return (fooled, fooled) }
    let isClear = margins(of: logits).enumerated().map { row, margin in
      fooled[row] && -margin > rounding * logits.row(row).reduce(0) { max($0, $1.magnitude) }
    }
    return (fooled, isClear)
  }

  /// Perturbed samples in double precision, and what the perturbations are after the box.
  ///
  /// - Parameter scales: what each perturbation is multiplied by; 1 by default.
  fileprivate func exactPoints(_ perturbations: Matrix<C.Scalar>, scales: [Double]? = nil)
    -> (points: Matrix<Double>, changes: Matrix<Double>)
  {
    let base: [Double] = inputs.converted().elements
    let moves: [Double] = perturbations.converted().elements
    let dimension = inputs.columns
    let bounds = threat.box == nil ? nil : threat.bounds(dimension)
    var points = base
    var changes = moves
    for i in 0..<count {
      let scale = scales?[i] ?? 1
      for j in i * dimension..<(i + 1) * dimension {
        var point = base[j] + scale * moves[j]
        if let bounds {
          let k = j - i * dimension
          point = min(max(point, Double(bounds.lower[k])), Double(bounds.upper[k]))
        }
        points[j] = point
        changes[j] = point - base[j]
      }
    }
    func matrix(_ elements: [Double]) -> Matrix<Double> {
      Matrix(rows: count, columns: dimension, elements: elements)
    }
    return (matrix(points), matrix(changes))
  }
}

extension Norm {
  /// The length of a vector, summed one number after the other.
  fileprivate func exactLength(_ values: [Double]) -> Double {
    switch self {
    case .l1: values.reduce(0) { $0 + $1.magnitude }
    case .l2: values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    case .linf: values.reduce(0) { max($0, $1.magnitude) }
    }
  }
}
