import Attacks
import LinearCore
import Networks

/// The decoupled direction and norm attack, 100 steps in l2, on a network that the paper's authors
/// published, inputs kept in [0, 1]; the peer is its authors' own implementation, `peers/min_norm.py`.
///
/// Timed is the whole evaluation as users get it: clean predictions, attack, refinement on the decision
/// boundary, which the peer does not have, and a check of what it returned.
struct MinimumNormJob: BenchmarkJob {
  static let name = "min-norm"

  private let folder: DataFolder
  private let degree: Int
  private let samples: Int
  private let steps: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    degree = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 1_000, atLeast: 1)
    steps = try options.take("steps", default: 100, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let data = try folder.mnist(.paperTest, limit: samples)
    let network = try folder.pretrained(degree)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: .l2, box: 0...1), attacks: [DecoupledDirectionNorm(steps: steps)],
      references: AttackReferences(dimension: data.dimension), epsilons: [],
      stream: RandomStream(seed: seed))
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure {
      result = try evaluation.run(network, inputs: data.inputs, labels: data.labels)
    }
    let passes = result!.samples.reduce(0) { $0 + 2 * $1.gradientPasses + $1.forwardPasses }
    let product = 2 * Double(network.inputDimension * network.hiddenWidth)
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(product * Double(passes) / 1e9),
      "medianRadius": .number(median(result!.samples.map(\.radius))),
      "meanRadius": .number(
        result!.samples.reduce(0) { $0 + $1.radius } / Double(result!.samples.count)),
      "cleanAccuracy": .number(result!.cleanAccuracy), "p": .count(degree),
      "samples": .count(data.count), "steps": .count(steps),
    ]
  }
}
