import Attacks
import LinearCore
import Networks

/// APGD-CE, 100 steps, one run, on a network that the paper's authors published, inputs kept in [0, 1];
/// the peer is `peers/apgd.py`.
///
/// Timed is the whole evaluation as users get it: clean predictions, attack, a check of what it
/// returned, and the search for the smallest radius on the line to it, which the peer does not do.
struct APGDJob: BenchmarkJob {
  static let name = "apgd"

  private let folder: DataFolder
  private let degree: Int
  private let norm: Norm
  private let epsilon: Double
  private let samples: Int
  private let steps: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    degree = try options.take("p", default: 3, atLeast: 1)
    norm = try options.takeNorm(default: .linf)
    epsilon = try options.take("epsilon", default: 0.1, atLeast: 0)
    samples = try options.take("samples", default: 10_000, atLeast: 1)
    steps = try options.take("steps", default: 100, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let data = try folder.mnist(.paperTest, limit: samples)
    let network = try folder.pretrained(degree)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: norm, box: 0...1), attacks: [AutoPGD(steps: steps)],
      references: AttackReferences(dimension: data.dimension), epsilons: [epsilon],
      stream: RandomStream(seed: seed))
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure {
      result = try evaluation.run(network, inputs: data.inputs, labels: data.labels)
    }
    // Forward and backward through the hidden layer, if every correct sample took every step.
    let attacked = result!.cleanAccuracy * Double(data.count)
    let products = 4 * Double(network.inputDimension * network.hiddenWidth) * attacked
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(products * Double(steps + 1) / 1e9),
      "robustAccuracy": .number(result!.robustAccuracy(epsilon: epsilon)),
      "cleanAccuracy": .number(result!.cleanAccuracy),
      "p": .count(degree), "norm": .text(norm.rawValue), "epsilon": .number(epsilon),
      "samples": .count(data.count), "steps": .count(steps),
    ]
  }
}
