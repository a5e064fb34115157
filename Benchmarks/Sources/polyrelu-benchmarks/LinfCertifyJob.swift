import Certification
import Experiments
import LinearCore
import Runs
import Studies

/// Certified linf radii of a network trained on the mixture; the peer is linear bound propagation with
/// separate nodes, `peers/linf_certify.py`.
///
/// The network is trained untimed and left in the folder `--work` with the samples. Timed is the
/// certification of all samples, without the attack that finds upper bounds.
struct LinfCertifyJob: BenchmarkJob {
  static let name = "linf-certify"

  private let folder: SharedFolder
  private let exponent: Double
  private let samples: Int
  private let width: Int
  private let nodes: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = try SharedFolder(&options)
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 50, atLeast: 1)
    width = try options.take("width", default: 200, atLeast: 1)
    nodes = try options.take("nodes", default: 800, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let training = MixtureTraining(exponent: exponent, samples: 2_000, width: width, seed: seed)
    let train = try training.trainingData()
    let test = try training.testData(2_000).prefix(samples)
    let network = try training.network(train, epochs: 400, keptIn: folder)
    try folder.leave(network, test, for: Self.name)
    var study = RobustnessStudy(norm: .linf, attack: "quick", seed: seed)
    study.respectsBox = false
    study.isChecked = false
    let witnesses = try study.run(network, data: test, reference: train).perturbations
    var results: [CertifiedRadius] = []
    let timing = try Timing.measure {
      results = try MaximumNormCertifier(network, budget: SearchBudget(nodes: nodes)).certify(
        test.inputs, labels: test.labels, witnesses: witnesses)
    }
    let correct = results.filter { $0.status != .misclassified }
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "p": .number(exponent), "samples": .count(test.count),
      "medianRadius": .number(median(correct.map(\.lower))),
      "medianUpper": .number(median(correct.map(\.upper))),
      "medianGap": .number(median(correct.map(\.gap))),
    ]
  }
}
