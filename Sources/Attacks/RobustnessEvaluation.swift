import LinearCore
import Networks

/// The one public entry to all attacks: validates, runs, projects, evaluates anew, and keeps for every
/// sample the smallest perturbation that fools the classifier.
///
/// Minimum-norm attacks run first. Attacks on a given ball then either try the listed radii in
/// increasing order, where no minimum-norm attack is among them, or try to beat the radii found so far.
/// Reported robust accuracy is therefore the per-sample worst case over all attacks.
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

  /// Samples attacked together; fewer for minimum-norm attacks, which keep many lines a sample. Part of
  /// the definition of the result: random starts depend on it.
  private var chunkSize: Int { attacks.contains(where: \.isMinimumNorm) ? 500 : 2000 }
  /// How often attacks on a ball try to beat the radius of a sample.
  private static var tighteningRounds: Int { 3 }

  /// An evaluation.
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
  ///   - progress: called with the number of samples done.
  /// - Throws: ``AttackError`` naming what does not fit.
  @specialized(where C == PReLUNetwork<Float>)
  public func run(
    _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int],
    progress: (_ done: Int) -> Void = { _ in }
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    try validate(classifier, inputs: inputs, labels: labels)
    let predicted = classifier.predictions(inputs)
    var result = RobustnessResult(
      norm: threat.norm,
      samples: labels.indices.map { i in
        let correct = predicted[i] == labels[i]
        return SampleRobustness(
          index: i, label: labels[i], predicted: predicted[i], radius: correct ? .infinity : 0,
          attack: nil, status: correct ? .survived : .misclassified)
      }, perturbations: Matrix<C.Scalar>(rows: inputs.rows, columns: inputs.columns))
    let correct = labels.indices.filter { predicted[$0] == labels[$0] }
    for (chunk, start) in stride(from: 0, to: correct.count, by: chunkSize).enumerated() {
      let rows = Array(correct[start..<min(correct.count, start + chunkSize)])
      let problem = AttackProblem(
        classifier: classifier, inputs: inputs.rows(at: rows), labels: rows.map { labels[$0] },
        threat: threat, references: references)
      let found = attack(problem, stream: stream.child("chunk", chunk))
      for (row, i) in rows.enumerated() where found.radii[row].isFinite {
        result.samples[i].radius = Double(found.radii[row])
        result.samples[i].attack = found.names[row]
        result.samples[i].status = .attacked
        result.perturbations.copyRow(i, from: found.perturbations, row: row)
      }
      progress(start + rows.count)
    }
    return result
  }

  private func validate(_ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int])
    throws(AttackError)
  {
    guard !attacks.isEmpty else { throw AttackError("no attack to run") }
    if let attack = attacks.first(where: { !$0.norms.contains(threat.norm) }) {
      let names = attack.norms.map(\.rawValue).joined(separator: ", ")
      throw AttackError("--attack \(attack.name) measures \(names) only, expected --norm \(names)")
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
    if let epsilon = epsilons.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw AttackError("--epsilon is \(epsilon), expected finite numbers of at least 0")
    }
    if let box = threat.box, inputs.elements.contains(where: { !box.contains($0) }) {
      throw AttackError("a sample lies outside the box \(box) that the attack must stay in")
    }
  }

  // MARK: - One chunk

  private struct Best {
    var radii: [C.Scalar]
    var names: [String?]
    var perturbations: Matrix<C.Scalar>
  }

  private func attack(_ problem: AttackProblem<C>, stream: RandomStream) -> Best {
    var best = Best(
      radii: [C.Scalar](repeating: .infinity, count: problem.count),
      names: [String?](repeating: nil, count: problem.count),
      perturbations: Matrix(rows: problem.count, columns: problem.inputs.columns))
    for attack in attacks where attack.isMinimumNorm {
      let found = attack.perturbations(
        problem, radii: best.radii, stream: stream.child(attack.name))
      keep(found, of: Array(0..<problem.count), from: attack, problem, &best)
    }
    for attack in attacks where !attack.isMinimumNorm {
      let stream = stream.child(attack.name)
      let isFirst = !attacks.contains(where: \.isMinimumNorm)
      for (number, epsilon) in epsilons.sorted().enumerated() where epsilon > 0 {
        let rows = best.radii.indices.filter {
          best.radii[$0] > C.Scalar(epsilon) && (isFirst || best.radii[$0] == .infinity)
        }
        let radii = rows.map { _ in C.Scalar(epsilon) }
        search(attack, rows, radii, stream.child("epsilon", number), problem, &best)
      }
      if !isFirst { tighten(attack, stream, problem, &best) }
    }
    return best
  }

  /// Lets an attack on balls look just inside the radii found so far, again where it succeeds.
  private func tighten(
    _ attack: any Attack, _ stream: RandomStream, _ problem: AttackProblem<C>, _ best: inout Best
  ) {
    var rows = best.radii.indices.filter { best.radii[$0].isFinite && best.radii[$0] > 0 }
    for round in 0..<Self.tighteningRounds where !rows.isEmpty {
      let before = best.radii
      let radii = rows.map { before[$0] * 0.98 }
      search(attack, rows, radii, stream.child("round", round), problem, &best)
      rows.removeAll { best.radii[$0] >= before[$0] }
    }
  }

  private func search(
    _ attack: any Attack, _ rows: [Int], _ radii: [C.Scalar], _ stream: RandomStream,
    _ problem: AttackProblem<C>, _ best: inout Best
  ) {
    if rows.isEmpty { return }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    var found = attack.perturbations(part, radii: radii, stream: stream)
    part.project(&found, radii: radii)
    keep(found, of: rows, from: attack, part, &best)
    // What fools inside the ball may fool closer by.
    keep(BoundarySearch(problem: part).shrink(found), of: rows, from: attack, part, &best)
  }

  /// Evaluates proposed perturbations anew and keeps those that fool and are smaller than what is known.
  private func keep(
    _ proposed: Matrix<C.Scalar>, of rows: [Int], from attack: any Attack,
    _ part: AttackProblem<C>, _ best: inout Best
  ) {
    precondition(
      proposed.rows == rows.count && proposed.columns == part.inputs.columns,
      "\(attack.name) returned perturbations of another shape")
    var candidates = proposed
    if threat.box != nil {
      part.project(&candidates, radii: rows.map { _ in .infinity })
    }
    let fooled = part.isFooled(candidates)
    let sizes = part.sizes(candidates)
    for (row, i) in rows.enumerated()
    where fooled[row] && sizes[row].isFinite && sizes[row] < best.radii[i] {
      best.radii[i] = sizes[row]
      best.names[i] = attack.name
      best.perturbations.copyRow(i, from: candidates, row: row)
    }
  }
}
