import LinearCore
import Networks

/// The state of a descent to the smallest perturbation of one sample.
struct MinimumNormState<Scalar: LinearScalar> {
  /// The radius of the ball that the perturbation lies in.
  var radius: Scalar = .infinity
  /// The first step, Euclidean: how far the sample's own linearisation says the boundary is.
  var unit: Scalar = 0
  /// The largest radius of use: how far the box reaches from the sample.
  var reach: Scalar = .infinity
  /// The size of the smallest perturbation that fooled; infinite if none has.
  var best: Scalar = .infinity
  /// The present margin and size.
  var margin: Scalar = 0
  var size: Scalar = 0
}

/// The frame of descents on the margin whose ball grows and shrinks: evaluates, keeps the smallest
/// perturbation that fools, moves along the gradient, and lets the attack set the radius and project.
///
/// Steps have the Euclidean length that the attack asks for whatever the size of the gradient, so that
/// nothing depends on the scale of the logits. The margin is that against a weighted mean of the other
/// classes: against the strongest alone, descents settle for it too early. Where the gradient is 0 the step is random.
///
/// In a box the gradient of a coordinate that could only leave it counts as 0: steps, distances and balls are
/// spent on coordinates that can still move.
struct MinimumNormDescent<C: Classifier> {
  let problem: AttackProblem<C>
  let steps: Int
  let stream: RandomStream

  /// What an attack is told of one sample at one step.
  struct Iteration {
    let step: Int
    /// The smallest size of a step from the present point to its linearised boundary, inside the box as far as
    /// there is one; infinite, or no number, where the gradient is 0, and infinite once the sample has been fooled.
    let distance: C.Scalar
  }

  /// The most classes that samples are led to in turn.
  private static var targets: Int { 3 }

  /// The smallest perturbations that fooled, zeros where none has.
  ///
  /// In a box the descent may end in a corner where no class can win. Samples that stand are led to the classes of
  /// largest logits in turn.
  ///
  /// - Parameters:
  ///   - length: the length of a step in units of the first.
  ///   - resize: sets the radius from what happened at the present point.
  ///   - shrink: brings the perturbation of a sample to a radius, and inside the box.
  @specialized(where C == PReLUNetwork<Float>)
  func run(
    length: (_ step: Int) -> C.Scalar,
    resize: (inout MinimumNormState<C.Scalar>, Iteration) -> Void,
    shrink: (DescentRow<C.Scalar>, _ radius: C.Scalar) -> Void
  ) -> Matrix<C.Scalar> {
    var (best, isFooled) = descend(length: length, resize: resize, shrink: shrink)
    let others = problem.classifier.classCount - 1
    guard problem.threat.box != nil, problem.targets == nil, others > 1 else { return best }
    var open = isFooled.indices.filter { !isFooled[$0] }
    var goals = open.isEmpty ? [] : problem.subset(open).otherClasses()
    for rank in 0..<min(Self.targets, others) where !open.isEmpty {
      let descent = MinimumNormDescent(
        problem: problem.subset(open).aimed(at: goals.map { $0[rank] }), steps: steps,
        stream: stream.child("target", rank))
      let (found, reached) = descent.descend(length: length, resize: resize, shrink: shrink)
      for (row, i) in open.enumerated() where reached[row] {
        best.copyRow(i, from: found, row: row)
      }
      let left = open.indices.filter { !reached[$0] }
      (open, goals) = (left.map { open[$0] }, left.map { goals[$0] })
    }
    return best
  }

  /// One descent: the smallest perturbations that fooled, zeros where none has, and where one has.
  @specialized(where C == PReLUNetwork<Float>)
  private func descend(
    length: (_ step: Int) -> C.Scalar,
    resize: (inout MinimumNormState<C.Scalar>, Iteration) -> Void,
    shrink: (DescentRow<C.Scalar>, _ radius: C.Scalar) -> Void
  ) -> (perturbations: Matrix<C.Scalar>, isFooled: [Bool]) {
    var delta = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var best = delta
    var samples = [MinimumNormState<C.Scalar>](repeating: MinimumNormState(), count: problem.count)
    let count = delta.columns
    let bounds = problem.threat.box == nil ? nil : problem.threat.bounds(count)
    // Where the sample's own margin is 10, the softness is that of cross-entropy.
    let softness = problem.margins(delta).map { $0.magnitude * 0.1 }
    for step in 0..<steps {
      var (margins, gradients) = problem.marginsAndGradients(delta, softness: softness)
      let stepLength = length(step)
      let steps = stream.child("step", step)
      withoutActuallyEscaping(resize) { resize in
        withoutActuallyEscaping(shrink) { shrink in
          nonisolated(unsafe) let (resize, shrink) = (resize, shrink)
          withRows(&delta, &best, &gradients, &samples) { rows in
            nonisolated(unsafe) let rows = rows
            Parallel.forEachBlock(of: problem.count, size: 16) { _, range in
              let scratch = UnsafeMutablePointer<C.Scalar>.allocate(
                capacity: DescentRow<C.Scalar>.scratchSize(count))
              defer { scratch.deallocate() }
              for i in range {
                let row = Row(
                  norm: problem.threat.norm, box: bounds, count: count,
                  input: rows.inputs + i * count, delta: rows.delta + i * count,
                  gradient: rows.gradients + i * count, scratch: scratch)
                rows.samples[i].margin = margins[i]
                rows.samples[i].size = problem.threat.norm.length(count, row.delta)
                if margins[i] < 0 && rows.samples[i].size < rows.samples[i].best {
                  rows.samples[i].best = rows.samples[i].size
                  (rows.best + i * count).update(from: row.delta, count: count)
                }
                var flat = steps.child("sample", problem.sampleNumbers[i])
                let length = row.direct(&flat)
                if step == 0 { row.begin(&rows.samples[i], length) }
                let isOpen = !rows.samples[i].best.isFinite
                let distance = isOpen ? row.distance(margins[i], length) : .infinity
                resize(&rows.samples[i], Iteration(step: step, distance: distance))
                row.move(by: stepLength * rows.samples[i].unit)
                shrink(row, rows.samples[i].radius)
                row.clip()
              }
            }
          }
        }
      }
    }
    return (best, samples.map { $0.best.isFinite })
  }

  private struct Rows {
    let inputs: UnsafePointer<C.Scalar>
    let delta: UnsafeMutablePointer<C.Scalar>
    let best: UnsafeMutablePointer<C.Scalar>
    let gradients: UnsafeMutablePointer<C.Scalar>
    let samples: UnsafeMutablePointer<MinimumNormState<C.Scalar>>
  }

  private func withRows(
    _ delta: inout Matrix<C.Scalar>, _ best: inout Matrix<C.Scalar>,
    _ gradients: inout Matrix<C.Scalar>, _ samples: inout [MinimumNormState<C.Scalar>],
    _ body: (Rows) -> Void
  ) {
    problem.inputs.withPointer { inputs in
      delta.withMutablePointer { delta in
        best.withMutablePointer { best in
          gradients.withMutablePointer { gradients in
            samples.withUnsafeMutableBufferPointer {
              if let samples = $0.baseAddress {
                body(
                  Rows(
                    inputs: inputs, delta: delta, best: best, gradients: gradients,
                    samples: samples))
              }
            }
          }
        }
      }
    }
  }

  private typealias Row = DescentRow<C.Scalar>
}
