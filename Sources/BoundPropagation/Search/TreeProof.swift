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

    /// Whether the part, or all that it was cut into, is proved.
    var isProved = false

    init(_ stage: DeepCertificate.Stage) { self.stage = stage }

    /// The cuts of another part, nothing of which is proved.
    init(open part: Part) {
      (stage, split, below, above) = (part.stage, part.split, part.below, part.above)
    }

    /// The nodes of a certificate, in preorder.
    var nodes: [DeepCertificate.Node] {
      [DeepCertificate.Node(stages: [stage], split: split)] + (below?.nodes ?? [])
        + (above?.nodes ?? [])
    }

    var count: Int { 1 + (below?.count ?? 0) + (above?.count ?? 0) }
  }

  /// Parts looked at so far.
  final class Count {
    var parts = 0
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

  /// The tree of the part of some half-spaces, as far as there is time.
  ///
  /// - Parameters:
  ///   - known: bounds on a part that holds this one.
  ///   - old: the part in an earlier tree, whose cuts are made again.
  func prove(
    halfSpaces: [HalfSpace] = [], known: RegionBounds?, old: Part? = nil,
    start: [DeepCertificate.Choice] = [], depth: Int = 0
  ) -> Part {
    guard Date() < deadline, count.parts < limit, depth < Self.largestDepth else {
      // What an earlier tree has found out about cuts is kept.
      return old.map { Part(open: $0) } ?? Part(DeepCertificate.Stage(radius: nil, choices: start))
    }
    count.parts += 1
    let outcome = parts.evaluate(
      region, halfSpaces: halfSpaces, known: known,
      iterations: old?.split == nil ? iterations : min(iterations, 1),
      start: old?.stage.choices ?? start)
    let part = Part(outcome.stage)
    part.isProved = isProved(outcome.margins)
    guard !part.isProved, let bounds = outcome.bounds else {
      part.isProved = true
      return part
    }
    if let visit {
      visit(halfSpaces, bounds, worst(outcome.margins))
      part.isProved = isProved(outcome.margins)
      if part.isProved { return part }
    }
    guard let split = old?.split ?? self.split(outcome, bounds, halfSpaces) else { return part }
    part.split = split
    func half(_ isAbove: Bool, _ old: Part?) -> Part {
      prove(
        halfSpaces: halfSpaces + [
          HalfSpace(
            node: split.node, neuron: split.neuron, isAbove: isAbove, threshold: split.threshold)
        ], known: bounds, old: old, start: outcome.stage.choices, depth: depth + 1)
    }
    let (below, above) = (half(false, old?.below), half(true, old?.above))
    (part.below, part.above) = (below, above)
    part.isProved = below.isProved && above.isProved
    return part
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
