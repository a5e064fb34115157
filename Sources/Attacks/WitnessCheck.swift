import LinearCore
import Networks

/// Evaluates adversarial perturbations by a code path of its own before they count: the point in double
/// precision, ``Classifier/referenceLogits(_:)``, the size in double precision.
///
/// On the decision boundary single and double precision may disagree. A perturbation that does not fool
/// in double precision is made longer, by 1e-6 to 1e-2 of its size, until it does in both.
struct WitnessCheck<C: Classifier> {
  let problem: AttackProblem<C>

  /// What became of a perturbation.
  struct Verdict {
    /// By how much it was made longer; nil where it does not fool.
    let factor: C.Scalar?
    /// Its size in double precision.
    let size: Double
  }

  private static var factors: [C.Scalar] { [1, 1 + 1e-6, 1 + 1e-5, 1 + 1e-4, 1 + 1e-3, 1 + 1e-2] }

  /// Checks one perturbation a sample, (n, inputDimension).
  func verdicts(_ perturbations: Matrix<C.Scalar>) -> [Verdict] {
    var result = [Verdict](
      repeating: Verdict(factor: nil, size: .infinity), count: problem.count)
    var open = Array(result.indices)
    for factor in Self.factors where !open.isEmpty {
      let part = problem.subset(open)
      var scaled = perturbations.rows(at: open)
      for row in 0..<open.count { scaled.scaleRow(row, by: factor) }
      let points = part.exactPoints(scaled)
      let classes = predictedClasses(part.classifier.referenceLogits(points.points))
      let fooled = part.isFooled(scaled)
      for (row, i) in open.enumerated() where fooled[row] && classes[row] != part.labels[row] {
        result[i] = Verdict(
          factor: factor, size: problem.threat.norm.exactLength(points.changes.row(row)))
      }
      open.removeAll { result[$0].factor != nil }
    }
    return result
  }
}

extension AttackProblem {
  /// Perturbed samples in double precision, and what the perturbations are after the box.
  fileprivate func exactPoints(_ perturbations: Matrix<C.Scalar>)
    -> (points: Matrix<Double>, changes: Matrix<Double>)
  {
    var points = Matrix<Double>(rows: count, columns: inputs.columns)
    var changes = points
    for j in points.elements.indices {
      let input = Double(inputs.elements[j])
      var point = input + Double(perturbations.elements[j])
      if let box = threat.box {
        point = min(max(point, Double(box.lowerBound)), Double(box.upperBound))
      }
      points.elements[j] = point
      changes.elements[j] = point - input
    }
    return (points, changes)
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
