import LinearCore
import Networks

extension EvaluationChunk {
  /// Why a chunk from a store is not to be believed; nil where every witness of it stands.
  ///
  /// Every perturbation must be finite, have about the length that the chunk names, and fool the classifier as
  /// ``WitnessCheck`` sees it, at that radius. What a chunk did not find cannot be tried without attacking.
  ///
  /// - Parameter problem: the samples of the chunk.
  func objection<C: Classifier>(for problem: AttackProblem<C>) -> String?
  where C.Scalar == Scalar {
    let count = rows.count
    guard perturbations.columns == problem.inputs.columns else {
      return "its perturbations have \(perturbations.columns) coordinates, expected "
        + "\(problem.inputs.columns)"
    }
    guard rows == problem.sampleNumbers, perturbations.rows == count,
      [radii.count, attacks.count, gradientPasses.count, forwardPasses.count]
        .allSatisfy({ $0 == count })
    else { return "it is about other samples" }
    let largestCount = 1 << 53
    guard (gradientPasses + forwardPasses).allSatisfy({ (0...largestCount).contains($0) }),
      (0...count).contains(unconfirmed)
    else { return "its counts are none" }
    guard perturbations.isFinite(), radii.allSatisfy({ $0 > 0 }) else {
      return "it holds perturbations or radii that are no numbers"
    }
    let lengths = problem.threat.norm.rowLengths(perturbations.converted(to: Double.self))
    for i in 0..<count {
      guard radii[i].isFinite == (attacks[i] != nil),
        radii[i].isFinite ? Self.agree(lengths[i], radii[i]) : lengths[i] == 0
      else { return "the radius of sample \(rows[i]) is not the size of its perturbation" }
    }
    let found = (0..<count).filter { radii[$0].isFinite }
    let verdicts = WitnessCheck(problem: problem.subset(found)).verdicts(
      perturbations.rows(at: found))
    for (verdict, i) in zip(verdicts, found) {
      guard verdict.perturbation != nil, (verdict.size / radii[i] - 1).magnitude <= 1e-4 else {
        return "the perturbation of sample \(rows[i]) does not fool the network at its radius"
      }
    }
    return nil
  }

  /// Whether a perturbation of some length can have a radius: it may have been made longer by a hundredth, see
  /// ``WitnessCheck``, reach out of the box for that, and is rounded to single precision.
  private static func agree(_ length: Double, _ radius: Double) -> Bool {
    let ratio = length / radius
    return ratio >= 1 - 1e-4 && ratio <= 1.03
  }
}
