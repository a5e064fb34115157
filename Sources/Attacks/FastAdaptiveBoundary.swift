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
/// gradient pass a step for each class but the label. The targeted one, of AutoAttack, aims at one of the
/// classes with the largest logits after the label's at a time, and costs the same for ten classes; with
/// two classes both are the same. Radii bound the random starts of restarts and nothing else.
///
/// - Warning: Like all gradient attacks it overestimates robustness for p >= 3 on clustered data: the
///   gradient towards other subclasses vanishes. Use it together with ``StructuralAttack``.
public struct FastAdaptiveBoundary: Attack {
  /// "fab", or "fab-t".
  public var name: String { isTargeted ? "fab-t" : "fab" }
  /// Yes.
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

  /// The smallest perturbation found that fools each sample, or zeros.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let others = problem.otherClasses()
    let classCount = problem.classifier.classCount
    // Each goal is a list of classes to be linearised for every sample.
    let goals =
      isTargeted
      ? (0..<min(targets, classCount - 1)).map { rank in [others.map { $0[rank] }] }
      : [(0..<classCount - 1).map { rank in others.map { $0[rank] } }]
    var best = Best(
      perturbations: Matrix(rows: problem.count, columns: problem.inputs.columns),
      sizes: [C.Scalar](repeating: .infinity, count: problem.count))
    for (number, goal) in goals.enumerated() {
      for restart in 0..<restarts {
        let start =
          restart == 0
          ? Matrix(rows: problem.count, columns: problem.inputs.columns)
          : randomStart(
            problem, zip(radii, best.sizes).map { min($0, $1) },
            stream.child("goal", number).child("restart", restart))
        run(problem, goal, from: start, &best)
      }
    }
    return search(problem, best)
  }

  private struct Best<Scalar: LinearScalar> {
    var perturbations: Matrix<Scalar>
    var sizes: [Scalar]
  }

  private func run<C: Classifier>(
    _ problem: AttackProblem<C>, _ goal: [[Int]], from start: Matrix<C.Scalar>,
    _ best: inout Best<C.Scalar>
  ) {
    let step = FABStep(
      norm: problem.threat.norm, box: problem.threat.box, largestBias: C.Scalar(largestBias),
      overshoot: C.Scalar(overshoot))
    var current = start
    for _ in 0..<steps {
      let (leads, gradients) = nearestBoundaries(problem, goal, current)
      let sizes = step.advance(
        &current, inputs: problem.inputs, leads: leads, gradients: gradients)
      let fooled = problem.isFooled(current)
      for i in fooled.indices where fooled[i] {
        if sizes[i] < best.sizes[i] {
          best.sizes[i] = sizes[i]
          best.perturbations.copyRow(i, from: current, row: i)
        }
        current.scaleRow(i, by: C.Scalar(backwardStep))
      }
    }
  }

  /// For each sample the lead and gradient of the class whose linearised boundary is nearest.
  private func nearestBoundaries<C: Classifier>(
    _ problem: AttackProblem<C>, _ goal: [[Int]], _ current: Matrix<C.Scalar>
  ) -> (leads: [C.Scalar], gradients: Matrix<C.Scalar>) {
    var nearest = problem.leadsAndGradients(current, targets: goal[0])
    if goal.count == 1 { return nearest }
    let norm = problem.threat.norm
    let dual: Norm = norm == .l2 ? .l2 : norm == .l1 ? .linf : .l1
    func distances(_ found: (leads: [C.Scalar], gradients: Matrix<C.Scalar>)) -> [C.Scalar] {
      // 0 / 0 is no distance.
      zip(found.leads, dual.rowLengths(found.gradients)).map { lead, slope in
        slope > 0 ? lead.magnitude / slope : .infinity
      }
    }
    var shortest = distances(nearest)
    for targets in goal.dropFirst() {
      let found = problem.leadsAndGradients(current, targets: targets)
      for (i, distance) in distances(found).enumerated() where distance < shortest[i] {
        shortest[i] = distance
        nearest.leads[i] = found.leads[i]
        nearest.gradients.copyRow(i, from: found.gradients, row: i)
      }
    }
    return nearest
  }

  /// Random points at half the known radius. Without one, half the median of those of the other
  /// samples; where none is known, a tenth of the sample's own size.
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
  private func search<C: Classifier>(_ problem: AttackProblem<C>, _ best: Best<C.Scalar>)
    -> Matrix<C.Scalar>
  {
    var result = best.perturbations
    let rows = best.sizes.indices.filter { best.sizes[$0].isFinite }
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
      result.copyRow(i, from: best.perturbations, row: i)
    }
    return result
  }
}
