import LinearCore
import Networks

extension AttackProblem {
  /// inputs + perturbations, clipped to the box.
  func perturbed(_ perturbations: Matrix<C.Scalar>) -> Matrix<C.Scalar> {
    var points = perturbations
    let (rows, columns, box) = (points.rows, points.columns, threat.box)
    points.withMutablePointer { target in
      inputs.withPointer { inputs in
        switch box {
        case nil: addClipped(rows * columns, inputs, to: target, box: nil)
        case .uniform(let range): addClipped(rows * columns, inputs, to: target, box: range)
        case .perCoordinate:
          addClipped(rows, inputs, to: target, bounds: threat.bounds(columns))
        }
      }
    }
    return points
  }

  /// The margin of every perturbed sample, see ``margins(of:)``; the sample is fooled where it is negative,
  /// or zero for one output.
  func margins(_ perturbations: Matrix<C.Scalar>) -> [C.Scalar] {
    counts.addForward(sampleNumbers)
    if Cancellation.isRequested { return [C.Scalar](repeating: 0, count: count) }
    return margins(of: classifier.logits(perturbed(perturbations)))
  }

  /// The margins and their gradients with respect to the perturbations.
  ///
  /// - Parameter softness: for each sample a difference of logits. The gradient is then that of the
  ///   margin against a mean of the other classes (than the label, or than the target), weighted by e to the
  ///   logit / softness, as cross-entropy has it, which does not settle for the strongest at once.
  func marginsAndGradients(_ perturbations: Matrix<C.Scalar>, softness: [C.Scalar]? = nil) -> (
    margins: [C.Scalar], gradients: Matrix<C.Scalar>
  ) {
    counts.addGradients(sampleNumbers)
    if Cancellation.isRequested {
      let (rows, columns) = (perturbations.rows, perturbations.columns)
      return ([C.Scalar](repeating: 0, count: rows), Matrix(rows: rows, columns: columns))
    }
    let result = classifier.logitsAndInputGradient(perturbed(perturbations)) { logits, rows in
      var cotangent = Matrix<C.Scalar>(rows: logits.rows, columns: logits.columns)
      for i in 0..<logits.rows {
        let label = (targets ?? labels)[rows.lowerBound + i]
        // Towards a target the other classes are what stands in the way.
        let sign: C.Scalar = targets == nil ? 1 : -1
        if logits.columns == 1 {
          cotangent[i, 0] = label == 1 ? 1 : -1
        } else {
          let strongest = strongestOther(logits, i, label)
          let scale = softness?[rows.lowerBound + i] ?? 0
          cotangent[i, strongest] = -sign
          if scale > 0 && scale.isFinite {
            var sum: C.Scalar = 0
            for c in 0..<logits.columns where c != label {
              let share = C.Scalar.exponential((logits[i, c] - logits[i, strongest]) / scale)
              cotangent[i, c] = -sign * share
              sum += share
            }
            for c in 0..<logits.columns { cotangent[i, c] /= sum }
          }
          cotangent[i, label] = sign
        }
      }
      return cotangent
    }
    return (margins(of: result.logits), result.gradient)
  }

  /// Which samples the perturbations fool: the predicted class is not the label, or it is the target.
  func isFooled(_ perturbations: Matrix<C.Scalar>) -> [Bool] {
    counts.addForward(sampleNumbers)
    if Cancellation.isRequested { return [Bool](repeating: false, count: count) }
    return fools(classifier.predictions(perturbed(perturbations)))
  }

  /// Projects every row on its ball and the box.
  func project(_ perturbations: inout Matrix<C.Scalar>, radii: [C.Scalar]) {
    let (count, dimension) = (perturbations.rows, perturbations.columns)
    let bounds = threat.box == nil ? nil : threat.bounds(dimension)
    perturbations.withMutablePointer { base in
      inputs.withPointer { inputs in
        nonisolated(unsafe) let base = base
        nonisolated(unsafe) let inputs = inputs
        Parallel.forEachBlock(of: count, size: 64) { _, range in
          for i in range {
            let row = UnsafeMutableBufferPointer(start: base + i * dimension, count: dimension)
            if let bounds {
              threat.norm.project(
                row, radius: radii[i], around: inputs + i * dimension, bounds: bounds)
            } else if radii[i].isFinite {
              threat.norm.project(row, radius: radii[i])
            }
          }
        }
      }
    }
  }

  /// The size of every perturbation as it acts, that is after clipping to the box.
  func sizes(_ perturbations: Matrix<C.Scalar>) -> [C.Scalar] {
    var effective = perturbations
    if threat.box != nil {
      effective = perturbed(perturbations)
      effective.subtract(inputs)
    }
    return threat.norm.rowLengths(effective)
  }
}

@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func addClipped<Scalar: LinearScalar>(
  _ count: Int, _ x: UnsafePointer<Scalar>, to y: UnsafeMutablePointer<Scalar>,
  box: ClosedRange<Scalar>?
) {
  guard let box else {
    for i in 0..<count { y[i] += x[i] }
    return
  }
  for i in 0..<count { y[i] = min(max(x[i] + y[i], box.lowerBound), box.upperBound) }
}

@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func addClipped<Scalar: LinearScalar>(
  _ rows: Int, _ x: UnsafePointer<Scalar>, to y: UnsafeMutablePointer<Scalar>,
  bounds: BoxBounds<Scalar>
) {
  let (count, lower, upper) = (bounds.dimension, bounds.lower, bounds.upper)
  for i in 0..<rows {
    let (x, y) = (x + i * count, y + i * count)
    for j in 0..<count { y[j] = min(max(x[j] + y[j], lower[j]), upper[j]) }
  }
}
