import Certification
import Datasets
import Experiments
import Foundation
import LinearCore
import Networks

/// Certified linf radii of a network trained on the mixture; the peer is linear bound propagation with
/// separate nodes, `peers/linf_certify.py`.
///
/// The network is trained untimed and left in the folder `--work` with the samples. Timed is the
/// certification of all samples, without the attack that finds upper bounds.
struct LinfCertifyJob: BenchmarkJob {
  static let name = "linf-certify"

  private let folder: String
  private let exponent: Double
  private let samples: Int
  private let width: Int
  private let nodes: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    guard let folder = options.take("work") else {
      throw UsageError(message: "--work: expected a folder for the trained network")
    }
    self.folder = folder
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 50, atLeast: 1)
    width = try options.take("width", default: 200, atLeast: 1)
    nodes = try options.take("nodes", default: 800, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let stream = RandomStream(seed: seed)
    let mixture = OrthonormalMixture(dimension: 1_000, alpha: 0.1, samples: 2_000)
    let train = try mixture.generate(stream: stream.child("data"))
    let test = try mixture.generate(stream: stream.child("test")).prefix(samples)
    let network = try MixtureTraining.network(
      train, exponent: exponent, width: width, epochs: 400, seed: seed)
    try write(network, test)
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
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "p": .number(exponent), "samples": .count(test.count),
      "medianRadius": .number(median(correct.map(\.lower))),
      "medianUpper": .number(median(correct.map(\.upper))),
      "medianGap": .number(median(correct.map(\.gap))),
    ]
  }

  /// Leaves the network and the samples, each followed by +1 or -1, for the peer.
  private func write(_ network: PReLUNetwork<Float>, _ test: Dataset) throws {
    let folder = URL(fileURLWithPath: folder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let name = "linf-certify-p\(exponent)"
    try ModelFile.write(network, to: folder.appendingPathComponent("\(name).safetensors").path)
    var numbers: [Float] = []
    for i in 0..<test.count { numbers += test.inputs.row(i) + [test.labels[i] == 1 ? 1 : -1] }
    try numbers.withUnsafeBytes { Data($0) }
      .write(to: folder.appendingPathComponent("\(name).f32"), options: .atomic)
    let files = ["network": "\(name).safetensors", "slice": "\(name).f32"]
    try JSONEncoder().encode(files)
      .write(to: folder.appendingPathComponent("linf-certify.json"), options: .atomic)
  }
}
