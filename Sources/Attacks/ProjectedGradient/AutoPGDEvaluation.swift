import LinearCore
import Networks

/// Loss, gradient and success of all samples at their present points.
struct AutoPGDEvaluation<Scalar: LinearScalar> {
  private let outputs: Int
  private(set) var values: [Scalar]
  private(set) var isFooled: [Bool]
  private var labels: [Int]
  private var targets: [Int]

  init(capacity: Int, outputs: Int) {
    self.outputs = outputs
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
        isFooled[i] = isMisclassified(logits + i * outputs, outputs, label: labels[i])
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
