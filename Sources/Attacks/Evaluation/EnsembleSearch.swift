import LinearCore
import Networks

/// The search for the smallest adversarial perturbation of each sample of a chunk, attack by attack.
///
/// Every attack knows what those before it have found:
/// - attacks of minimum norm look at all samples, or, once an attack on balls has had its turn, at those
///   that still stand at some listed radius;
/// - the first attack on balls looks a little inside the radius of every sample, or at the largest listed
///   radius below it where that is larger. Where it succeeds the point is drawn to the boundary along its
///   ray and the attack comes again, until it fails;
/// - later ones look at the largest listed radius below that of each sample, likewise.
///
/// A sample is thus attacked at the one listed radius that decides its place on the curve, and nowhere
/// in vain: what fails there would fail at every smaller one. Where the first attack is one on balls, nothing is asked
/// but which samples stand at the listed radii: attacks on balls try each of these in increasing order, and attacks
/// of minimum norm look at what stands at the smallest.
///
/// Where the first attack is one of minimum norm and there is one on balls, or a target, the smallest perturbation of every sample is refined at
/// the end, so that it lies at the bottom of its valley whichever attack found it.
struct EnsembleSearch<C: Classifier> {
  let problem: AttackProblem<C>
  /// Listed radii in increasing order, without 0.
  let epsilons: [C.Scalar]
  let stream: RandomStream

  private(set) var radii: [C.Scalar]
  private(set) var names: [String?]
  private(set) var perturbations: Matrix<C.Scalar>

  /// How far inside a known radius an attack on balls looks for a smaller one.
  private static var tightening: C.Scalar { 0.95 }
  /// How often it comes again to one sample; each time it has found something at least as much closer.
  private static var rounds: Int { 12 }
  /// Refinement steps at the end; most samples need a few.
  private static var polishingSteps: Int { 60 }
  private static var cornerSteps: Int { 20 }
  /// How often, and how far from the smallest perturbation, relative to its size, a lower point is looked
  /// for in the end.
  private static var probes: Int { 4 }
  private static var probeSize: C.Scalar { 0.02 }

  init(_ problem: AttackProblem<C>, epsilons: [Double], stream: RandomStream) {
    self.problem = problem
    self.epsilons = epsilons.filter { $0 > 0 }.sorted().map { C.Scalar($0) }
    self.stream = stream
    radii = [C.Scalar](repeating: .infinity, count: problem.count)
    names = [String?](repeating: nil, count: problem.count)
    perturbations = Matrix(rows: problem.count, columns: problem.inputs.columns)
  }

  /// Runs the attacks in their order.
  mutating func run(_ attacks: [any Attack], willRun: (Int) -> Void) {
    let findsRadii = attacks.first?.isMinimumNorm == true
    var searchedBalls = false
    for (number, attack) in attacks.enumerated() {
      if Cancellation.isRequested { return }
      willRun(number)
      let stream = stream.child(attack.name)
      if attack.isMinimumNorm {
        minimize(attack, onlyStanding: searchedBalls, stream)
      } else {
        if findsRadii {
          tighten(attack, everywhere: !searchedBalls, stream)
        } else {
          searchListed(attack, stream)
        }
        searchedBalls = true
      }
    }
    guard findsRadii && (searchedBalls || problem.targets != nil) else { return }
    if problem.targets != nil { reach(for: attacks.first(where: \.isMinimumNorm)) }
    let open = radii.indices.filter { radii[$0].isFinite && radii[$0] > 0 }
    if open.isEmpty { return }
    polish(open)
    // In a box the smallest perturbation is where the box says; elsewhere there are valleys side by side,
    // and which one was found may hang on a rounding.
    if problem.threat.box == nil {
      for number in 0..<Self.probes where !Cancellation.isRequested {
        probe(open, stream.child("probe", number))
      }
    }
  }

  /// Looks for the region of the target where no attack has found it.
  private mutating func reach(for attack: (any Attack)?) {
    let rows = radii.indices.filter { !radii[$0].isFinite }
    if rows.isEmpty { return }
    let part = problem.subset(rows)
    keep(
      CornerRefinement(problem: part, steps: Self.cornerSteps).reach(), of: rows, from: attack,
      part)
  }

  /// Looks from the boundary beside the smallest perturbation of each sample for a lower point.
  private mutating func probe(_ rows: [Int], _ stream: RandomStream) {
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    var starts = perturbations.rows(at: rows)
    let noise = part.gaussianRows(stream)
    let sizes = part.sizes(starts)
    let noiseSizes = part.sizes(noise)
    for row in 0..<starts.rows where noiseSizes[row] > 0 {
      let share = Self.probeSize * sizes[row] / noiseSizes[row]
      starts.setRow(
        row, zip(starts.row(row), noise.row(row)).map { (1 + Self.probeSize) * $0 + share * $1 })
    }
    keep(starts, of: rows, from: nil, part)
    let (refined, closer) = refined(BoundarySearch(problem: part).shrink(starts), part)
    keep(refined, of: rows, from: nil, part)
    if let closer { keep(closer, of: rows, from: nil, part) }
  }

