import LinearCore
import Networks

/// The fast adaptive boundary attack (FAB) of Croce and Hein, *Minimally distorted adversarial examples
/// with a fast adaptive boundary attack*, ICML 2020: a minimum-norm attack for l2, linf and l1.
///
/// At the present point the difference of the logits of another class and the label is linearised. Both
/// the point and the sample are projected on the hyperplane where it vanishes, within the box
/// (``HyperplaneProjection``), the steps are lengthened by 1.05, and the next point is a mean of the two,
/// which leans towards the sample. A point that fools is kept if it is the nearest so far, and taken back
/// towards the sample by the factor 0.9. A search on the segment to the sample ends the attack.
///
/// The untargeted attack takes the other class whose linearised boundary is nearest, which costs one
/// gradient pass a step for each class but the label. The targeted one, of AutoAttack, aims at the
/// classes with the largest logits after the label's, each on its own, and costs the same for ten classes;
/// with two classes both are the same.
///
/// Two things are not in the papers, and save most of the work. A step takes one pass, which tells both
/// whether the point fools and how the logits change there: a point that is taken back keeps the
/// linearisation of where it was, which is nearer to the boundary. And runs on other targets are stopped
/// early: after every tenth of the steps those end that lie behind the nearest point known by too much, or
/// that have not come nearer for a fifth of the steps (``FABParallelRuns``). Radii tell of points known
/// before; they also bound the random starts of restarts.
///
/// - Warning: Like all gradient attacks it overestimates robustness for p >= 3 on clustered data: the
///   gradient towards other subclasses vanishes. Use it together with ``StructuralAttack``.
public struct FastAdaptiveBoundary: Attack {
  /// "fab", or "fab-t" where ``isTargeted``: the name in catalogue and results.
  public var name: String { isTargeted ? "fab-t" : "fab" }
  /// True; radii only tell of perturbations known before.
  public var isMinimumNorm: Bool { true }

  /// Whether it aims at one class at a time.
  public var isTargeted: Bool
  /// Steps of each run.
  public var steps: Int
  /// Runs, for the targeted attack for each target: the first from the sample itself, the others from
  /// random points half as far from it as the nearest point known to fool.
  public var restarts: Int
  /// At most this many classes are aimed at.
  public var targets: Int
  /// The largest share of the sample's projection in the next point (alpha_max).
  public var largestBias = 0.1
  /// By how much projections are lengthened (eta).
  public var overshoot = 1.05
  /// What remains of a perturbation that fools (beta).
  public var backwardStep = 0.9
  /// Points of the final search.
  public var searchSteps = 3

  /// An attack with the paper's effort unless said otherwise.
  public init(targeted: Bool = false, steps: Int = 100, restarts: Int = 1, targets: Int = 9) {
    precondition(steps >= 1 && restarts >= 1 && targets >= 1, "an attack takes at least one step")
    isTargeted = targeted
    self.steps = steps
    self.restarts = restarts
    self.targets = targets
  }

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    return attack
  }

  /// The smallest perturbation found that fools each sample, or zeros.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let others = problem.otherClasses()
    let count = problem.otherClassCount
    // Each goal is a list of classes to be linearised for every sample.
    let ranks = Array(0..<(isTargeted ? min(targets, count) : count))
    let goals = isTargeted ? ranks.map { [$0] } : [ranks]
    var runs = FABParallelRuns(problem, known: radii, attack: self)
    for restart in 0..<restarts {
      runs.begin()
      for (number, goal) in goals.enumerated() {
        let start =
          restart == 0
          ? nil
          : randomStart(
            problem, runs.known, stream.child("goal", number).child("restart", restart))
        for i in 0..<problem.count { runs.add(i, targets: goal.map { others[i][$0] }) }
        runs.place(start)
      }
      runs.run()
    }
    problem.countGradients(runs.passes)
    return search(problem, runs.perturbations, runs.sizes)
  }

  /// Random points at half the known radius. Without one, half the middle one of those of the other
  /// samples (of two the larger); where none is known, a tenth of the sample's own size.
  private func randomStart<C: Classifier>(
    _ problem: AttackProblem<C>, _ known: [C.Scalar], _ stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let norm = problem.threat.norm
    let finite = known.filter(\.isFinite).sorted()
    let own = norm.rowLengths(problem.inputs)
    var start = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    for i in 0..<start.rows {
      var stream = stream.child("sample", problem.sampleNumbers[i])
      var row = [C.Scalar](repeating: 0, count: start.columns)
      if norm == .linf {
        for j in row.indices { row[j] = C.Scalar(2 * stream.nextUniform() - 1) }
      } else {
        row.withUnsafeMutableBufferPointer { stream.fillGaussian($0) }
      }
      let radius =
        known[i].isFinite ? known[i] : finite.isEmpty ? own[i] / 10 : finite[finite.count / 2]
      let size = norm.length(row)
      start.setRow(i, row)
      start.scaleRow(i, by: size > 0 ? radius / 2 / size : 0)
    }
    if problem.threat.box != nil {
      problem.project(&start, radii: known.map { _ in .infinity })
    }
    return start
  }

  /// The paper's modified binary search: where the margin, linear between the ends of an interval of the
  /// segment to the sample, vanishes.
  private func search<C: Classifier>(
    _ problem: AttackProblem<C>, _ best: Matrix<C.Scalar>, _ sizes: [C.Scalar]
  ) -> Matrix<C.Scalar> {
    var result = best
    let rows = sizes.indices.filter { sizes[$0].isFinite }
    if rows.isEmpty { return result }
    let part = problem.subset(rows)
    let ends = result.rows(at: rows)
    var upper = [C.Scalar](repeating: 1, count: rows.count)
    var lower = [C.Scalar](repeating: 0, count: rows.count)
    var outside = part.margins(ends)
    var inside = part.margins(Matrix(rows: rows.count, columns: ends.columns))
    for _ in 0..<searchSteps {
      // A little beyond the root: the root itself may fool or not, as rounding has it.
      let middle = rows.indices.map { row in
        let share = inside[row] / (inside[row] - outside[row])
        let root = share > 0 && share < 1 ? share : 0.5
        let width = upper[row] - lower[row]
        return min(lower[row] + width * root + max(0.01 * width * (1 - root), 1e-4), upper[row])
      }
      var points = ends
      for row in rows.indices { points.scaleRow(row, by: middle[row]) }
      let margins = part.margins(points)
      for row in rows.indices {
        if margins[row] < 0 {
          (upper[row], outside[row]) = (middle[row], margins[row])
          result.copyRow(rows[row], from: points, row: row)
        } else {
          (lower[row], inside[row]) = (middle[row], margins[row])
        }
      }
    }
    // The same samples as at the start, evaluated together: rounding has no more to say.
    for (i, fooled) in problem.isFooled(result).enumerated() where !fooled {
      result.copyRow(i, from: best, row: i)
    }
    return result
  }
}
