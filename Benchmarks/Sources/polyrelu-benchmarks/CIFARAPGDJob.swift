import Attacks
import DeepNetworks
import LinearCore
import Networks
import Training

/// APGD-CE, l2, 100 steps, one run, on images of CIFAR-10 kept in [0, 1]; the peer is
/// `peers/cifar_apgd.py`.
///
/// The network is trained before, untimed, and left for the peer. Timed is what users get: clean
/// predictions, attack, a check of what it returned, and the search for the smallest radius on the line
/// to it, which the peer does not do.
struct CIFARAPGDJob: BenchmarkJob {
  static let name = "cifar-apgd"

  private let training: CIFARTraining
  private let shared: SharedFolder
  private let epsilon: Double
  private let samples: Int
  private let steps: Int
  private let trainingSamples: Int
  private let trainingEpochs: Int

  init(_ options: inout Options) throws(UsageError) {
    training = try CIFARTraining(&options)
    shared = try SharedFolder(&options)
    epsilon = try options.take("epsilon", default: 0.5, atLeast: 0)
    samples = try options.take("samples", default: 1_000, atLeast: 1)
    steps = try options.take("steps", default: 100, atLeast: 1)
    trainingSamples = try options.take("training-samples", default: 4_000, atLeast: 1)
    trainingEpochs = try options.take("training-epochs", default: 5, atLeast: 0)
  }

  func run() throws -> Measurement {
    let data = try training.folder.cifar10(.validation, limit: samples)
    let network = try shared.deepNetwork(named: training.name) {
      var trainer = try training.trainer(
        on: training.folder.cifar10(.train, limit: trainingSamples))
      for _ in 0..<trainingEpochs { try trainer.runEpoch() }
      return trainer.network
    }
    let evaluation = RobustnessEvaluation<DeepNetwork<Float>>(
      threat: ThreatModel(norm: .l2, box: 0...1), attacks: [AutoPGD(steps: steps)],
      references: AttackReferences(dimension: data.dimension), epsilons: [epsilon],
      stream: RandomStream(seed: 0))
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure {
      result = try evaluation.run(network, inputs: data.inputs, labels: data.labels)
    }
    // Forward and backward to the inputs, if every correct sample took every step.
    let attacked = result!.cleanAccuracy * Double(data.count)
    let products = 2 * CIFARTraining.forwardOperations(network.architecture).reduce(0, +) * attacked
    let measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(products * Double(steps + 1) / 1e9),
      "robustAccuracy": .number(result!.robustAccuracy(epsilon: epsilon)),
      "cleanAccuracy": .number(result!.cleanAccuracy), "epsilon": .number(epsilon),
      "steps": .count(steps),
    ]
    return measured.merging(training.description(samples: data.count)) { own, _ in own }
  }
}
