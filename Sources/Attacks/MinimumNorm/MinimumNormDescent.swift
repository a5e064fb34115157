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
struct MinimumNormDescent<C: Classifier> {
  let problem: AttackProblem<C>
  let steps: Int
  let stream: RandomStream

  /// What an attack is told of one sample at one step.
  struct Iteration {
    let step: Int
    /// The dual norm of the margin's gradient.
    let dualLength: C.Scalar
  }

  /// The smallest perturbations that fooled, zeros where none has.
  ///
  /// - Parameters:
  ///   - length: the length of a step in units of the first.
  ///   - resize: sets the radius from what happened at the present point.
  ///   - shrink: brings `count` numbers, a perturbation, to a radius; the box follows.
  @specialized(where C == PReLUNetwork<Float>)
  func run(
    length: (_ step: Int) -> C.Scalar,
    resize: (inout MinimumNormState<C.Scalar>, Iteration) -> Void,
    shrink: (Int, UnsafeMutablePointer<C.Scalar>, _ radius: C.Scalar) -> Void
  ) -> Matrix<C.Scalar> {
    var delta = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var best = delta
    var samples = [MinimumNormState<C.Scalar>](repeating: MinimumNormState(), count: problem.count)
    let count = delta.columns
    let bounds = problem.threat.box == nil ? nil : problem.threat.bounds(count)
    // Where the sample's own margin is 10, the softness is that of cross-entropy.
    let softness = problem.margins(delta).map { $0.magnitude * 0.1 }
    for step in 0..<steps {
      let (margins, gradients) = problem.marginsAndGradients(delta, softness: softness)
      let stepLength = length(step)
      let steps = stream.child("step", step)
      withoutActuallyEscaping(resize) { resize in
        withoutActuallyEscaping(shrink) { shrink in
          nonisolated(unsafe) let (resize, shrink) = (resize, shrink)
          withRows(&delta, &best, gradients, &samples) { rows in
            nonisolated(unsafe) let rows = rows
            Parallel.forEachBlock(of: problem.count, size: 16) { _, range in
              let scratch = UnsafeMutablePointer<C.Scalar>.allocate(capacity: count)
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
                let lengths = row.direct(&flat)
                if step == 0 { row.begin(&rows.samples[i], lengths.euclidean) }
                resize(&rows.samples[i], Iteration(step: step, dualLength: lengths.dual))
                row.move(by: stepLength * rows.samples[i].unit)
                shrink(count, row.delta, rows.samples[i].radius)
                row.clip()
              }
            }
          }
        }
      }
    }
    return best
  }

  private struct Rows {
    let inputs: UnsafePointer<C.Scalar>
    let delta: UnsafeMutablePointer<C.Scalar>
    let best: UnsafeMutablePointer<C.Scalar>
    let gradients: UnsafePointer<C.Scalar>
    let samples: UnsafeMutablePointer<MinimumNormState<C.Scalar>>
  }

  private func withRows(
    _ delta: inout Matrix<C.Scalar>, _ best: inout Matrix<C.Scalar>, _ gradients: Matrix<C.Scalar>,
    _ samples: inout [MinimumNormState<C.Scalar>], _ body: (Rows) -> Void
  ) {
    problem.inputs.withPointer { inputs in
      delta.withMutablePointer { delta in
        best.withMutablePointer { best in
          gradients.withPointer { gradients in
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

/// The loops over the coordinates of one sample.
private struct DescentRow<Scalar: LinearScalar> {
  let norm: Norm
  let box: BoxBounds<Scalar>?
  let count: Int
  let input: UnsafePointer<Scalar>
  let delta: UnsafeMutablePointer<Scalar>
  let gradient: UnsafePointer<Scalar>
  /// The direction of the gradient; `count` numbers.
  let scratch: UnsafeMutablePointer<Scalar>

  /// Writes the gradient's direction, or a random one where it is 0, to scratch. The Euclidean and the
  /// dual length of the gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func direct(_ stream: inout RandomStream) -> (euclidean: Scalar, dual: Scalar) {
    var length = Scalar.euclideanNorm(count, gradient)
    let isFlat = !(length > 0 && length.isFinite)
    if isFlat {
      stream.fillGaussian(UnsafeMutableBufferPointer(start: scratch, count: count))
      length = Scalar.euclideanNorm(count, scratch)
      for j in 0..<count { scratch[j] /= length }
      return (0, 0)
    }
    for j in 0..<count { scratch[j] = gradient[j] / length }
    flushTiny(count, scratch)
    return (length, norm == .l2 ? length : norm.dual.length(count, gradient))
  }

  /// Sets unit and reach of a sample from its margin and gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func begin(_ sample: inout MinimumNormState<Scalar>, _ length: Scalar) {
    sample.unit = sample.margin.magnitude / length
    var corner = Scalar.infinity
    if let box {
      let room = UnsafeMutablePointer<Scalar>.allocate(capacity: count)
      defer { room.deallocate() }
      let (lower, upper) = (box.lower, box.upper)
      for j in 0..<count { room[j] = max(input[j] - lower[j], upper[j] - input[j]) }
      // A coordinate without a bound leaves no limit; sums of infinities may be NaN.
      let isBounded = (0..<count).allSatisfy { room[$0].isFinite }
      sample.reach = isBounded ? norm.length(count, room) : .infinity
      corner = isBounded ? Scalar.euclideanNorm(count, room) : .infinity
    }
    if !(length > 0 && sample.unit.isFinite) {
      // A flat start says nothing: a tenth of the sample's length, which is 1 if there is nothing else.
      let size = Scalar.euclideanNorm(count, input)
      sample.unit = (size > 0 ? size : corner.isFinite ? corner : 10) / 10
    }
    sample.unit = min(max(sample.unit, .leastNormalMagnitude), corner)
  }

  /// delta <- delta - length * direction.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func move(by length: Scalar) {
    for j in 0..<count { delta[j] = delta[j] - length * scratch[j] }
  }

  /// Clips input + delta to the box; denormal numbers become 0.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func clip() {
    Scalar.flushDenormals(count, delta)
    guard let box else { return }
    let (lower, upper) = (box.lower, box.upper)
    for j in 0..<count {
      delta[j] = min(max(delta[j], lower[j] - input[j]), upper[j] - input[j])
    }
  }
}
