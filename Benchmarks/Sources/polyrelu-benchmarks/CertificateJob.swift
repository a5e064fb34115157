import Certification
import Experiments
import LinearCore
import Networks
import Runs
import Studies

/// Certified l2 radii of a network trained on the mixture (Section 5.1 of the paper).
///
/// The network is trained untimed. Timed is the certification of all samples, without the attack that
/// finds upper bounds. There is no peer: general verifiers do not reach networks of this size.
struct CertificateJob: BenchmarkJob {
  static let name = "certificate"

  private let folder: SharedFolder
  private let samples: Int
  private let training: MixtureTraining
  private let trainingEpochs: Int
  private let nodes: Int

  init(_ options: inout Options) throws(UsageError) {
    folder = try SharedFolder(&options)
    samples = try options.take("samples", default: 100, atLeast: 1)
    training = try MixtureTraining(&options)
    trainingEpochs = try options.take("training-epochs", default: 401, atLeast: 1)
    nodes = try options.take("nodes", default: 200, atLeast: 1)
  }

  func run() throws -> Measurement {
    let train = try training.trainingData()
    let network = try training.network(train, epochs: trainingEpochs, keptIn: folder)
    let test = try training.testData(samples)
    var study = RobustnessStudy(norm: .l2, attack: "quick", seed: training.seed)
    study.isChecked = false
    let witnesses = try study.run(network, data: test, reference: train).perturbations
    var results: [CertifiedRadius] = []
    let timing = try Timing.measure {
      results = try RadiusCertifier(network, budget: SearchBudget(nodes: nodes)).certify(
        test.inputs, labels: test.labels, witnesses: witnesses)
    }
    let correct = results.filter { $0.status != .misclassified }
    let measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "secondsPerSample": .number(timing.wall / Double(samples)),
      "medianRadius": .number(median(correct.map(\.lower))),
      "medianUpper": .number(median(correct.map(\.upper))),
      "medianGap": .number(median(correct.map(\.gap))), "certified": .count(samples),
    ]
    return measured.merging(training.description) { own, _ in own }
  }
}
