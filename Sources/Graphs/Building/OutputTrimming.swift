/// Leaves out what follows the logits: probabilities saturate where logits still differ, so that attacks
/// on them see no slope.
enum OutputTrimming {
  /// Moves the output before a final softmax, its logarithm, or the sigmoid of a single output.
  static func trim(
    _ steps: [GraphPlan.Step], _ sizes: [Int], _ output: inout Int, _ notes: inout [String]
  ) {
    func maker(of slot: Int) -> GraphPlan.Step? { steps.last { $0.output == slot } }
    guard let last = maker(of: output) else { return }
    if let name = probabilities(last, sizes) {
      output = last.inputs[0]
      notes.append("the final \(name) is left out: the logits before it tell the classes")
    } else if isFunction(.logarithm, last), let before = maker(of: last.inputs[0]),
      let name = probabilities(before, sizes), sizes[output] > 1
    {
      output = before.inputs[0]
      notes.append("the logarithm of the final \(name) is left out: the logits tell the classes")
    }
  }

  /// The name of a step that makes probabilities of logits.
  private static func probabilities(_ step: GraphPlan.Step, _ sizes: [Int]) -> String? {
    if let softmax = step.operation as? Softmax, softmax.count == 1 {
      return softmax.isLogarithmic ? "LogSoftmax" : "Softmax"
    }
    return isFunction(.sigmoid, step) && sizes[step.output] == 1 ? "Sigmoid" : nil
  }

  private static func isFunction(_ function: ElementwiseFunction, _ step: GraphPlan.Step) -> Bool {
    (step.operation as? ElementwiseChain)?.links.map(\.function) == [function]
  }
}
