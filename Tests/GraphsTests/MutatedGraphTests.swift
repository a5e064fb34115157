import Formats
import Foundation
import LinearCore
import Networks
import TestSupport
import Testing

@testable import Graphs

/// Damaged ONNX files are refused, or are networks that can be evaluated. A few hundred;
/// `POLYRELU_MUTATIONS=10000` asks for more.
@Suite struct MutatedGraphTests {
  @Test func damagedFilesAreRefusedOrEvaluated() throws {
    let count =
      ProcessInfo.processInfo.environment["POLYRELU_MUTATIONS"].flatMap { Int($0) } ?? 300
    let examples = RandomGraphTests.examples
    var random = SplitMix64(state: 18)
    var (refused, evaluated) = (0, 0)
    for number in 0..<count {
      let bytes = mutated(examples[number % examples.count].file, &random)
      do throws(FormatError) {
        let plan = try ONNXGraphFile.plan(of: ONNXModel(bytes: bytes, path: "f"), path: "f")
        let network = GraphNetwork<Float>(plan)
        let inputs = Matrix<Float>.gaussian(
          rows: 2, columns: network.inputDimension, stream: RandomStream(seed: 1))
        let (logits, gradient) = network.logitsAndInputGradient(inputs) { logits, _ in logits }
        #expect(logits.columns == plan.outputCount && gradient.columns == inputs.columns)
        evaluated += 1
      } catch {
        #expect(!error.description.contains("\n"))
        refused += 1
      }
    }
    #expect(refused > count / 4 && evaluated > count / 10)
  }
}
