import DeepNetworks
import Formats
import LinearCore
import Networks

/// A classifier that is a graph of operations, such as an ONNX file describes.
///
/// One output means two classes: class 1 is predicted where it is positive. Several outputs are logits.
package struct GraphNetwork<Scalar: LinearScalar>: Sendable {
  /// The steps.
  package let plan: GraphPlan
  /// The constants of every step.
  private let constants: [[Matrix<Scalar>]]

  /// A network of the steps of a plan, whose constants are finite.
  package init(_ plan: GraphPlan) {
    self.plan = plan
    constants = plan.steps.map { $0.constants.map(Self.matrix) }
  }

  private static func matrix(_ tensor: Tensor) -> Matrix<Scalar> {
    // No copy where the numbers are of this type already; the cast from any value looks at the type of the array,
    // not at every number.
    let elements =
      switch tensor.elements {
      case .float32(let values): (values as Any) as? [Scalar] ?? values.map { Scalar($0) }
      case .float64(let values): (values as Any) as? [Scalar] ?? values.map { Scalar($0) }
      case .int64(let values): values.map { Scalar($0) }
      }
    return Matrix(rows: 1, columns: elements.count, elements: elements)
  }

  /// The same network with another scalar type.
  package func converted<Other: LinearScalar>(to _: Other.Type = Other.self) -> GraphNetwork<Other>
  {
    GraphNetwork<Other>(plan)
  }
}

extension GraphNetwork: BlockwiseClassifier {
  /// The number of input coordinates.
  package var inputDimension: Int { plan.sizes[0] }
  /// The number of outputs: 1 for two classes, otherwise one logit a class.
  package var outputCount: Int { plan.outputCount }

  /// f of every row: (n, outputCount).
  package func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> { blockwiseLogits(inputs) }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  package func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    blockwiseLogitsAndInputGradient(inputs, cotangent: cotangent)
  }

  /// A pass that goes forward once.
  package func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    tracedInputGradientPass
  }

  /// f of every row, computed in double precision.
  package func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    converted(to: Double.self).logits(inputs)
  }

  /// The same weights in double precision.
  package var inDoublePrecision: (any Classifier<Double>)? { converted(to: Double.self) }

  /// Samples that go through together.
  package var blockDescription: BlockSize {
    BlockSize(
      valuesOfShapes: plan.steps.reduce(plan.sizes[0]) { $0 + plan.sizes[$1.output] },
      valuesOfSample: plan.valuesOfSample, parameterCount: plan.constantCount)
  }

  /// The outputs of a block of samples.
  package func outputs(_ block: Matrix<Scalar>) -> Matrix<Scalar> {
    run(block, keepsWayBack: false).outputs
  }

  /// A block of samples through all steps.
  package func pass(_ block: Matrix<Scalar>) -> LayerPass<Scalar> {
    let (outputs, ways) = run(block, keepsWayBack: true)
    let plan = plan
    return LayerPass(outputs: outputs) { cotangent, request in
      guard request.contains(.inputs) else { return LayerPass.Gradient(inputs: nil) }
      return LayerPass.Gradient(inputs: Self.wayBack(plan, ways, cotangent))
    }
  }

  private func run(_ block: Matrix<Scalar>, keepsWayBack: Bool) -> (
    outputs: Matrix<Scalar>, ways: [GraphPass<Scalar>.Backward]
  ) {
    var values = [Matrix<Scalar>](repeating: .none, count: plan.sizes.count)
    var ways: [GraphPass<Scalar>.Backward] = []
    values[0] = block
    for (number, step) in plan.steps.enumerated() {
      var inputs = step.inputs.map { values[$0] }
      for slot in plan.freed[number] { values[slot] = .none }
      let pass = step.operation.forward(
        &inputs, constants: constants[number], keepsWayBack: keepsWayBack)
      values[step.output] = pass.outputs
      if let backward = pass.backward { ways.append(backward) }
    }
    return (values[plan.output], ways)
  }

  private static func wayBack(
    _ plan: GraphPlan, _ ways: [GraphPass<Scalar>.Backward], _ cotangent: Matrix<Scalar>
  ) -> Matrix<Scalar> {
    var cotangents = [Matrix<Scalar>?](repeating: nil, count: plan.sizes.count)
    cotangents[plan.output] = cotangent
    for (step, way) in zip(plan.steps, ways).reversed() {
      guard var own = cotangents[step.output] else { continue }
      cotangents[step.output] = nil
      for (slot, gradient) in zip(step.inputs, way(&own)) {
        if var sum = cotangents[slot] {
          cotangents[slot] = nil
          ElementwiseKernel.add(gradient, to: &sum)
          cotangents[slot] = sum
        } else {
          cotangents[slot] = gradient
        }
      }
    }
    // A network that does not look at its input has no slope.
    return cotangents[0] ?? Matrix(rows: cotangent.rows, columns: plan.sizes[0])
  }
}

extension GraphNetwork: ImageClassifier {
  /// As the file says them.
  package var imageAxes: ImageAxes? { plan.imageAxes }
}
