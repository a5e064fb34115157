import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// A network of any options and sizes with samples, drawn from a seed.
private struct ScaleCase {
  let network: PReLUNetwork<Double>
  let samples: Matrix<Double>
  let labels: [Int]

  init(_ seed: UInt64) throws {
    var random = RandomStream(seed: seed).child("scale")
    func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func size() -> Double {
      integer(0...2) == 0 ? 1 : pow(10, Double.random(in: -40...40, using: &random))
    }
    let (dimension, width, outputs) = (
      integer(1...4), integer(1...6), [1, 1, 2, 3][integer(0...3)]
    )
    let p = [1, 1, 1.5, 2, 3, 4.7, 8, 12][integer(0...7)]
    let normalizes = integer(0...2) == 0
    // Small integers have kinks that samples can lie on.
    func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in Double(integer(-3...3)) } }
    let isMixed = integer(0...3) == 0
    let share = size()
    var hidden = Matrix<Double>(rows: width, columns: dimension)
    var output = Matrix<Double>(rows: outputs, columns: width)
    for j in 0..<width {
      let row = size()
      let column = isMixed ? size() : share / row
      hidden.setRow(j, numbers(dimension).map { $0 * row })
      for (c, value) in numbers(outputs).enumerated() { output[c, j] = value * column }
    }
    let scale = size()
    let center = integer(0...2) == 0 ? numbers(dimension).map { $0 * scale } : nil
    // As large as the other outputs are, or of any size.
    let typical = share * pow(scale, normalizes ? 1 : p)
    let biasSize = integer(0...4) > 0 && typical.isFinite && typical > 0 ? typical : size()
    let bias =
      integer(0...1) == 0 && (1e-290...1e290).contains(biasSize)
      ? numbers(outputs).map { $0 / 4 * biasSize } : nil
    network = try PReLUNetwork(
      exponent: p, hiddenWeights: hidden, outputWeights: output, outputBias: bias, center: center,
      normalizeInput: normalizes)
    let origin = center ?? [Double](repeating: 0, count: dimension)
    var rows = [origin]
    for _ in 0..<3 {
      rows.append(zip(origin, numbers(dimension)).map { $0 + $1 * scale })
      rows.append(
        origin.map { $0 + Double.random(in: -2...2, using: &random) * scale })
    }
    samples = Matrix(rows)
    let classes = max(2, outputs)
    labels = rows.map { _ in integer(0...(classes - 1)) }
  }
}

/// `attack`, `certify` and `inspect` agree with each other and with extended precision on the class of every
/// sample, for networks of all options and sizes; or they refuse, all three with one reason.
@Suite struct ScaleCampaignTests {
  private struct Counts {
    var refused = 0
    var judged = 0
    var samples = 0
  }

  private func campaign(_ seeds: Range<UInt64>) throws -> Counts {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("scale-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (modelPath, dataPath) = (
      folder.appendingPathComponent("m.npz").path, folder.appendingPathComponent("d.npz").path
    )
    var counts = Counts()
    for seed in seeds {
      let test = try ScaleCase(seed)
      try ModelFile.write(test.network, to: modelPath)
      // Labels as class numbers whatever samples there are.
      try NPZ.write(
        [
          "X": ModelFile.tensor(test.samples),
          "y": Tensor(shape: [test.labels.count], elements: .int64(test.labels.map(Int64.init))),
        ], to: dataPath)
      var data = try FeatureFile.load(path: dataPath)
      (data.labels, data.classCount) = (test.labels, test.network.classCount)
      data.classValues = nil
      let fitted: FittedModel
      do { fitted = try StoredModel(path: modelPath).fitted(to: data) } catch {
        #expect("\(error)".contains("single precision"), "seed \(seed): \(error)")
        counts.refused += 1
        continue
      }
      try agree(fitted, test, seed, &counts)
    }
    return counts
  }

  private func agree(
    _ fitted: FittedModel, _ test: ScaleCase, _ seed: UInt64, _ counts: inout Counts
  ) throws {
    let network = try #require(fitted.network)
    var attack = RobustnessStudy(norm: .l2, attack: "quick")
    attack.isChecked = false
    let predicted = try attack.run(fitted: fitted).samples.map(\.predicted)
    let oracle = ExactOracle(network: test.network)
    for (row, label) in predicted.enumerated() {
      counts.samples += 1
      guard let certain = oracle.certainClass(test.samples.row(row)) else { continue }
      counts.judged += 1
      #expect(label == certain, "seed \(seed): sample \(row) is of class \(certain)")
    }
    let right = zip(predicted, test.labels).map { $0 == $1 }
    let inspection = try NetworkInspection(network, data: fitted.data)
    #expect(
      inspection.accuracy == Double(right.count { $0 }) / Double(right.count), "seed \(seed)")
    // A network of zeros has nothing to certify.
    guard network.hiddenWeights.elements.contains(where: { $0 != 0 }) else { return }
    var budget = SearchBudget()
    budget.nodes = 1
    let norm = [Norm.l1, .l2, .linf][Int(seed % 3)]
    let study = CertificationStudy(norm: norm, budget: budget, attack: nil)
    let certified = try study.run(network, data: fitted.data, reference: fitted.reference)
    for (sample, isRight) in zip(certified.samples, right) {
      #expect(
        (sample.status != .misclassified) == isRight, "seed \(seed): sample \(sample.index)")
    }
  }

  @Test func commandsAgreeWithExtendedPrecision() throws {
    let counts = try campaign(0..<500)
    // Most are within what single precision can be made to hold.
    #expect(counts.refused < 200, "\(counts)")
    #expect(10 * counts.judged > 5 * counts.samples, "\(counts)")
  }

  /// The whole campaign takes minutes.
  @Test(.tags(.slow), .enabled(if: ProcessInfo.processInfo.environment["POLYRELU_CAMPAIGN"] != nil))
  func commandsAgreeWithExtendedPrecisionOnTenThousand() throws {
    let counts = try campaign(1_000_000..<1_010_000)
    #expect(counts.refused < 4000 && 10 * counts.judged > 5 * counts.samples, "\(counts)")
    print("scale campaign: \(counts)")
  }
}
