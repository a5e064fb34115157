import LinearCore
import Networks

/// Targeted Auto-PGD, the second attack of AutoAttack: Croce and Hein, *Reliable evaluation of
/// adversarial robustness with an ensemble of diverse parameter-free attacks*, ICML 2020.
///
/// ``AutoPGD`` on the targeted difference of logits ratio, once for each of the classes with the largest
/// logits after the label's; each target only on samples that no target before has fooled. That loss needs
/// four classes: with fewer the attack uses ``TargetedMarginAttackLoss``.
///
/// With ``targetsAfterScreening`` a short run for every target comes first, and only those targets that it brought
/// nearest get a run of all steps. That is not in the paper; it leaves out most of the work that is spent
/// on classes out of reach.
///
/// Where the samples have targets of their own, each is the only one, and the loss is that of
/// ``AimedAttackLoss``.
///
/// - Warning: Like all gradient attacks it overestimates robustness for p >= 3 on clustered data; see
///   ``AutoPGD``.
public struct TargetedAutoPGD: Attack {
  /// "apgd-t", the name in catalogue and results.
  public var name: String { "apgd-t" }
  /// No: it searches the ball it is given.
  public var isMinimumNorm: Bool { false }

  /// Gradient steps of each run.
  public var steps: Int
  /// Runs for each target.
  public var restarts: Int
  /// At most this many classes are aimed at.
  public var targets: Int
  /// For l1 in a box; see ``AutoPGD/skipsCoordinatesOnBounds``.
  public var skipsCoordinatesOnBounds = false
  /// How many targets of each sample get all steps; nil for all targets, without short runs.
  public var targetsAfterScreening: Int?
  /// Steps of the short runs.
  public var screeningSteps = 10

  /// An attack with the paper's effort unless said otherwise.
  public init(steps: Int = 100, restarts: Int = 1, targets: Int = 9) {
    precondition(steps >= 1 && restarts >= 1 && targets >= 1, "an attack takes at least one step")
    self.steps = steps
    self.restarts = restarts
    self.targets = targets
  }

  /// A perturbation of each sample that fools it, or else the one of largest loss for the first target.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let ranks = Array(0..<min(targets, problem.otherClassCount))
    var search = TargetSearch(self, problem, radii: radii)
    guard let targetsAfterScreening, targetsAfterScreening < ranks.count else {
      for rank in ranks {
        search.run({ _ in rank }, steps: steps, stream.child("target", rank))
      }
      return search.result
    }
    for rank in ranks {
      search.run({ _ in rank }, steps: screeningSteps, stream.child("scout", rank))
    }
    let order = search.ranksByLead
    for place in 0..<targetsAfterScreening {
      search.run({ order[$0][place] }, steps: steps, stream.child("finalist", place))
    }
    return search.result
  }

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    attack.screeningSteps *= 2
    return attack
  }
}

/// The runs of ``TargetedAutoPGD``, each on the samples that none before has fooled.
private struct TargetSearch<C: Classifier> {
  private let attack: TargetedAutoPGD
  private let problem: AttackProblem<C>
  private let radii: [C.Scalar]
  private let others: [[Int]]
  /// What fools each sample, or else what the first run came to.
  private(set) var result: Matrix<C.Scalar>
  private var open: [Int]
  private var isFirst = true
  /// For each sample the ranks run while it was open, with how far the class then led over the label.
  private var leads: [[(rank: Int, lead: C.Scalar)]]

  init(_ attack: TargetedAutoPGD, _ problem: AttackProblem<C>, radii: [C.Scalar]) {
    self.attack = attack
    self.problem = problem
    self.radii = radii
    others = problem.otherClasses()
    result = Matrix(rows: problem.count, columns: problem.inputs.columns)
    open = Array(0..<problem.count)
    leads = [[(rank: Int, lead: C.Scalar)]](repeating: [], count: problem.count)
  }

  /// For each sample the ranks that were run, the one of largest lead first.
  var ranksByLead: [[Int]] {
    leads.map { $0.sorted { (-$0.lead, $0.rank) < (-$1.lead, $1.rank) }.map(\.rank) }
  }

  /// A run of each open sample on the other class of some rank.
  mutating func run(_ rank: (_ sample: Int) -> Int, steps: Int, _ stream: RandomStream) {
    if open.isEmpty { return }
    let ranks = open.map(rank)
    let targets = zip(open, ranks).map { others[$0][$1] }
    let part = open.count == problem.count ? problem : problem.subset(open)
    let found = attack.run(part.classifier.classCount, steps: steps).perturbations(
      part, radii: open.map { radii[$0] }, targets: targets, stream: stream)
    part.counts.addForward(part.sampleNumbers)
    let logits = part.classifier.logits(part.perturbed(found))
    var remaining: [Int] = []
    for (row, isFooled) in part.fools(predictedClasses(logits)).enumerated() {
      let (i, label) = (open[row], part.labels[row])
      if isFooled || isFirst { result.copyRow(i, from: found, row: row) }
      if isFooled { continue }
      remaining.append(i)
      if logits.columns > 1 {
        leads[i].append((ranks[row], logits[row, targets[row]] - logits[row, label]))
      }
    }
    isFirst = false
    open = remaining
  }
}

extension TargetedAutoPGD {
  /// One run on a target a sample. Which target is said to the run itself.
  fileprivate func run(_ classCount: Int, steps: Int) -> AutoPGD {
    let loss: any AttackLoss =
      classCount >= 4
      ? TargetedDLRAttackLoss(targetRank: 1) : TargetedMarginAttackLoss(targetRank: 1)
    var run = AutoPGD(loss: loss, steps: steps, restarts: restarts)
    run.skipsCoordinatesOnBounds = skipsCoordinatesOnBounds
    return run
  }
}
