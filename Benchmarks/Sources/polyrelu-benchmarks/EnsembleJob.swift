import Attacks
import Experiments
import LinearCore
import Networks
import Runs
import Studies

/// `--attack standard` on a network that the paper's authors published, inputs kept in [0, 1]; the peer
/// is AutoAttack, `peers/autoattack.py`.
///
/// Timed is the evaluation as users get it but for the checks: the radius of every sample, where the
/// peer decides at one radius.
struct EnsembleJob: BenchmarkJob {
  static let name = "ensemble"

  private let folder: DataFolder
  private let degree: Int
  private let norm: Norm
  private let epsilon: Double
  private let samples: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    degree = try options.take("p", default: 3, atLeast: 1)
    norm = try options.takeNorm(default: .linf)
    epsilon = try options.take("epsilon", default: 0.1, atLeast: 0)
    samples = try options.take("samples", default: 1_000, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let data = try folder.mnist(.paperTest, limit: samples)
    let network = try folder.pretrained(degree)
    let train = try folder.mnist(.paperTrain)
    var study = RobustnessStudy(epsilons: [epsilon], norm: norm, seed: seed)
    study.isChecked = false
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure {
      result = try study.run(network, data: data, reference: train)
    }
    let passes = result!.samples.reduce(0) { $0 + 2 * $1.gradientPasses + $1.forwardPasses }
    let product = 2 * Double(network.inputDimension * network.hiddenWidth)
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(product * Double(passes) / 1e9),
      "robustAccuracy": .number(result!.robustAccuracy(epsilon: epsilon)),
      "cleanAccuracy": .number(result!.cleanAccuracy),
      "p": .count(degree), "norm": .text(norm.rawValue), "epsilon": .number(epsilon),
      "samples": .count(data.count),
      "medianRadius": .number(result!.medianRadius),
    ]
  }
}
