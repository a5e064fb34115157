import LinearCore
import Networks

/// Moves an evaluation to double precision where single precision has no gradient to follow.
///
/// Logits or weights of extreme size make gradients underflow or overflow in single precision: an
/// attack then stands still, and the network looks robust.
extension RobustnessEvaluation {
  /// Samples whose gradients are looked at.
  private static var probes: Int { 200 }

  /// Where single precision fails on some sample and double precision does not: the result of the whole
  /// evaluation in double precision. Otherwise nil.
  func runInDoublePrecision(
    _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int],
    store: (any EvaluationStore<C.Scalar>)?, progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<C.Scalar>? {
    guard C.Scalar.self == Float.self, let double = classifier.inDoublePrecision else { return nil }
    let rows = Array(0..<min(Self.probes, labels.count))
    let probes: Matrix<C.Scalar> = inputs.rows(at: rows)
    let own = labels.prefix(rows.count)
    let single = Self.usableGradients(classifier, probes, Array(own))
    if single.allSatisfy({ $0 }) { return nil }
    return try run(double, probes, Array(own), single, inputs, labels, store, progress)
  }

  private func run<D: Classifier<Double>>(
    _ double: D, _ probes: Matrix<C.Scalar>, _ probeLabels: [Int], _ single: [Bool],
    _ inputs: Matrix<C.Scalar>, _ labels: [Int], _ store: (any EvaluationStore<C.Scalar>)?,
    _ progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<C.Scalar>? {
    let exact = RobustnessEvaluation<D>.usableGradients(double, probes.converted(), probeLabels)
    guard zip(single, exact).contains(where: { !$0 && $1 }) else { return nil }
    var evaluation = RobustnessEvaluation<D>(
      threat: ThreatModel(
        norm: threat.norm,
        box: threat.box.map { Double($0.lowerBound)...Double($0.upperBound) }),
      attacks: attacks, references: references.converted(), epsilons: epsilons, stream: stream)
    evaluation.batchSize = batchSize
    let result = try evaluation.run(
      double, inputs: inputs.converted(), labels: labels,
      store: store.map { DoublePrecisionStore(base: $0) }, progress: progress)
    return RobustnessResult(result)
  }

  /// For every sample whether its margin is finite and its gradient neither tiny nor infinite.
  static func usableGradients(_ classifier: C, _ inputs: Matrix<C.Scalar>, _ labels: [Int])
    -> [Bool]
  {
    let problem = AttackProblem(
      classifier: classifier, inputs: inputs, labels: labels, threat: ThreatModel(norm: .linf),
      references: AttackReferences(dimension: inputs.columns))
    let (margins, gradients) = problem.marginsAndGradients(
      Matrix(rows: inputs.rows, columns: inputs.columns))
    // Squares of smaller numbers are lost.
    let smallest = C.Scalar.leastNormalMagnitude.squareRoot()
    return zip(margins, Norm.linf.rowLengths(gradients)).map { margin, length in
      margin.isFinite && length.isFinite && length > smallest && 1 / length > smallest
    }
  }
}

/// A store for chunks in double precision over one of another precision. Perturbations are rounded to that
/// when they are kept, as they are in the result.
private struct DoublePrecisionStore<Scalar: LinearScalar>: EvaluationStore {
  let base: any EvaluationStore<Scalar>

  func chunk(_ number: Int) -> EvaluationChunk<Double>? { base.chunk(number)?.converted() }

  func keep(_ chunk: EvaluationChunk<Double>, number: Int) {
    base.keep(chunk.converted(), number: number)
  }

  func reject(_ number: Int, reason: String) { base.reject(number, reason: reason) }
}

extension EvaluationChunk {
  fileprivate func converted<Other>() -> EvaluationChunk<Other> {
    EvaluationChunk<Other>(
      rows: rows, radii: radii, attacks: attacks, perturbations: perturbations.converted(),
      gradientPasses: gradientPasses, forwardPasses: forwardPasses, unconfirmed: unconfirmed)
  }
}

extension AttackReferences {
  /// The same references in another precision.
  func converted<Other>() -> AttackReferences<Other> {
    AttackReferences<Other>(
      dimension: points.columns, points: points.converted(), pointLabels: pointLabels,
      directions: directions.converted(), directionLabels: directionLabels,
      samples: samples.converted(), sampleLabels: sampleLabels)
  }
}

extension RobustnessResult {
  /// A result whose perturbations are rounded to another precision.
  init<Other>(_ other: RobustnessResult<Other>) {
    self.init(
      norm: other.norm, samples: other.samples, perturbations: other.perturbations.converted())
    unconfirmed = other.unconfirmed
    usedDoublePrecision = true
  }
}
