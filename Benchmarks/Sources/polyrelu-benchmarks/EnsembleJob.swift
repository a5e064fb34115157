import Attacks
import Datasets
import Experiments
import LinearCore
import Networks
import Runs
import Studies

/// `--attack standard` on a network that the paper's authors published, or on an imported one (`--model FILE` below the
/// data folder), inputs kept in [0, 1]; the peer is AutoAttack, `peers/autoattack.py`.
///
/// Timed is the evaluation as users get it but for the checks: the radius of every sample, where the
/// peer decides at one radius.
struct EnsembleJob: BenchmarkJob {
  static let name = "ensemble"

  private let folder: DataFolder
  private let degree: Int
  private let model: String?
  private let norm: Norm
  private let epsilon: Double
  private let samples: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    degree = try options.take("p", default: 3, atLeast: 1)
    model = options.take("model")
    norm = try options.takeNorm(default: .linf)
    epsilon = try options.take("epsilon", default: 0.1, atLeast: 0)
    samples = try options.take("samples", default: 1_000, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    var study = RobustnessStudy(epsilons: [epsilon], norm: norm, seed: seed)
    study.isChecked = false
    if let model { return try run(study, imported: model) }
    let network = try folder.pretrained(degree)
    let data = try folder.mnist(.paperTest, limit: samples)
    let train = try folder.mnist(.paperTrain)
    let product = 2 * Double(network.inputDimension * network.hiddenWidth)
    return try measure(data, product: product) {
      try study.run(network, data: data, reference: train)
    }
  }

  private func run(_ study: RobustnessStudy, imported name: String) throws -> Measurement {
    let model = try folder.model(name)
    // In units of 255, as networks of other people expect.
    var data = try folder.mnist(.test, limit: samples)
    data.inputs.elements = data.inputs.elements.map { $0 * 256 / 255 }
    let fitted = try model.fitted(to: data)
    return try measure(data, product: nil) { try study.run(fitted: fitted) }
  }

  private func measure(
    _ data: Dataset, product: Double?, _ attack: () throws -> RobustnessResult<Float>
  ) throws -> Measurement {
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure { result = try attack() }
    var measurement: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "robustAccuracy": .number(result!.robustAccuracy(epsilon: epsilon)),
      "cleanAccuracy": .number(result!.cleanAccuracy),
      "model": .text(model ?? "p = \(degree)"), "norm": .text(norm.rawValue),
      "epsilon": .number(epsilon), "samples": .count(data.count),
      "medianRadius": .number(result!.medianRadius),
    ]
    if let product {
      let passes = result!.samples.reduce(0) { $0 + 2 * $1.gradientPasses + $1.forwardPasses }
      measurement["productGigaflops"] = .number(product * Double(passes) / 1e9)
    }
    return measurement
  }
}
