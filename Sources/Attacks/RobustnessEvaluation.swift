import LinearCore
import Networks

/// The one public entry to all attacks: validates, runs, projects, evaluates anew, and keeps for every
/// sample the smallest perturbation that fools the classifier.
///
/// The result is a radius for every sample, with its witness; a whole robustness curve is one sort of
/// them. Reported robust accuracy is therefore the per-sample worst case over all attacks, and falls with
/// the radius by construction. What each attack looks at is said at ``EnsembleSearch``; every witness is
/// evaluated once more by another code path, in double precision, before it counts (``WitnessCheck``).
public struct RobustnessEvaluation<C: Classifier>: Sendable {
  /// What the adversary may do.
  public var threat: ThreatModel<C.Scalar>
  /// The attacks, in the order they run.
  public var attacks: [any Attack]
  /// Where other classes are to be found.
  public var references: AttackReferences<C.Scalar>
  /// Radii for attacks that search a given ball.
  public var epsilons: [Double]
  /// The root of all random choices.
  public var stream: RandomStream

  /// What radii in words are multiplied by: the unit of length of the samples.
  public var unit = 1.0

  /// Samples attacked together; results do not depend on it but by rounding.
  public var batchSize = 1000

  /// An evaluation; what does not fit classifier or samples is found when it runs.
  public init(
    threat: ThreatModel<C.Scalar>, attacks: [any Attack], references: AttackReferences<C.Scalar>,
    epsilons: [Double], stream: RandomStream
  ) {
    self.threat = threat
    self.attacks = attacks
    self.references = references
    self.epsilons = epsilons
    self.stream = stream
  }

