import Certification
import Foundation
import LinearCore

/// The search for one sample: linear bounds of the whole ball first, with better slopes then, and at last of parts of
/// larger and larger balls. A budget of one node is for the first only.
struct PartSearch {
  let parts: PartEvaluator
  let region: InputRegion
  /// No larger radius is of interest.
  let maximum: Double
  let budget: SearchBudget
  let deadline: Date

  /// What was proved.
  struct Result {
    var radius: Double
    var nodes: [DeepCertificate.Node]
    /// Parts looked at.
    var count: Int
  }

  /// Steps to better slopes for the whole ball, and for a part of it.
  var iterations = (ball: 8, part: 3)
  /// Cuts of a part that are tried.
  var candidates = 3

  func run() -> Result {
    let linear = LinearRadius(parts: parts, region: region, deadline: deadline)
    var found = linear.run(start: linear.start(), maximum: maximum)
    if budget.nodes > 1, found.radius > 0 {
      found = linear.run(
        start: 1.06 * found.radius, maximum: maximum, tolerance: 5e-3,
        iterations: iterations.ball, earlier: found)
    }
    var result = Result(
      radius: found.radius,
      nodes: [DeepCertificate.Node(stages: found.stages, split: nil)], count: 1)
    if budget.nodes > 1, found.radius > 0, found.radius < maximum {
      cut(&result, found)
    }
    return result
  }

  /// The share of what is left, parts and seconds, that one ball may take; and growth that is worth no ball.
  private static let share = 0.5
  private static let leastGrowth = 1.002

  /// Proves larger and larger balls by their parts. The tree of one ball is where the next begins.
  private func cut(_ result: inout Result, _ linear: LinearRadius.Result) {
    var growth = 1.06
    var tree: TreeProof.Part?
    while Date() < deadline, result.count < budget.nodes, growth >= Self.leastGrowth {
      let radius = min(maximum, growth * result.radius)
      guard radius.isFinite else { break }
      let start = Date()
      let left = min(deadline.timeIntervalSince(start), 1e9)
      // The smallest ball beyond this one whose bounds are known; that of the earlier tree where it goes on.
      let root = tree.flatMap { $0.bounds != nil && $0.radius >= radius ? $0.radius : nil }
      let beyond = linear.beyond.filter { $0.stage.radius! >= root ?? radius }
      let proof = TreeProof(
        parts: parts, region: region.with(radius: radius),
        isProved: { $0.allSatisfy { $0 > 0 } },
        deadline: start.addingTimeInterval(Self.share * left),
        iterations: iterations.part, candidates: candidates,
        limit: max(1, Int(saturating: Self.share * Double(budget.nodes - result.count))))
      let found = proof.prove(
        known: beyond.last?.bounds, old: tree, start: linear.stages.last?.choices ?? [])
      result.count += max(1, proof.count.parts)
      // Cuts of a ball that was too large serve a smaller one.
      tree = found
      guard found.isProved else {
        growth = 1 + (growth - 1) / 2.5
        continue
      }
      var nodes = found.nodes
      nodes[0].stages = beyond.map(\.stage) + nodes[0].stages
      (result.radius, result.nodes) = (radius, nodes)
      if radius >= maximum { break }
      // A tree grows several times from one ball to the next.
      let spent = max(
        Date().timeIntervalSince(start) / left,
        Double(proof.count.parts) / Double(max(1, budget.nodes - result.count)))
      growth =
        spent < 0.02
        ? min(1 + 1.3 * (growth - 1), 1.2) : spent > 0.1 ? 1 + 0.6 * (growth - 1) : growth
    }
  }
}
