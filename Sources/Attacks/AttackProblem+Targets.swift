import LinearCore
import Networks

extension AttackProblem {
  /// For each sample the other classes, the one with the largest logit at the unperturbed sample first
  /// (of equal ones the first). Counts one forward pass.
  func otherClasses() -> [[Int]] {
    if classifier.outputCount == 1 { return labels.map { [1 - $0] } }
    counts.addForward(sampleNumbers)
    let logits = classifier.logits(inputs)
    return labels.enumerated().map { i, label in
      let row = logits.row(i)
      return row.indices.filter { $0 != label }.sorted { (-row[$0], $0) < (-row[$1], $1) }
    }
  }

  /// How far each sample's target class leads over its label, and the gradient with respect to the
  /// perturbation; with one output -y f.
  func leadsAndGradients(_ perturbations: Matrix<C.Scalar>, targets: [Int]) -> (
    leads: [C.Scalar], gradients: Matrix<C.Scalar>
  ) {
    counts.addGradients(sampleNumbers)
    let result = classifier.logitsAndInputGradient(perturbed(perturbations)) { logits, rows in
      var cotangent = Matrix<C.Scalar>(rows: logits.rows, columns: logits.columns)
      for i in 0..<logits.rows {
        let label = labels[rows.lowerBound + i]
        if logits.columns == 1 {
          cotangent[i, 0] = label == 1 ? -1 : 1
        } else {
          cotangent[i, targets[rows.lowerBound + i]] = 1
          cotangent[i, label] = -1
        }
      }
      return cotangent
    }
    let logits = result.logits
    let leads = labels.indices.map { i in
      if logits.columns == 1 { return labels[i] == 1 ? -logits[i, 0] : logits[i, 0] }
      return logits[i, targets[i]] - logits[i, labels[i]]
    }
    return (leads, result.gradient)
  }
}
