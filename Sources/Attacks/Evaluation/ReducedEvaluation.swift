import LinearCore
import Networks

/// An evaluation that attacks a network reduced to few dimensions, such as by `ReducedNetwork`, and reports what
/// fools the network itself.
///
/// Data and references are projected, attacked in few dimensions, and the perturbations found are lifted
/// back, which keeps their Euclidean norm. Every one is evaluated anew on the original: it counts only if
/// it fools that one, if need be a little further along its ray. Samples for which the two networks
/// disagree by more than that are attacked on the original. So every radius has a witness, as without
/// reduction; what the reduction may have missed is bounded by ``ReductionSummary``.
///
/// The checks run in the reduced space: distances there are at most the true ones, so an attack is held
/// to a stricter standard.
package struct ReducedEvaluation<Reduction: ClassifierReduction> {
  /// What was reduced, and how exactly.
  package let reduction: Reduction
  private let network: Reduction.Original
  /// With the references of the original.
  private let original: RobustnessEvaluation<Reduction.Original>
  /// With projected references.
  private let evaluation: RobustnessEvaluation<Reduction.Reduced>

  /// The reduced form of an evaluation.
  ///
  /// - Throws: ``AttackError`` saying why there is none: another norm than l2 or a box, which the rotation
  ///   to few dimensions does not keep, references of another dimension, or what
  ///   `ClassifierReduction.reduction` says.
  package init(
    _ evaluation: RobustnessEvaluation<Reduction.Original>, of network: Reduction.Original,
    tolerance: Double = Reduction.defaultTolerance
  ) throws(AttackError) {
    guard evaluation.threat.norm == .l2, evaluation.threat.box == nil else {
      throw AttackError("only l2 perturbations without a box can be found in a reduced space")
    }
    guard evaluation.references.points.columns == network.inputDimension else {
      throw AttackError("references of another dimension than the network's")
    }
    do throws(NetworkError) {
      reduction = try Reduction.reduction(of: network, tolerance: tolerance)
    } catch { throw AttackError(error.description) }
    self.network = network
    original = evaluation
    var reduced = RobustnessEvaluation<Reduction.Reduced>(
      threat: evaluation.threat, attacks: evaluation.attacks.map(Self.thorough),
      references: AttackReferences(projecting: evaluation.references, by: reduction),
      epsilons: evaluation.epsilons, stream: evaluation.stream)
    reduced.batchSize = evaluation.batchSize
    reduced.unit = evaluation.unit
    self.evaluation = reduced
  }

  /// In few dimensions there is time for every way out.
  private static func thorough(_ attack: any Attack) -> any Attack {
    guard var attack = attack as? StructuralAttack else { return attack }
    attack.alternatives = 6
    return attack
  }

  /// Attacks every sample.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension of the original).
  ///   - labels: the class of each row.
  ///   - targets: the class that each row is to be predicted as; nil where any but the label will do.
  ///   - isChecked: whether ``ReliabilityChecks`` look at the result.
  ///   - store: keeps finished chunks.
  ///   - progress: called before each attack on a chunk.
  /// - Throws: ``AttackError`` naming what does not fit.
  package func run(
    inputs: Matrix<Float>, labels: [Int], targets: [Int]? = nil, isChecked: Bool = true,
    store: (any EvaluationStore<Float>)? = nil,
    progress: (EvaluationProgress) -> Void = { _ in }
  ) throws(AttackError) -> RobustnessResult<Float> {
    guard inputs.columns == network.inputDimension else {
      // Says what does not fit.
      return try original.run(
        network, inputs: inputs, labels: labels, targets: targets, progress: progress)
    }
    let projected = reduction.project(inputs)
    var found = try evaluation.run(
      reduction.network, inputs: projected, labels: labels, targets: targets, store: store,
      progress: progress)
    if isChecked {
      found = try ReliabilityChecks(evaluation).check(
        found, reduction.network, inputs: projected, labels: labels)
    }
    var result = found
    result.perturbations = reduction.lift(found.perturbations)
    result.reduction = reduction.summary
    let open = settle(&result, inputs: inputs)
    result.radiusUncertainty = uncertainty(result, inputs: inputs)
    if open.isEmpty { return result }
    let goals = AttackGoals(labels: labels, targets: targets).rows(at: open)
    let again = try original.run(
      network, inputs: inputs.rows(at: open), labels: goals.labels, targets: goals.targets)
    for (row, i) in open.enumerated() {
      result.samples[i].radius = again.samples[row].radius
      result.samples[i].attack = again.samples[row].attack
      result.samples[i].status = again.samples[row].status
      result.perturbations.copyRow(i, from: again.perturbations, row: row)
    }
    return result
  }

  /// The largest uncertainty of a radius.
  private func uncertainty(_ result: RobustnessResult<Float>, inputs: Matrix<Float>) -> Double {
    let attacked = result.samples.indices.filter { result.samples[$0].status == .attacked }
    var points = inputs.rows(at: attacked)
    let moves = result.perturbations.rows(at: attacked)
    points.elements = zip(points.elements, moves.elements).map(+)
    // Towards a target it is the target's lead whose slope tells.
    let labels = attacked.map { result.samples[$0].target ?? result.samples[$0].label }
    return reduction.radiusUncertainty(at: points, labels: labels).max() ?? 0
  }

  /// Replaces predictions and radii by those of the original network.
  ///
  /// - Returns: samples that stand on the original as they are and whose witness does not fool it.
  private func settle(_ result: inout RobustnessResult<Float>, inputs: Matrix<Float>) -> [Int] {
    let predicted = network.referenceClasses(inputs)
    var open: [Int] = []
    for (i, sample) in result.samples.enumerated() {
      if predicted[i] == sample.predicted && sample.status != .attacked { continue }
      var settled = SampleRobustness(
        index: sample.index, label: sample.label, target: sample.target, predicted: predicted[i])
      settled.gradientPasses = sample.gradientPasses
      settled.forwardPasses = sample.forwardPasses
      if settled.status == .survived {
        open.append(i)
        (settled.radius, settled.attack) = (sample.radius, sample.attack)
        settled.status = sample.status
      } else {
        result.perturbations.setRow(i, [Float](repeating: 0, count: inputs.columns))
      }
      result.samples[i] = settled
    }
    let goals = AttackGoals(
      labels: result.samples.map(\.label),
      targets: result.isTargeted ? result.samples.compactMap(\.target) : nil
    ).rows(at: open)
    let part = AttackProblem(
      classifier: network, inputs: inputs.rows(at: open),
      labels: goals.labels, targets: goals.targets, threat: original.threat,
      references: original.references)
    let verdicts = WitnessCheck(problem: part).verdicts(result.perturbations.rows(at: open))
    for (verdict, i) in zip(verdicts, open) {
      guard let perturbation = verdict.perturbation else { continue }
      result.perturbations.setRow(i, perturbation)
      result.samples[i].radius = verdict.size
    }
    open = zip(open, verdicts).filter { $0.1.perturbation == nil }.map(\.0)
    return open
  }
}

extension AttackReferences where Scalar == Float {
  /// The references as a reduced network sees them.
  fileprivate init(
    projecting references: AttackReferences, by reduction: some ClassifierReduction
  ) {
    self.init(
      dimension: reduction.network.inputDimension, points: reduction.project(references.points),
      pointLabels: references.pointLabels,
      directions: reduction.project(directions: references.directions),
      directionLabels: references.directionLabels,
      samples: reduction.project(references.samples), sampleLabels: references.sampleLabels)
  }
}
