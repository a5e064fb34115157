import Foundation
import LinearCore

/// Branch and bound on one region: parts that are not proved are cut by neurons, until all are or time is over.
///
/// It goes down first, so that only the bounds of the parts above are in memory.
struct TreeProof {
  let parts: PartEvaluator
  let region: InputRegion
  /// Whether the least values of the margins on a part are enough.
  let isProved: ([Double]) -> Bool
  let deadline: Date
  /// Steps to better slopes on every part.
  let iterations: Int
  /// Candidates for a cut that are tried.
  let candidates: Int
  /// Parts that may be looked at.
  let limit: Int

  /// A part and what it was cut into.
  final class Part {
    var stage: DeepCertificate.Stage
    var split: DeepCertificate.Split?
    var below: Part?
    var above: Part?

    /// The bounds of the stage, where they are kept for parts below that are still to be proved.
    var bounds: RegionBounds?
    /// Of the largest ball for which the part, or all that it was cut into, is proved; 0 where none is.
    var provedRadius = 0.0

    var isProved: Bool { provedRadius > 0 }

    init(_ stage: DeepCertificate.Stage) { self.stage = stage }

    /// Another part, not proved for the ball that is looked at.
    init(open part: Part) {
      (stage, split, bounds) = (part.stage, part.split, part.bounds)
      (below, above) = (part.below, part.above)
    }

    /// Of the ball that the bounds are about.
    var radius: Double { stage.radius ?? .infinity }

    /// The nodes of a certificate, in preorder.
    var nodes: [DeepCertificate.Node] {
      [DeepCertificate.Node(stages: [stage], split: split)] + (below?.nodes ?? [])
        + (above?.nodes ?? [])
    }

    var count: Int { 1 + (below?.count ?? 0) + (above?.count ?? 0) }
  }

  /// Parts looked at so far, and numbers of bounds that are kept.
  final class Count {
    var parts = 0
    var kept = 0
  }

  let count = Count()
  /// The function that parts are cut for; by default the one with the least value.
  var worst: ([Double]) -> Int = { values in values.indices.min { values[$0] < values[$1] } ?? 0 }
  /// What is missing to a proof, at least 0.
  var shortfall: ([Double]) -> Double = { values in
    let least = values.reduce(Double.infinity) { $1.isNaN ? -.infinity : min($0, $1) }
    return max(0, -least)
  }
  /// Called with every part that is not proved, and the function it is cut for.
  var visit: (([HalfSpace], RegionBounds, _ worst: Int) -> Void)?

  private static let largestDepth = 200
  /// Numbers of bounds that may be kept, in 200 MB.
  private static let largestKept = 1 << 22

  /// The tree of the part of some half-spaces, as far as there is time.
  ///
  /// What an earlier tree has proved for a ball of at least this size is taken over, and the bounds above it.
  ///
  /// - Parameters:
  ///   - known: bounds on a part that holds this one.
  ///   - old: the part in an earlier tree, whose cuts are made again.
  ///   - isSame: whether `known` is what the earlier tree knew.
  func prove(
    halfSpaces: [HalfSpace] = [], known: RegionBounds?, old: Part? = nil, isSame: Bool = true,
    start: [DeepCertificate.Choice] = [], depth: Int = 0
  ) -> Part {
    if isSame, let old, old.provedRadius >= region.radius { return old }
    guard Date() < deadline, count.parts < limit, depth < Self.largestDepth else {
      // What an earlier tree has found out about cuts is kept; its bounds are those of the part above it then.
      guard let old else { return Part(DeepCertificate.Stage(radius: nil, choices: start)) }
      let part = Part(open: old)
      if !isSame { part.bounds = nil }
      return part
    }
    if isSame, let old, let bounds = old.bounds, old.radius >= region.radius {
      let part = Part(open: old)
      proveHalves(of: part, halfSpaces, bounds, old, isSame: true, depth)
      return part
    }
    count.parts += 1
    let outcome = parts.evaluate(
      region, halfSpaces: halfSpaces, known: known,
      iterations: old?.split == nil ? iterations : min(iterations, 1),
      start: old?.stage.choices ?? start)
    let part = Part(outcome.stage)
    guard !isProved(outcome.margins), let bounds = outcome.bounds else {
      part.provedRadius = region.radius
      return part
    }
    if let visit {
      visit(halfSpaces, bounds, worst(outcome.margins))
      if isProved(outcome.margins) {
        part.provedRadius = region.radius
        return part
      }
    }
    guard let split = old?.split ?? self.split(outcome, bounds, halfSpaces) else { return part }
    part.split = split
    let size = parts.evaluator.network.sizes.reduce(0, +)
    if visit == nil, count.kept + size <= Self.largestKept {
      count.kept += size
      part.bounds = bounds
    }
    proveHalves(of: part, halfSpaces, bounds, old, isSame: false, depth)
    return part
  }

  /// Proves what a part is cut into.
  private func proveHalves(
    of part: Part, _ halfSpaces: [HalfSpace], _ bounds: RegionBounds, _ old: Part?, isSame: Bool,
    _ depth: Int
  ) {
    guard let split = part.split else { return }
    func half(_ isAbove: Bool, _ old: Part?) -> Part {
      prove(
        halfSpaces: halfSpaces + [
          HalfSpace(
            node: split.node, neuron: split.neuron, isAbove: isAbove, threshold: split.threshold)
        ], known: bounds, old: old, isSame: isSame, start: part.stage.choices, depth: depth + 1)
    }
    let (below, above) = (half(false, old?.below), half(true, old?.above))
    (part.below, part.above) = (below, above)
    part.provedRadius = min(below.provedRadius, above.provedRadius)
  }

  /// The cut that leaves the larger of the two least margins, among a few.
  private func split(
    _ outcome: PartEvaluator.Outcome, _ bounds: RegionBounds, _ halfSpaces: [HalfSpace]
  ) -> DeepCertificate.Split? {
    let output = parts.evaluator.network.output
    let worst = worst(outcome.margins)
    var parameters = PassParameters()
    if let choice = outcome.stage.choices.first(where: { $0.target == output }) {
      parameters.choices[output] = choice
    }
    var pass = parts.evaluator.pass(to: output, bounds, halfSpaces, parameters, rows: [worst])
    pass.keepsTrace = true
    let row = Matrix([parts.margins.rows.row(worst)])
    let trace = pass.lowerBounds(BackwardPass.Rows(node: output, coefficients: row)).trace!
    let found = SplitChoice(
      bounds: bounds, coefficients: trace.ofPowers.map { $0.map { $0.row(0) } }
    ).candidates(candidates)
    guard found.count > 1 else { return found.first?.split }
    var best: (split: DeepCertificate.Split, value: Double)?
    for candidate in found {
      let split = candidate.split
      let missing = [false, true].map { isAbove in
        let half = HalfSpace(
          node: split.node, neuron: split.neuron, isAbove: isAbove, threshold: split.threshold)
        let values = parts.evaluate(
          region, halfSpaces: halfSpaces + [half], known: bounds, iterations: 0
        ).margins
        return isProved(values) ? 0 : shortfall(values)
      }
      // Both halves count, the worse one more.
      let value = -missing.max()! - 0.3 * missing.min()!
      if best == nil || value > best!.value { best = (split, value) }
    }
    return best?.split
  }
}
