import LinearCore
import Networks

/// Moves an evaluation to double precision where single precision has no gradient to follow.
///
/// Logits or weights of extreme size make gradients underflow or overflow in single precision: an
/// attack then stands still, and the network looks robust.
extension RobustnessEvaluation {
  /// Samples whose gradients are looked at.
  private static var probes: Int { 200 }

  /// Where single precision fails on some sample and double precision does not, or gives many samples
  /// another class: the result of the whole evaluation in double precision. Otherwise nil.
  ///
  /// - Parameters:
  ///   - predicted: the class of every sample in double precision.
  ///   - doubtful: what ``rowsForDoublePrecision(_:inputs:goals:standing:)`` says.
  func runInDoublePrecision(
    _ classifier: C, inputs: Matrix<C.Scalar>, goals: AttackGoals, predicted: [Int],
    doubtful: [Int], store: (any EvaluationStore<C.Scalar>)?,
    progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<C.Scalar>? {
    guard C.Scalar.self == Float.self, let double = classifier.inDoublePrecision else { return nil }
    let others = zip(classifier.predictions(inputs), predicted).count { $0 != $1 }
    if !ReliabilityChecks<C>.isMany(max(others, doubtful.count), of: inputs.rows) {
      let rows = Array(0..<min(Self.probes, inputs.rows))
      let probes: Matrix<C.Scalar> = inputs.rows(at: rows)
      let own = goals.rows(at: rows)
      let single = Self.usableGradients(classifier, probes, own)
      if single.allSatisfy({ $0 }) { return nil }
      let exact = Self.usableGradients(inDouble: double, probes, own)
      if !zip(single, exact).contains(where: { !$0 && $1 }) { return nil }
    }
    return try run(inDouble: double, inputs, goals, store, progress)
  }

  /// The rows, of those that stand as they are, that single precision takes for fooled or has no gradient to
  /// follow at, and double precision does.
  func rowsForDoublePrecision(
    _ classifier: C, inputs: Matrix<C.Scalar>, goals: AttackGoals, standing: [Int]
  ) -> [Int] {
    guard C.Scalar.self == Float.self, let double = classifier.inDoublePrecision else { return [] }
    var rows: Set<Int> = []
    for start in stride(from: 0, to: standing.count, by: 1024) {
      let block = Array(standing[start..<min(standing.count, start + 1024)])
      let probes = inputs.rows(at: block)
      let own = goals.rows(at: block)
      let fooled = Self.problem(classifier, probes, own).fools(classifier.predictions(probes))
      let single = Self.usableGradients(classifier, probes, own)
      for (row, i) in block.enumerated() where fooled[row] { rows.insert(i) }
      let open = block.indices.filter { !single[$0] && !fooled[$0] }
      if open.isEmpty { continue }
      let exact = Self.usableGradients(
        inDouble: double, probes.rows(at: open), own.rows(at: open))
      for (position, row) in open.enumerated() where exact[position] { rows.insert(block[row]) }
    }
    return rows.sorted()
  }

  /// Attacks some samples in double precision and puts what is found into a result.
  func attackInDoublePrecision(
    _ rows: [Int], _ result: inout RobustnessResult<C.Scalar>, _ classifier: C,
    inputs: Matrix<C.Scalar>, goals: AttackGoals
  ) throws(AttackError) {
    guard !rows.isEmpty, let double = classifier.inDoublePrecision else { return }
    let found = try run(
      inDouble: double, inputs.rows(at: rows), goals.rows(at: rows), nil, { _ in })
    result.take(found, rows: rows)
  }

  private func run<D: Classifier<Double>>(
    inDouble double: D, _ inputs: Matrix<C.Scalar>, _ goals: AttackGoals,
    _ store: (any EvaluationStore<C.Scalar>)?, _ progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    let result = try inDoublePrecision(of: double).run(
      double, inputs: inputs.converted(), labels: goals.labels, targets: goals.targets,
      store: store.map { DoublePrecisionStore(base: $0) }, progress: progress)
    return RobustnessResult(result)
  }

  /// The same evaluation in double precision.
  func inDoublePrecision<D: Classifier<Double>>(of _: D) -> RobustnessEvaluation<D> {
    var evaluation = RobustnessEvaluation<D>(
      threat: ThreatModel(norm: threat.norm, within: threat.box?.map { Double($0) }),
      attacks: attacks, references: references.converted(), epsilons: epsilons, stream: stream)
    evaluation.batchSize = batchSize
    evaluation.unit = unit
    return evaluation
  }

  private static func usableGradients<D: Classifier<Double>>(
    inDouble double: D, _ inputs: Matrix<C.Scalar>, _ goals: AttackGoals
  ) -> [Bool] {
    RobustnessEvaluation<D>.usableGradients(double, inputs.converted(), goals)
  }

  /// A problem to look at margins of, without references.
  private static func problem(
    _ classifier: C, _ inputs: Matrix<C.Scalar>, _ goals: AttackGoals
  ) -> AttackProblem<C> {
    AttackProblem(
      classifier: classifier, inputs: inputs, labels: goals.labels, targets: goals.targets,
      threat: ThreatModel(norm: .linf), references: AttackReferences(dimension: inputs.columns))
  }

  /// For every sample whether its margin is finite and its gradient neither tiny nor infinite.
  static func usableGradients(_ classifier: C, _ inputs: Matrix<C.Scalar>, _ goals: AttackGoals)
    -> [Bool]
  {
    let problem = problem(classifier, inputs, goals)
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
