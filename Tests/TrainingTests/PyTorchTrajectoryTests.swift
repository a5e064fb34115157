import Formats
import Foundation
import LinearCore
import Networks
import Testing
import Training

/// A training run recorded from PyTorch by `Fixtures/make_training_fixtures.py`.
struct RecordedRun: Sendable, CustomTestStringConvertible {
  let name: String
  let file: Safetensors

  var testDescription: String { name }

  static let folder = Bundle.module.resourceURL!.appendingPathComponent("Fixtures")

  static let all: [RecordedRun] = {
    let files = try! FileManager.default.contentsOfDirectory(atPath: folder.path)
    return files.filter { $0.hasSuffix(".safetensors") }.sorted().map {
      RecordedRun(
        name: String($0.dropLast(12)),
        file: try! Safetensors(path: folder.appendingPathComponent($0).path))
    }
  }()

  func number(_ key: String) -> Double { Double(file.metadata[key] ?? "0") ?? 0 }
  func flag(_ key: String) -> Bool { file.metadata[key] == "true" }
  func integers(_ name: String) -> [Int] {
    try! file.tensors[name]!.integers(named: name, path: self.name)
  }
  func matrix<Scalar: LinearScalar>(_ name: String) -> Matrix<Scalar> {
    try! ModelFile.matrix(file, name, self.name)
  }
  func vector<Scalar: LinearScalar>(_ name: String) -> [Scalar] {
    try! ModelFile.vector(file, name, self.name)
  }

  var loss: Loss { Loss(rawValue: file.metadata["loss"]!)! }

  var optimizer: OptimizerConfiguration {
    if file.metadata["optimizer"] == "adam" {
      return .adam(learningRate: number("learningRate"))
    }
    return .sgd(
      learningRate: number("learningRate"), momentum: number("momentum"),
      nesterov: flag("nesterov"), weightDecay: number("weightDecay"))
  }

  func network<Scalar: LinearScalar>() -> PReLUNetwork<Scalar> {
    try! PReLUNetwork(
      exponent: number("p"), hiddenWeights: matrix("initial.hiddenWeights"),
      outputWeights: matrix("initial.outputWeights"),
      outputBias: file.tensors["initial.outputBias"] == nil ? nil : vector("initial.outputBias"),
      center: flag("center") ? vector("center") : nil, normalizeInput: flag("normalizeInput"))
  }

  /// The losses of 20 steps, and the network after them.
  func replay<Scalar: LinearScalar>() throws -> (losses: [Double], network: PReLUNetwork<Scalar>) {
    let order = integers("batches")
    var trainer = try Trainer<Scalar>(
      network: network(), inputs: matrix("input"), labels: integers("labels"),
      configuration: TrainingConfiguration(
        loss: loss, optimizer: optimizer, epochs: 1, batchSize: 8))
    let losses = (0..<20).map { step in
      trainer.step(Array(order[step * 8..<(step + 1) * 8])).lossSum / 8
    }
    return (losses, trainer.network)
  }
}

@Suite struct PyTorchTrajectoryTests {
  @Test func fixturesCoverEveryLossAndOptimiser() {
    #expect(RecordedRun.all.count == 24)
    #expect(Set(RecordedRun.all.map(\.loss)) == [.exponential, .logistic, .crossEntropy])
  }

  @Test(arguments: RecordedRun.all) func lossesAgreeInDouble(_ run: RecordedRun) throws {
    let (losses, network): ([Double], PReLUNetwork<Double>) = try run.replay()
    let expected: [Double] = run.vector("losses64")
    for (ours, theirs) in zip(losses, expected) {
      #expect(abs(ours - theirs) <= 1e-11 * abs(theirs))
    }
    let final: Matrix<Double> = run.matrix("final64.hiddenWeights")
    #expect(network.hiddenWeights.largestDifference(from: final) < 1e-11)
  }

  @Test(arguments: RecordedRun.all) func lossesAgreeInFloat(_ run: RecordedRun) throws {
    let (losses, network): ([Double], PReLUNetwork<Float>) = try run.replay()
    let expected: [Double] = run.vector("losses32")
    for (ours, theirs) in zip(losses, expected) {
      #expect(abs(ours - theirs) < 1e-5 * abs(theirs))
    }
    let final: Matrix<Float> = run.matrix("final32.hiddenWeights")
    #expect(network.hiddenWeights.largestDifference(from: final) < 1e-5)
  }

  @Test(arguments: RecordedRun.all) func gradientsAgree(_ run: RecordedRun) throws {
    let network: PReLUNetwork<Double> = run.network()
    let inputs: Matrix<Double> = run.matrix("input")
    let batch = Array(run.integers("batches")[0..<8])
    let labels = batch.map { run.integers("labels")[$0] }
    let rows = inputs.rows(at: batch)
    let gradient = network.parameterGradient(inputs: rows, labels: labels, loss: run.loss)
    #expect(
      gradient.hiddenWeights.largestDifference(from: run.matrix("gradient64.hiddenWeights")) < 1e-13
    )
    #expect(
      gradient.outputWeights.largestDifference(from: run.matrix("gradient64.outputWeights")) < 1e-13
    )
    let (_, inputGradient) = network.logitsAndInputGradient(rows) { logits, range in
      var cotangent = run.loss.valueAndDerivative(logits, labels: Array(labels[range])).derivative
      for i in cotangent.elements.indices { cotangent.elements[i] /= 8 }
      return cotangent
    }
    #expect(inputGradient.largestDifference(from: run.matrix("inputGradient64")) < 1e-13)
    #expect(network.logits(inputs).largestDifference(from: run.matrix("logits64")) < 1e-13)
  }
}
