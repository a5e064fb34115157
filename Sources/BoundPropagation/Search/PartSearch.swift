import Certification
import Foundation
import LinearCore

/// The search for one sample: the ball, and the parts that it is cut into.
struct PartSearch {
  let evaluator: RegionEvaluator
  let reference: ReferencePoint
  let region: InputRegion
  let margins: MarginRows
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

  func run() -> Result {
    let linear = LinearRadius(
      evaluator: evaluator, reference: reference, region: region, margins: margins)
    let found = linear.run(start: linear.start(), maximum: maximum)
    return Result(
      radius: found.radius,
      nodes: [DeepCertificate.Node(stages: found.stages, split: nil)], count: 1)
  }
}
