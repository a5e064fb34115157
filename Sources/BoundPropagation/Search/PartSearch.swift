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
  private static let iterations = (ball: 8, part: 3)
  private static let candidates = 3

  func run() -> Result {
    let linear = LinearRadius(parts: parts, region: region, deadline: deadline)
    var found = linear.run(start: linear.start(), maximum: maximum)
    if budget.nodes > 1, found.radius > 0 {
      found = linear.run(
        start: 1.06 * found.radius, maximum: maximum, tolerance: 5e-3,
        iterations: Self.iterations.ball, earlier: found)
    }
    var result = Result(
      radius: found.radius,
      nodes: [DeepCertificate.Node(stages: found.stages, split: nil)], count: 1)
    if budget.nodes > 1, found.radius > 0, found.radius < maximum {
      cut(&result, found)
    }
    return result
  }

  /// Proves larger and larger balls by their parts. The tree of one ball is where the next begins.
  private func cut(_ result: inout Result, _ linear: LinearRadius.Result) {
    var growth = 1.08
    var tree: TreeProof.Part?
    var seconds = 0.0
    while Date() < deadline, result.count < budget.nodes {
      let radius = min(maximum, growth * result.radius)
      let start = Date()
      // The smallest ball beyond this one whose bounds are known.
      let beyond = linear.beyond.filter { $0.stage.radius! >= radius }
      let proof = TreeProof(
        parts: parts, region: region.with(radius: radius),
        isProved: { $0.allSatisfy { $0 > 0 } }, deadline: deadline,
        iterations: Self.iterations.part, candidates: Self.candidates,
        limit: budget.nodes - result.count)
      let found = proof.prove(
        known: beyond.last?.bounds, old: tree, start: linear.stages.last?.choices ?? [])
      result.count += proof.count.parts
      guard let found else { break }
      tree = found
      var nodes = found.nodes
      nodes[0].stages = beyond.map(\.stage) + nodes[0].stages
      (result.radius, result.nodes) = (radius, nodes)
      if radius >= maximum { break }
      seconds = Date().timeIntervalSince(start)
      // A tree grows several times from one ball to the next.
      let left = deadline.timeIntervalSinceNow
      growth = left > 8 * seconds ? min(growth * 1.02, 1.1) : left > 3 * seconds ? 1.04 : 1.015
    }
  }
}