  /// Attacks every sample.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension).
  ///   - labels: the class of each row.
  ///   - targets: the class that each row is to be predicted as; nil where any but the label will do. Rows
  ///     whose label is the target are not attacked.
  ///   - store: keeps finished chunks of ``batchSize`` samples; those it has are not attacked again.
  ///   - progress: called before each attack on a chunk.
  /// - Throws: ``AttackError`` naming what does not fit.
  @specialized(where C == PReLUNetwork<Float>)
  package func run(
    _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int], targets: [Int]? = nil,
    store: (any EvaluationStore<C.Scalar>)? = nil,
    progress: (EvaluationProgress) -> Void = { _ in }
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    try validate(classifier, inputs: inputs, labels: labels, targets: targets)
    let predicted = classifier.referenceClasses(inputs)
    var result = RobustnessResult(
      norm: threat.norm,
      samples: labels.indices.map {
        SampleRobustness(
          index: $0, label: labels[$0], target: targets?[$0], predicted: predicted[$0])
      }, perturbations: Matrix<C.Scalar>(rows: inputs.rows, columns: inputs.columns))
    var standing = labels.indices.filter { result.samples[$0].status == .survived }
    let goals = AttackGoals(labels: labels, targets: targets)
    let doubtful = rowsForDoublePrecision(
      classifier, inputs: inputs, goals: goals, standing: standing)
    if let result = try runInDoublePrecision(
      classifier, inputs: inputs, goals: goals, predicted: predicted, doubtful: doubtful,
      store: store, progress: progress)
    {
      return result
    }
    if !doubtful.isEmpty {
      let others = Set(doubtful)
      standing.removeAll(where: others.contains)
    }
    let counts = PassCounts(samples: labels.count)
    for (number, start) in stride(from: 0, to: standing.count, by: batchSize).enumerated() {
      let rows = Array(standing[start..<min(standing.count, start + batchSize)])
      let part = goals.rows(at: rows)
      let problem = AttackProblem(
        classifier: classifier, inputs: inputs.rows(at: rows), labels: part.labels,
        targets: part.targets, threat: threat, references: references, sampleNumbers: rows,
        counts: counts)
      if let known = store?.chunk(number) {
        // Not the problem itself, whose passes are counted.
        let trial = AttackProblem(
          classifier: classifier, inputs: problem.inputs, labels: part.labels,
          targets: part.targets, threat: threat, references: references, sampleNumbers: rows)
        guard let objection = known.objection(for: trial) else {
          result.take(known)
          continue
        }
        store?.reject(number, reason: objection)
      }
      let chunk = attack(problem) { attack in
        let done = Double(start) + Double(rows.count * attack) / Double(attacks.count)
        progress(
          EvaluationProgress(
            samples: start, attack: attacks[attack].name, fraction: done / Double(standing.count)))
      }
      try Cancellation.check(AttackError.cancelled)
      store?.keep(chunk, number: number)
      result.take(chunk)
    }
    try attackInDoublePrecision(doubtful, &result, classifier, inputs: inputs, goals: goals)
    return result
  }

  private func attack(_ problem: AttackProblem<C>, willRun: (Int) -> Void)
    -> EvaluationChunk<C.Scalar>
  {
    var search = EnsembleSearch(problem, epsilons: epsilons, stream: stream)
    search.run(attacks, willRun: willRun)
    let passes = problem.counts
    var chunk = EvaluationChunk(
      rows: problem.sampleNumbers, radii: search.radii.map { Double($0) }, attacks: search.names,
      perturbations: search.perturbations,
      gradientPasses: problem.sampleNumbers.map { passes.gradientPasses[$0] },
      forwardPasses: problem.sampleNumbers.map { passes.forwardPasses[$0] }, unconfirmed: 0)
    let found = chunk.radii.indices.filter { chunk.radii[$0].isFinite }
    let verdicts = WitnessCheck(problem: problem.subset(found))
      .verdicts(chunk.perturbations.rows(at: found))
    for (verdict, i) in zip(verdicts, found) {
      if let perturbation = verdict.perturbation {
        chunk.perturbations.setRow(i, perturbation)
      } else {
        chunk.perturbations.scaleRow(i, by: 0)
        chunk.attacks[i] = nil
        chunk.unconfirmed += 1
      }
      chunk.radii[i] = verdict.size
    }
    return chunk
  }

  private func validate(
    _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int], targets: [Int]?
  ) throws(AttackError) {
    guard !attacks.isEmpty else { throw AttackError("no attack to run") }
    for attack in attacks { try attack.validate(classCount: classifier.classCount) }
    if let attack = attacks.first(where: { !$0.norms.contains(threat.norm) }) {
      let names = attack.norms.map(\.rawValue).joined(separator: ", ")
      throw AttackError(
        "\(SettingName("attack")) \(attack.name) measures \(names) only, expected \(SettingName("norm")) \(names)"
      )
    }
    guard inputs.rows == labels.count, !labels.isEmpty else {
      throw AttackError("\(inputs.rows) samples with \(labels.count) labels")
    }
    guard inputs.columns == classifier.inputDimension else {
      throw AttackError(
        "samples have \(inputs.columns) coordinates, the model takes \(classifier.inputDimension)")
    }
    guard inputs.isFinite() else { throw AttackError("a sample holds NaN or infinity") }
    if let label = labels.first(where: { $0 < 0 || $0 >= classifier.classCount }) {
      throw AttackError("label \(label), the model knows classes 0 to \(classifier.classCount - 1)")
    }
    if let targets, targets.count != labels.count {
      throw AttackError("\(labels.count) samples with \(targets.count) targets")
    }
    if let target = targets?.first(where: { $0 < 0 || $0 >= classifier.classCount }) {
      throw AttackError(
        "target \(target), the model knows classes 0 to \(classifier.classCount - 1)")
    }
    if let epsilon = epsilons.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw AttackError(
        "\(SettingName("epsilon")) is \(epsilon), expected finite numbers of at least 0")
    }
    guard let box = threat.box else { return }
    if let dimension = box.dimension, dimension != inputs.columns {
      throw AttackError("the box has \(dimension) coordinates, samples have \(inputs.columns)")
    }
    if box.firstOutside(inputs) != nil {
      throw AttackError("a sample lies outside the box \(box) that the attack must stay in")
    }
  }
}
