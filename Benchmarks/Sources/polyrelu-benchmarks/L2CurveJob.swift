import Attacks
import Datasets
import Experiments
import Foundation
import LinearCore
import Networks

/// The robustness curve of Section 5.1 (e): a network of p = 3 trained on the mixture, attacked in l2 at
/// 15 radii; the peer is the official scheme, `peers/l2_curve.py`.
///
/// The network is trained once, untimed, and kept in the folder `--work` with the samples that the peer
/// attacks. Timed is the evaluation of all test samples but for the checks.
struct L2CurveJob: BenchmarkJob {
  static let name = "l2-curve"

  private let folder: String
  private let exponent: Double
  private let samples: Int
  private let slice: Int
  private let dimension: Int
  private let width: Int
  private let alpha: Double
  private let trainingEpochs: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    guard let folder = options.take("work") else {
      throw UsageError(message: "--work: expected a folder for the trained network")
    }
    self.folder = folder
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 20_000, atLeast: 1)
    slice = try options.take("slice", default: 100, atLeast: 1)
    dimension = try options.take("dimension", default: 1_000, atLeast: 10)
    width = try options.take("width", default: 2_000, atLeast: 1)
    alpha = try options.take("alpha", default: 0.1, atLeast: 0)
    trainingEpochs = try options.take("training-epochs", default: 60, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  /// linspace(0, 1.5, 15), the radii of the paper.
  private static var radii: [Double] { (0..<15).map { 1.5 * Double($0) / 14 } }

  func run() throws -> Measurement {
    let stream = RandomStream(seed: seed)
    let mixture = OrthonormalMixture(dimension: dimension, alpha: alpha, samples: samples)
    let train = try mixture.generate(stream: stream.child("data"))
    let test = try mixture.generate(stream: stream.child("test"))
    let network = try network(train)
    try writeSlice(test)
    var study = RobustnessStudy(epsilons: Self.radii.filter { $0 > 0 }, norm: .l2, seed: seed)
    study.isChecked = false
    var result: RobustnessResult<Float>?
    let timing = try Timing.measure {
      result = try study.run(network, data: test, reference: train)
    }
    let radii = result!.samples.map(\.radius)
    func curve(_ radii: some Collection<Double>) -> [Double] {
      Self.radii.map { epsilon in
        Double(radii.count { $0 > epsilon }) / Double(radii.count)
      }
    }
    let passes = result!.samples.reduce(0) { $0 + 2 * $1.gradientPasses + $1.forwardPasses }
    let reduction = result!.reduction
    let product =
      2 * Double(reduction?.rank ?? dimension) * Double(reduction?.neurons ?? width)
    var measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(product * Double(passes) / 1e9),
      "p": .number(exponent), "samples": .count(test.count), "slice": .count(slice),
      "curve": .numbers(curve(radii)), "halfRadius": .number(result!.halfRadius),
      "reducedDimension": .count(reduction?.rank ?? dimension),
    ]
    for (epsilon, accuracy) in zip(Self.radii, curve(radii.prefix(slice))) {
      measured["at \(String(format: "%.3f", epsilon))"] = .number(accuracy)
    }
    return measured
  }

  /// Files of these settings.
  private var name: String {
    "l2-curve-p\(exponent)-d\(dimension)-w\(width)-n\(samples)-a\(alpha)-e\(trainingEpochs)-s\(seed)"
  }

  /// Writes the samples that the peer attacks, each followed by +1 or -1, as single-precision numbers, and
  /// where they and the network are.
  private func writeSlice(_ test: Dataset) throws {
    var numbers: [Float] = []
    for i in 0..<min(slice, test.count) {
      numbers += test.inputs.row(i) + [test.labels[i] == 1 ? 1 : -1]
    }
    let folder = URL(fileURLWithPath: folder)
    try numbers.withUnsafeBytes { Data($0) }
      .write(to: folder.appendingPathComponent("\(name).f32"), options: .atomic)
    let files = ["network": "\(name).safetensors", "slice": "\(name).f32"]
    try JSONEncoder().encode(files)
      .write(to: folder.appendingPathComponent("l2-curve.json"), options: .atomic)
  }

  /// The trained network, from the folder if it is there.
  private func network(_ train: Dataset) throws -> PReLUNetwork<Float> {
    let path = "\(folder)/\(name).safetensors"
    if FileManager.default.fileExists(atPath: path) { return try ModelFile.read(path) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let network = try MixtureTraining.network(
      train, exponent: exponent, width: width, epochs: trainingEpochs, seed: seed)
    try ModelFile.write(network, to: path)
    return network
  }
}
