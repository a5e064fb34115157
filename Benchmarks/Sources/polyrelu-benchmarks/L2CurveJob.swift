import Attacks
import Experiments
import Foundation
import Runs
import Studies

/// The robustness curve of Section 5.1 (e): a network of p = 3 trained on the mixture, attacked in l2 at
/// 15 radii; the peer is the official scheme, `peers/l2_curve.py`.
///
/// The network is trained untimed. Timed is the evaluation of all test samples but for the checks.
struct L2CurveJob: BenchmarkJob {
  static let name = "l2-curve"

  private let folder: SharedFolder
  private let training: MixtureTraining
  private let slice: Int
  private let trainingEpochs: Int

  init(_ options: inout Options) throws(UsageError) {
    folder = try SharedFolder(&options)
    training = try MixtureTraining(&options)
    slice = try options.take("slice", default: 100, atLeast: 1)
    trainingEpochs = try options.take("training-epochs", default: 60, atLeast: 1)
  }

  /// linspace(0, 1.5, 15), the radii of the paper.
  private static var radii: [Double] { (0..<15).map { 1.5 * Double($0) / 14 } }

  func run() throws -> Measurement {
    let train = try training.trainingData()
    let test = try training.testData(training.samples)
    let network = try training.network(train, epochs: trainingEpochs, keptIn: folder)
    try folder.leave(network, test.prefix(slice), for: Self.name)
    var study = RobustnessStudy(
      epsilons: Self.radii.filter { $0 > 0 }, norm: .l2, seed: training.seed)
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
      2 * Double(reduction?.rank ?? training.dimension)
      * Double(reduction?.neurons ?? training.width)
    var measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "productGigaflops": .number(product * Double(passes) / 1e9),
      "slice": .count(slice),
      "curve": .numbers(curve(radii)), "medianRadius": .number(result!.medianRadius),
      "reducedDimension": .count(reduction?.rank ?? training.dimension),
    ]
    for (epsilon, accuracy) in zip(Self.radii, curve(radii.prefix(slice))) {
      measured["at \(String(format: "%.3f", epsilon))"] = .number(accuracy)
    }
    return measured.merging(training.description) { own, _ in own }
  }
}
