import LinearCore
import Networks

/// Projected gradient descent on the classification margin within a ball (Madry et al., ICLR 2018),
/// with per-sample normalised steps, step sizes that fall linearly, and random restarts.
///
/// The step is along g / ||g|| for l2, sign(g) for linf, and g / max |g| for l1. The margin, unlike a
/// saturating loss, keeps its gradient on confident samples; normalising per sample makes the attack
/// independent of the batch.
///
/// - Warning: For p >= 3 this attack alone overestimates robustness: the gradient towards other
///   subclasses vanishes. Use it together with ``StructuralAttack``.
public struct ProjectedGradientDescent: Attack {
  /// "pgd", the name in catalogue and results.
  public var name: String { "pgd" }
  /// No: it searches the ball it is given.
  public var isMinimumNorm: Bool { false }

  /// Steps of each run.
  public var steps: Int
  /// Runs: the first from the sample itself, the others from random points of the ball.
  public var restarts: Int
  /// The first step as a share of the radius; steps fall linearly to a fiftieth of it.
  public var firstStep: Double

  /// An attack with the given effort.
  public init(steps: Int = 100, restarts: Int = 2, firstStep: Double = 0.5) {
    precondition(steps >= 1 && restarts >= 1 && firstStep > 0)
    self.steps = steps
    self.restarts = restarts
    self.firstStep = firstStep
  }

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    return attack
  }

  /// The perturbation of smallest margin found in each sample's ball; samples once fooled are left.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    precondition(radii.allSatisfy(\.isFinite), "PGD needs a ball to search")
    var best = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var bestMargin = problem.margins(best)
    for restart in 0..<restarts {
      let open = bestMargin.indices.filter { bestMargin[$0] >= 0 }
      if open.isEmpty { break }
      let part = problem.subset(open)
      let partRadii = open.map { radii[$0] }
      let start =
        restart == 0
        ? Matrix(rows: open.count, columns: best.columns)
        : randomStart(part, partRadii, stream.child("restart", restart))
      let found = descend(part, partRadii, from: start)
      for (row, i) in open.enumerated() where found.margins[row] < bestMargin[i] {
        bestMargin[i] = found.margins[row]
        best.copyRow(i, from: found.perturbations, row: row)
      }
    }
    return best
  }

  private func descend<C: Classifier>(
    _ problem: AttackProblem<C>, _ radii: [C.Scalar], from start: Matrix<C.Scalar>
  ) -> (perturbations: Matrix<C.Scalar>, margins: [C.Scalar]) {
    var best = start
    var bestMargin = [C.Scalar](repeating: .infinity, count: problem.count)
    var active = Array(0..<problem.count)
    var current = start
    for step in 0...steps where !active.isEmpty {
      let part = problem.subset(active)
      let (margins, gradients) = part.marginsAndGradients(current)
      for (row, i) in active.enumerated() where margins[row] < bestMargin[i] {
        bestMargin[i] = margins[row]
        best.copyRow(i, from: current, row: row)
      }
      if step == steps { break }
      let fraction = firstStep * max(1 - Double(step) / Double(steps), 0.02)
      for (row, i) in active.enumerated() {
        move(
          row, by: radii[i] * C.Scalar(fraction), along: gradients, &current, problem.threat.norm)
      }
      let kept = active.indices.filter { bestMargin[active[$0]] >= 0 }
      if kept.count < active.count {
        current = current.rows(at: kept)
        active = kept.map { active[$0] }
      }
      problem.subset(active).project(&current, radii: active.map { radii[$0] })
    }
    return (best, bestMargin)
  }

  /// current row <- current row - length * (normalised gradient); unchanged where the gradient is 0.
  private func move<Scalar>(
    _ row: Int, by length: Scalar, along gradients: Matrix<Scalar>, _ current: inout Matrix<Scalar>,
    _ norm: Norm
  ) {
    let count = current.columns
    gradients.withPointer { gradients in
      current.withMutablePointer { current in
        let g = gradients + row * count
        let delta = current + row * count
        let size = norm == .l2 ? Scalar.euclideanNorm(count, g) : Norm.linf.length(count, g)
        guard size > 0, size.isFinite else { return }
        if norm == .linf {
          for j in 0..<count where g[j] != 0 { delta[j] -= g[j] > 0 ? length : -length }
        } else {
          // The quotient is taken first: length / size may leave the range of a Float.
          for j in 0..<count { delta[j] -= length * (g[j] / size) }
        }
      }
    }
  }

  /// A random point of each ball, of random length up to its radius.
  private func randomStart<C: Classifier>(
    _ problem: AttackProblem<C>, _ radii: [C.Scalar], _ stream: RandomStream
  ) -> Matrix<C.Scalar> {
    var start = problem.gaussianRows(stream.child("direction"))
    let sizes = problem.threat.norm.rowLengths(start)
    for i in 0..<start.rows {
      var length = stream.child("length", problem.sampleNumbers[i])
      let scale = radii[i] * C.Scalar(length.nextUniform()) / sizes[i]
      start.scaleRow(i, by: scale)
    }
    problem.project(&start, radii: radii)
    return start
  }
}