  /// Refines the smallest perturbation of each sample; the attack that found it keeps the name.
  private mutating func polish(_ rows: [Int]) {
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    let (refined, closer) = refined(perturbations.rows(at: rows), part)
    keep(refined, of: rows, from: nil, part)
    if let closer { keep(closer, of: rows, from: nil, part) }
  }

  /// Perturbations moved down along the boundary, and where corners are known of, down into these.
  private func refined(_ start: Matrix<C.Scalar>, _ part: AttackProblem<C>)
    -> (Matrix<C.Scalar>, Matrix<C.Scalar>?)
  {
    let refined = BoundaryRefinement(problem: part, steps: Self.polishingSteps).refine(start)
    // The region of a target is bounded by all other classes: its nearest point is often a corner.
    let hasCorners = problem.targets != nil
    if !hasCorners && (problem.threat.norm != .l2 || problem.threat.box != nil) {
      return (refined, nil)
    }
    return (
      refined, CornerRefinement(problem: part, steps: Self.cornerSteps).refine(refined)
    )
  }

  private mutating func minimize(_ attack: any Attack, onlyStanding: Bool, _ stream: RandomStream) {
    let limit = onlyStanding ? epsilons.first ?? 0 : 0
    let rows = radii.indices.filter { radii[$0] > limit }
    if rows.isEmpty { return }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    let found = attack.perturbations(part, radii: rows.map { radii[$0] }, stream: stream)
    keep(found, of: rows, from: attack, part)
  }

  private mutating func searchListed(_ attack: any Attack, _ stream: RandomStream) {
    for (number, epsilon) in epsilons.enumerated() {
      let rows = radii.indices.filter { radii[$0] > epsilon }
      search(attack, rows, rows.map { _ in epsilon }, stream.child("epsilon", number))
    }
  }

  private mutating func tighten(_ attack: any Attack, everywhere: Bool, _ stream: RandomStream) {
    var rows = radii.indices.filter { radii[$0] > 0 }
    for round in 0..<Self.rounds where !rows.isEmpty {
      var trials: [C.Scalar] = []
      rows = rows.filter { i in
        let listed = epsilons.last { $0 < radii[i] }
        let inside = everywhere && radii[i].isFinite ? Self.tightening * radii[i] : nil
        guard let trial = [listed, inside].compactMap({ $0 }).max() else { return false }
        trials.append(trial)
        return true
      }
      let before = radii
      search(attack, rows, trials, stream.child("round", round))
      rows.removeAll { radii[$0] >= before[$0] }
    }
  }

  private mutating func search(
    _ attack: any Attack, _ rows: [Int], _ trials: [C.Scalar], _ stream: RandomStream
  ) {
    if rows.isEmpty || Cancellation.isRequested { return }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    var found = attack.perturbations(part, radii: trials, stream: stream)
    part.project(&found, radii: trials)
    // What fools inside the ball may fool closer by.
    let fooled = keep(found, of: rows, from: attack, part)
    let successful = rows.indices.filter { fooled[$0] }
    if successful.isEmpty { return }
    let closer = BoundarySearch(problem: part.subset(successful))
      .shrink(found.rows(at: successful))
    keep(
      closer, of: successful.map { rows[$0] }, from: attack, part.subset(successful))
  }

  /// Evaluates proposed perturbations anew and keeps those that fool and are smaller than what is known.
  /// - Returns: which of them fool.
  @discardableResult
  private mutating func keep(
    _ proposed: Matrix<C.Scalar>, of rows: [Int], from attack: (any Attack)?,
    _ part: AttackProblem<C>
  ) -> [Bool] {
    precondition(
      proposed.rows == rows.count && proposed.columns == part.inputs.columns,
      "\(attack?.name ?? "refinement") returned perturbations of another shape")
    var candidates = proposed
    if problem.threat.box != nil {
      part.project(&candidates, radii: rows.map { _ in .infinity })
    }
    var fooled = part.isFooled(candidates)
    let sizes = part.sizes(candidates)
    if problem.threat.box != nil, attack?.isMinimumNorm ?? true {
      // What is just enough to fool may not be so a rounding inside the box: then it stays as it was found, and is
      // clipped wherever it is used.
      let lost = rows.indices.filter { !fooled[$0] && sizes[$0] > 0 }
      let again = lost.isEmpty ? [] : part.subset(lost).isFooled(proposed.rows(at: lost))
      for (row, isFooled) in zip(lost, again) where isFooled {
        candidates.copyRow(row, from: proposed, row: row)
        fooled[row] = true
      }
    }
    for (row, i) in rows.enumerated()
    where fooled[row] && sizes[row].isFinite && sizes[row] < radii[i] {
      radii[i] = sizes[row]
      if let attack { names[i] = attack.name }
      perturbations.copyRow(i, from: candidates, row: row)
    }
    return fooled
  }
}
