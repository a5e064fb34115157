import Formats
import Foundation
import LinearCore
import Networks
import Testing

@testable import Graphs

/// Random graphs of all operators and versions, against onnxruntime and against differences.
/// `Fixtures/make_graphs.py` makes them; `POLYRELU_GRAPHS=FILE` takes another archive of it.
@Suite struct RandomGraphTests {
  static let examples =
    try! Example.all(
      ProcessInfo.processInfo.environment["POLYRELU_GRAPHS"] ?? fixture("graphs.npz"))

  @Test func logitsAreThoseOfOnnxruntime() throws {
    #expect(Self.examples.count >= 100)
    var largest = 0.0
    for example in Self.examples {
      let network = GraphNetwork<Float>(try example.plan())
      let error = relativeError(
        network.logits(example.inputs.converted()).converted(), example.logits)
      #expect(error < 1e-5, "graph \(example.name)")
      largest = max(largest, error)
      let reference = relativeError(network.referenceLogits(example.inputs), example.logits)
      #expect(reference < 1e-5, "graph \(example.name) in double precision")
    }
    print("largest relative error of logits: \(largest)")
  }

  @Test func gradientsAreThoseOfDifferences() throws {
    var largest = 0.0
    for example in Self.examples {
      let error = gradientError(GraphNetwork<Double>(try example.plan()), example.inputs)
      #expect(error < 1e-6, "graph \(example.name)")
      largest = max(largest, error)
    }
    print("largest relative error of slopes: \(largest)")
  }

  /// A pass of attacks gives the same numbers as the call for whole batches, and in single precision those
  /// of double precision, but where rounding takes a sample across a corner or cancels digits.
  @Test func gradientsOfPassesAreThoseOfBatches() throws {
    var far = 0
    for example in Self.examples {
      let plan = try example.plan()
      let network = GraphNetwork<Float>(plan)
      let weights = Matrix<Float>.gaussian(
        rows: example.inputs.rows, columns: plan.outputCount, stream: RandomStream(seed: 3))
      let inputs: Matrix<Float> = example.inputs.converted()
      let expected = network.logitsAndInputGradient(inputs) { weights.rows(in: $1) }.gradient
      var gradient = Matrix<Float>(rows: inputs.rows, columns: inputs.columns)
      gradient.withMutablePointer { target in
        inputs.withPointer {
          network.inputGradientPass(capacity: 4).run(
            count: inputs.rows, inputs: $0, gradient: target
          ) { logits in
            for index in weights.elements.indices { logits[index] = weights.elements[index] }
          }
        }
      }
      #expect(gradient == expected, "graph \(example.name)")
      let exact = GraphNetwork<Double>(plan).logitsAndInputGradient(inputs.converted()) {
        weights.rows(in: $1).converted()
      }.gradient
      if relativeError(gradient.converted(), exact) > 1e-4 { far += 1 }
    }
    #expect(far <= Self.examples.count / 20)
  }

  @Test func everyOperatorOccurs() throws {
    var found: Set<String> = []
    for example in Self.examples {
      let model = try ONNXModel(bytes: example.file, path: example.name)
      found.formUnion(model.nodes.map(\.operation))
      #expect(ONNXGraphFile.versions.contains(model.operatorSets[""] ?? 0))
    }
    // Others have tests of their own, or differ from these by a name.
    let others: Set<String> = [
      "Erf", "Gelu", "GroupNormalization", "CastLike", "Size", "ConstantOfShape", "Range", "Not",
      "Where", "Mod", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or",
      "GlobalMaxPool", "GlobalAveragePool", "Log", "Split", "Mean", "ReduceL2",
    ]
    #expect(Set(ONNXGraphFile.operators.keys).subtracting(found).subtracting(others).isEmpty)
  }

  @Test func probabilitiesBehindLogitsAreLeftOut() throws {
    var count = 0
    for example in Self.examples {
      let model = try ONNXModel(bytes: example.file, path: example.name)
      let last = model.nodes.last { $0.output == model.outputs[0].name }?.operation ?? ""
      guard ["Softmax", "LogSoftmax", "Sigmoid"].contains(last) else { continue }
      let plan = try example.plan()
      #expect(
        plan.notes == ["the final \(last) is left out: the logits before it tell the classes"])
      count += 1
    }
    #expect(count > 5)
  }

  @Test func resultsDoNotDependOnThreadsOrBlocks() throws {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    for example in Self.examples.prefix(10) {
      let network = GraphNetwork<Float>(try example.plan())
      let inputs = Matrix<Float>.gaussian(
        rows: 100, columns: network.inputDimension, stream: RandomStream(seed: 4))
      func all(_ threads: Int) -> (Matrix<Float>, Matrix<Float>) {
        Parallel.threadCount = threads
        return network.logitsAndInputGradient(inputs) { logits, _ in logits }
      }
      let (one, two) = (all(1), all(2))
      #expect(one.0 == two.0 && one.1 == two.1)
    }
  }
}
