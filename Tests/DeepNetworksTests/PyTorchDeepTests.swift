import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing
import Training

/// A convolutional network and ten steps of its training, recorded from PyTorch by
/// `Fixtures/make_deep_fixtures.py`.
struct RecordedDeepRun: Sendable, CustomTestStringConvertible {
  private struct Optimizer: Codable {
    let name: String
    let learningRate: Double
    let momentum: Double?
    let weightDecay: Double
  }

  let name: String
  let file: Safetensors

  var testDescription: String { name }

  static let all: [RecordedDeepRun] = ["p1", "p1.5", "p2", "p3"].map { name in
    let path = Bundle.module.resourceURL!
      .appendingPathComponent("Fixtures/convolutional-\(name).safetensors").path
    return RecordedDeepRun(name: name, file: try! Safetensors(path: path))
  }

  func integers(_ name: String) -> [Int] {
    try! file.tensors[name]!.integers(named: name, path: self.name)
  }
  func matrix<Scalar: LinearScalar>(_ name: String) -> Matrix<Scalar> {
    try! ModelFile.matrix(file, name, self.name)
  }
  func network<Scalar: LinearScalar>(as _: Scalar.Type = Scalar.self) throws -> DeepNetwork<Scalar>
  {
    try DeepModelFile.network(in: file, path: name)
  }

  func configuration() throws -> DeepTrainingConfiguration {
    let optimizer = try JSONDecoder().decode(
      Optimizer.self, from: Data(file.metadata["optimizer"]!.utf8))
    return DeepTrainingConfiguration(
      optimizer: optimizer.name == "adamW"
        ? .adamW(learningRate: optimizer.learningRate, weightDecay: optimizer.weightDecay)
        : .sgd(
          learningRate: optimizer.learningRate, momentum: optimizer.momentum!,
          weightDecay: optimizer.weightDecay),
      schedule: file.metadata["schedule"] == "cosine" ? .cosine() : .step(epochs: 1), epochs: 2,
      batchSize: 8)
  }

  /// The losses of ten steps, and the network after them.
  func replay<Scalar: LinearScalar>(as _: Scalar.Type) throws -> ([Double], DeepNetwork<Scalar>) {
    var trainer = try DeepTrainer<Scalar>(
      network: network(), inputs: matrix("input"), labels: integers("labels"),
      configuration: configuration())
    let order = integers("batches")
    let losses = (0..<10).map { step in
      trainer.step(Array(order[step * 8..<(step + 1) * 8]), epoch: 1 + step / 5).lossSum / 8
    }
    return (losses, trainer.network)
  }
}

@Suite struct PyTorchDeepTests {
  @Test(arguments: RecordedDeepRun.all) func logitsAgree(_ run: RecordedDeepRun) throws {
    let expected: Matrix<Double> = run.matrix("logits64")
    let double = try run.network(as: Double.self).logits(run.matrix("input"))
    #expect(double.largestDifference(from: expected) < 1e-12 * expected.frobeniusNorm)
    let single = try run.network(as: Float.self).logits(run.matrix("input"))
    #expect(single.largestDifference(from: run.matrix("logits32")) < 1e-5)
  }

  @Test(arguments: RecordedDeepRun.all) func gradientsAgree(_ run: RecordedDeepRun) throws {
    try compareGradients(run, tolerance: 1e-12, as: Double.self)
    try compareGradients(run, tolerance: 1e-5, as: Float.self)
  }

  private func compareGradients<Scalar: LinearScalar>(
    _ run: RecordedDeepRun, tolerance: Double, as _: Scalar.Type
  ) throws {
    let network: DeepNetwork<Scalar> = try run.network()
    let batch = Array(run.integers("batches")[0..<8])
    let labels = batch.map { run.integers("labels")[$0] }
    let inputs: Matrix<Scalar> = run.matrix("input").rows(at: batch)
    let gradient = network.parameterGradient(inputs: inputs, labels: labels, loss: .crossEntropy)
    for (description, tensor) in zip(network.architecture.parameters, gradient.parameters) {
      let expected: Matrix<Double> = run.matrix("gradient64.\(description.name)")
      let difference = tensor.converted(to: Double.self).largestDifference(from: expected)
      #expect(difference < tolerance * max(1, expected.frobeniusNorm), "\(description.name)")
    }
    let (_, inputGradient) = network.logitsAndInputGradient(inputs) { logits, range in
      var cotangent = Loss.crossEntropy.valueAndDerivative(logits, labels: Array(labels[range]))
        .derivative
      for i in cotangent.elements.indices { cotangent.elements[i] /= 8 }
      return cotangent
    }
    let expected: Matrix<Double> = run.matrix("inputGradient64")
    let difference = inputGradient.converted(to: Double.self).largestDifference(from: expected)
    #expect(difference < tolerance * max(1, expected.frobeniusNorm))
  }

  @Test(arguments: RecordedDeepRun.all) func trainingAgrees(_ run: RecordedDeepRun) throws {
    let (double, network) = try run.replay(as: Double.self)
    let expected: [Double] = try ModelFile.vector(run.file, "losses64", run.name)
    for (ours, theirs) in zip(double, expected) {
      #expect(abs(ours - theirs) <= 1e-10 * theirs)
    }
    for (description, tensor) in zip(network.architecture.parameters, network.parameters) {
      let final: Matrix<Double> = run.matrix("final64.\(description.name)")
      #expect(tensor.largestDifference(from: final) < 1e-9, "\(description.name)")
    }
    let (single, _) = try run.replay(as: Float.self)
    let recorded: [Double] = try ModelFile.vector(run.file, "losses32", run.name)
    for (ours, theirs) in zip(single, recorded) {
      #expect(abs(ours - theirs) < 1e-4 * theirs)
    }
  }
}
