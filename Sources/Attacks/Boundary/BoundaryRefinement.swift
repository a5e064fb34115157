import LinearCore
import Networks

/// Makes perturbations that fool their sample smaller, step by step along the decision boundary.
///
/// A step goes from a boundary point a share of the way to the nearest point of the linearised boundary
/// (``LinearizedBoundary``), then back to the true boundary along the ray through 0 (``RaySearch``), and
/// is kept only if the perturbation became smaller; otherwise the share is halved. (The idea of DeepFool,
/// Moosavi-Dezfooli et al., CVPR 2016, and FAB, Croce and Hein, ICML 2020, made monotone.)
///
/// For l2 the residual r, the way from the point to the linearised boundary's nearest, vanishes where the
/// point is a local minimum, and the share is that of Barzilai and Borwein (IMA J. Numer. Anal. 1988),
/// <d, y> / <y, y> with d and y the last changes of point and residual: 1 on a plane, less where the
/// boundary bends away from the sample, more where it bends around it.
///
/// A sample ends when the linearised boundary predicts a reduction of less than 1e-7 of the size, or when no
/// share helps. All ends are brought back to the boundary to within ``precision``.
struct BoundaryRefinement<C: Classifier> {
  let problem: AttackProblem<C>
  let steps: Int

  /// How far from the boundary results may lie, relative to their size.
  var precision: C.Scalar = 1e-7

  private static var smallestReduction: C.Scalar { 1e-7 }

  init(problem: AttackProblem<C>, steps: Int) {
    self.problem = problem
    self.steps = steps
  }

  /// Refined perturbations; rows that do not fool are left as they are.
  func refine(_ start: Matrix<C.Scalar>) -> Matrix<C.Scalar> {
    refineKnowing(start).perturbations
  }

  /// Refined perturbations and whether they fool; rows that do not are left as they are.
  @specialized(where C == PReLUNetwork<Float>)
  func refineKnowing(_ start: Matrix<C.Scalar>) -> (
    perturbations: Matrix<C.Scalar>, fools: [Bool]
  ) {
    let state = RefinementState(
      start, sizes: problem.sizes(start), inputs: problem.inputs, threat: problem.threat)
    linearize(state, Array(0..<start.rows))
    let fooled = state.samples.indices.filter { state.samples[$0].margin < 0 }
    approachBoundary(state, fooled)
    var active = fooled
    for _ in 0..<steps {
      active.removeAll {
        state.samples[$0].isStuck || state.samples[$0].predictedReduction < Self.smallestReduction
      }
      if active.isEmpty { break }
      let moved = step(state, active)
      linearize(state, moved)
    }
    return finish(state, fooled, start: start)
  }

  /// Margins, gradients and residuals at the present points of some samples.
  private func linearize(_ state: RefinementState<C.Scalar>, _ rows: [Int]) {
    if rows.isEmpty { return }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    let (margins, gradients) = part.marginsAndGradients(state.points(rows))
    state.linearize(rows, margins, gradients)
  }

  /// Brings points that lie deep in another class near the boundary first: there is nothing to be learnt
  /// from a gradient far from it.
  private func approachBoundary(_ state: RefinementState<C.Scalar>, _ rows: [Int]) {
    let deep = rows.filter { i in
      let sample = state.samples[i]
      return !(sample.slope < 0 && sample.margin / sample.slope < 0.02)
    }
    if deep.isEmpty { return }
    var points = state.points(deep)
    var searches = deep.map { i in
      var search = RaySearch<C.Scalar>(slope: state.samples[i].slope, tolerance: 1e-3)
      search.record(1, state.samples[i].margin)
      return search
    }
    let part = problem.subset(deep)
    BoundarySearch(problem: part).run(&searches, points, evaluations: 12)
    for row in deep.indices { points.scaleRow(row, by: searches[row].upper?.scale ?? 1) }
    for (row, size) in part.sizes(points).enumerated() {
      state.restart(deep[row], at: points, row: row, size: size)
    }
    linearize(state, deep)
  }

  /// One step of some samples; those that became smaller.
  private func step(_ state: RefinementState<C.Scalar>, _ rows: [Int]) -> [Int] {
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    let trial = state.trials(rows)
    let trialSizes = part.sizes(trial.points)
    var searches = rows.enumerated().map { row, i in
      let sample = state.samples[i]
      let predicted = sample.predictedReduction * min(sample.share, 1)
      return RaySearch<C.Scalar>(
        slope: trial.slopes[row], limit: sample.size / trialSizes[row],
        tolerance: min(max(predicted / 8, 2e-7), 1e-2))
    }
    BoundarySearch(problem: part).run(&searches, trial.points, evaluations: 4)
    var ends = trial.points
    for row in rows.indices { ends.scaleRow(row, by: searches[row].upper?.scale ?? 0) }
    let sizes = part.sizes(ends)
    var moved: [Int] = []
    for (row, i) in rows.enumerated() {
      guard searches[row].upper != nil, sizes[row] < state.samples[i].size else {
        state.samples[i].reject()
        continue
      }
      state.accept(i, ends, row: row, size: sizes[row])
      moved.append(i)
    }
    return moved
  }

  /// The points brought back to the boundary, and which rows fool when evaluated with the whole problem.
  private func finish(
    _ state: RefinementState<C.Scalar>, _ rows: [Int], start: Matrix<C.Scalar>
  ) -> (perturbations: Matrix<C.Scalar>, fools: [Bool]) {
    var result = start
    let directions = state.points(rows)
    var searches = rows.map { i in
      var search = RaySearch<C.Scalar>(slope: state.samples[i].slope, tolerance: precision)
      search.record(1, state.samples[i].margin)
      return search
    }
    BoundarySearch(problem: problem.subset(rows)).run(&searches, directions, evaluations: 12)
    for (row, i) in rows.enumerated() {
      result.copyRow(i, from: directions, row: row)
      let scale = (searches[row].upper?.scale ?? 1) * (1 + Self.safety)
      if scale < 1 { result.scaleRow(i, by: scale) }
    }
    let fools = BoundarySearch(problem: problem).pushOut(&result, rows)
    let lost = rows.filter { !fools[$0] }
    if lost.isEmpty { return (result, fools) }
    for i in lost { result.copyRow(i, from: start, row: i) }
    return (result, problem.isFooled(result))
  }

  /// Where rounding decides, a product of other rows decides otherwise: points keep this distance from
  /// the boundary, relative to their size.
  private static var safety: C.Scalar { 5e-8 + 4 * C.Scalar.ulpOfOne }
}

extension BoundarySearch {
  /// Evaluates perturbations with the whole problem and makes those of `rows` that do not fool a little
  /// larger until they do; which rows fool in the end.
  func pushOut(_ perturbations: inout Matrix<C.Scalar>, _ rows: [Int]) -> [Bool] {
    var fools = problem.isFooled(perturbations)
    var open = rows.filter { !fools[$0] }
    for attempt in 1...4 where !open.isEmpty {
      for i in open {
        perturbations.scaleRow(i, by: 1 + C.Scalar(1 << attempt) * C.Scalar.ulpOfOne)
      }
      fools = problem.isFooled(perturbations)
      open = rows.filter { !fools[$0] }
    }
    return fools
  }
}
