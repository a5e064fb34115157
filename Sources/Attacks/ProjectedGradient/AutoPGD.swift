import LinearCore
import Networks

/// Auto-PGD of Croce and Hein, *Reliable evaluation of adversarial robustness with an ensemble of
/// diverse parameter-free attacks*, ICML 2020; for l1 its variant of *Mind the box: l1-APGD for sparse
/// adversarial attacks on image classifiers*, ICML 2021.
///
/// Projected gradient ascent on a loss with momentum 0.75, from a random point of each ball. The first
/// step is 2 epsilon; at checkpoints the step is halved, and the search goes on from the best point, where
/// too few steps improved the loss. For l1 the steps are sparse, as sparse as the best point suggests, and
/// the search runs through balls of three, two and one times the radius.
///
/// - Warning: For p >= 3 this attack alone overestimates robustness on clustered data: the gradient
///   towards other subclasses vanishes. Use it together with ``StructuralAttack``.
public struct AutoPGD: Attack {
  /// "apgd-" and the name of the loss.
  public var name: String { "apgd-\(loss.name)" }
  /// No: it searches the ball it is given.
  public var isMinimumNorm: Bool { false }

  /// What is made large.
  public var loss: any AttackLoss
  /// Gradient steps of each run.
  public var steps: Int
  /// Runs from different random points; each attacks the samples that none before has fooled.
  public var restarts: Int
  /// Whether a sample is left alone as soon as it is fooled, which is all that robust accuracy asks
  /// for. Otherwise all steps are taken, and the fooling point of largest loss is returned.
  public var dropsFooledSamples = true
  /// l1 in a box: whether a coordinate that could only leave the box gives its place in a sparse step to
  /// the next. Not in the paper, and off by default; without it a run gets stuck where the coordinates of
  /// largest gradient have met their bounds. On the networks of the paper's authors (p = 1, MNIST) it
  /// lowers robust accuracy by 0.01.
  public var skipsCoordinatesOnBounds = false

  /// An attack with the paper's effort unless said otherwise.
  package init(
    loss: any AttackLoss = CrossEntropyAttackLoss(), steps: Int = 100, restarts: Int = 1
  ) {
    precondition(steps >= 1 && restarts >= 1, "an attack takes at least one step")
    self.loss = loss
    self.steps = steps
    self.restarts = restarts
  }

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    return attack
  }

  /// Throws where the loss needs more classes.
  public func validate(classCount: Int) throws(AttackError) {
    if classCount < loss.minimumClassCount {
      throw AttackError(
        "the attack '\(name)' needs at least \(loss.minimumClassCount) classes, the model has "
          + "\(classCount)")
    }
  }

  /// A perturbation of each sample that fools it, or else the one of largest loss in the last run.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    perturbations(problem, radii: radii, targets: targets(problem), stream: stream)
  }

  /// The same for given classes to aim at, one a sample; the labels for a loss that aims at none.
  @specialized(where C == PReLUNetwork<Float>)
  func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], targets: [Int], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    precondition(radii.allSatisfy(\.isFinite), "APGD needs a ball to search")
    let aimed: any AttackLoss = problem.targets == nil ? loss : AimedAttackLoss(loss)
    let dimension = problem.inputs.columns
    var result = Matrix<C.Scalar>(rows: problem.count, columns: dimension)
    var fooled = [Bool](repeating: false, count: problem.count)
    var passes = [Int](repeating: 0, count: problem.count)
    let blockSize = problem.classifier.passBlockSize
    for restart in 0..<restarts {
      let open = fooled.indices.filter { !fooled[$0] }
      let stream = stream.child("restart", restart)
      result.withMutablePointer { result in
        problem.inputs.withPointer { inputs in
          withMutablePointers(&fooled, &passes) { fooled, passes in
            nonisolated(unsafe) let (result, inputs) = (result, inputs)
            nonisolated(unsafe) let (fooled, passes) = (fooled, passes)
            Parallel.forEachBlock(of: open.count, size: blockSize) { _, range in
              let samples = open[range].map { i in
                AutoPGDSample(
                  input: inputs + i * dimension, label: problem.labels[i], target: targets[i],
                  radius: radii[i], stream: stream.child("sample", problem.sampleNumbers[i]),
                  perturbation: result + i * dimension, isFooled: fooled + i,
                  passes: passes + i)
              }
              let run = AutoPGDRun(
                threat: problem.threat, loss: aimed, steps: steps,
                dropsFooledSamples: dropsFooledSamples,
                skipsCoordinatesOnBounds: skipsCoordinatesOnBounds, dimension: dimension,
                outputs: problem.classifier.outputCount,
                reachesTargets: problem.targets != nil)
              run.run(samples, problem.classifier.inputGradientPass(capacity: samples.count))
            }
          }
        }
      }
    }
    problem.countGradients(passes)
    return result
  }

  /// The class each sample is to be moved to; its label where neither problem nor loss aims at one.
  private func targets<C: Classifier>(_ problem: AttackProblem<C>) -> [Int] {
    if let targets = problem.targets { return targets }
    guard let rank = loss.targetRank, problem.classifier.outputCount > 1 else {
      return problem.labels
    }
    return problem.otherClasses().map { $0[min(rank, $0.count) - 1] }
  }

  /// After how many steps the step size is checked: ceil(p_j N) with p_1 = 0.22 and
  /// p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06).
  public static func checkpoints(steps: Int) -> [Int] {
    // In percent of N, exactly.
    var (before, share) = (0, 22)
    var result: [Int] = []
    while share <= 100 {
      let checkpoint = (share * steps + 99) / 100
      if checkpoint > result.last ?? 0 { result.append(checkpoint) }
      (before, share) = (share, share + max(share - before - 3, 6))
    }
    return result
  }
}

private func withMutablePointers<A, B>(
  _ a: inout [A], _ b: inout [B],
  _ body: (UnsafeMutablePointer<A>, UnsafeMutablePointer<B>) -> Void
) {
  a.withUnsafeMutableBufferPointer { a in
    b.withUnsafeMutableBufferPointer { b in body(a.baseAddress!, b.baseAddress!) }
  }
}
