import LinearCore
import Networks

/// Loss, gradient and success of all samples at their present points.
struct AutoPGDEvaluation<Scalar: LinearScalar> {
  private let outputs: Int
  private let reachesTargets: Bool
  private(set) var values: [Scalar]
  private(set) var isFooled: [Bool]
  private var labels: [Int]
  private var targets: [Int]

  /// - Parameter reachesTargets: whether a point fools only where it is predicted as its target.
  init(capacity: Int, outputs: Int, reachesTargets: Bool) {
    self.outputs = outputs
    self.reachesTargets = reachesTargets
    values = [Scalar](repeating: 0, count: capacity)
    isFooled = [Bool](repeating: false, count: capacity)
    labels = [Int](repeating: 0, count: capacity)
    targets = labels
  }

  @inline(__always)
  mutating func run(
    _ states: [AutoPGDState<Scalar>], _ iterates: AutoPGDIterates<Scalar>, _ loss: any AttackLoss,
    _ pass: any InputGradientPass<Scalar>
  ) {
    if states.isEmpty { return }
    for (i, state) in states.enumerated() {
      labels[i] = state.sample.label
      targets[i] = state.sample.target
      state.sample.passes.pointee += 1
    }
    pass.run(count: states.count, inputs: iterates.point, gradient: iterates.gradient) { logits in
      for i in states.indices {
        let row = logits + i * outputs
        isFooled[i] =
          reachesTargets
          ? !isMisclassified(row, outputs, label: targets[i])
          : isMisclassified(row, outputs, label: labels[i])
      }
      labels.withUnsafeBufferPointer { labels in
        targets.withUnsafeBufferPointer { targets in
          values.withUnsafeMutableBufferPointer { values in
            loss.evaluate(
              LogitBatch(
                count: states.count, outputs: outputs, logits: logits,
                labels: labels.baseAddress!, targets: targets.baseAddress!,
                values: values.baseAddress!))
          }
        }
      }
    }
  }
}
