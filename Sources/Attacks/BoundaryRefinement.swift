import LinearCore
import Networks

/// Makes perturbations that fool their sample smaller, step by step along the decision boundary.
///
/// At a boundary point delta with margin m and gradient g the nearest point of the linearised boundary,
/// {u: m + <g, u - delta> = 0}, has the size t / dual norm of g with t = <g, delta> - m. The step goes a
/// share of the way there, then back to the true boundary along the ray through 0, and is kept only if
/// the perturbation became smaller; otherwise the share is halved. (The idea of DeepFool, Moosavi-Dezfooli
/// et al., CVPR 2016, and FAB, Croce and Hein, ICML 2020, made monotone.)
struct BoundaryRefinement<C: Classifier> {
  let problem: AttackProblem<C>
  let steps: Int

  /// Refined perturbations; rows that do not fool are left as they are.
  func refine(_ start: Matrix<C.Scalar>) -> Matrix<C.Scalar> {
    var current = start
    let fooled = problem.isFooled(start)
    var sizes = problem.sizes(start)
    var share = [C.Scalar](repeating: 1, count: start.rows)
    var active = fooled.indices.filter { fooled[$0] }
    for _ in 0..<steps where !active.isEmpty {
      let part = problem.subset(active)
      let here = current.rows(at: active)
      let (margins, gradients) = part.marginsAndGradients(here)
      var trial = here
      for (row, i) in active.enumerated() {
        step(
          row, margin: margins[row], share: share[i], gradients: gradients, trial: &trial,
          inputs: part.inputs)
      }
      let scales = BoundarySearch(problem: part).firstCrossing(
        trial, scales: [0.5, 0.9, 0.98, 1, 1.02, 1.1, 1.3], bisections: 6)
      for row in 0..<active.count {
        let scale = scales[row] ?? 0
        trial.scaleRow(row, by: scale)
      }
      let trialSizes = part.sizes(trial)
      for (row, i) in active.enumerated() {
        if scales[row] != nil && trialSizes[row] < sizes[i] {
          if trialSizes[row] > sizes[i] * (1 - 1e-5) { share[i] /= 2 }
          sizes[i] = trialSizes[row]
          current.copyRow(i, from: trial, row: row)
        } else {
          share[i] /= 2
        }
      }
      active.removeAll { share[$0] < 1 / 64 }
    }
    return BoundarySearch(problem: problem).shrink(current, scales: [0.9, 0.99, 1])
  }

  /// trial row <- (1 - share) delta + share (nearest point of the linearised boundary).
  private func step(
    _ row: Int, margin: C.Scalar, share: C.Scalar, gradients: Matrix<C.Scalar>,
    trial: inout Matrix<C.Scalar>, inputs: Matrix<C.Scalar>
  ) {
    let count = trial.columns
    gradients.withPointer { gradients in
      trial.withMutablePointer { trial in
        let g = gradients + row * count
        let delta = trial + row * count
        let target = C.Scalar.dot(count, g, delta) - margin
        let length = C.Scalar.euclideanNorm(count, g)
        guard length > 0, length.isFinite, target.isFinite else { return }
        C.Scalar.scale(count, 1 - share, delta)
        switch problem.threat.norm {
        case .l2:
          C.Scalar.add(count, share * (target / length) / length, g, to: delta)
        case .linf:
          let move = share * target / C.Scalar.absoluteSum(count, g)
          for j in 0..<count where g[j] != 0 { delta[j] += g[j] > 0 ? move : -move }
        case .l1:
          var best = 0
          for j in 0..<count where g[j].magnitude > g[best].magnitude { best = j }
          delta[best] += share * target / g[best]
        }
      }
    }
  }
}
