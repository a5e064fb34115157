import Datasets
import Formats
import Foundation
import Networks
import Testing
import Training

@testable import Experiments
@testable import Runs
@testable import Studies

@Suite struct FlowRunTests {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("flow-\(UUID().uuidString)")

  private func run(
    p: Double, scale: Double, dimension: Int, alpha: Double, samples: Int, width: Int,
    times: [Double]? = nil, findsExtremalVectors: Bool = false
  ) throws -> (result: FlowResult, data: Dataset) {
    let mixture = OrthonormalMixture(dimension: dimension, alpha: alpha, samples: samples)
    let request = DatasetRequest(data: "mixture", mixture: mixture)
    let configuration = FlowRunConfiguration(
      data: request,
      model: ModelConfiguration(
        exponent: p, hiddenWidth: width, initialization: .gaussian(scale: scale)),
      flow: FlowConfiguration(), recordTimes: times,
      findsExtremalVectors: findsExtremalVectors)
    let data = try mixture.trainAndTest().train
    let run = try FlowRun(folder.path, configuration: configuration, resume: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    return (try run.run(data: data, progress: ProgressReporter(quiet: true)), data)
  }

  /// What theory asks for and no Float or Double network can hold.
  @Test func alignsFromWeightsOf1e80() throws {
    let (result, data) = try run(
      p: 3, scale: 1e-80, dimension: 200, alpha: 0.01, samples: 200, width: 50)
    #expect(result.ending == .stopLoss && result.warnings.isEmpty)
    let inspection = try NetworkInspection(result.network, data: data)
    #expect(try #require(inspection.medianBestCosine) > 0.999)
    #expect(inspection.numericalRank == 10 && inspection.accuracy == 1)
    // Contributions start at 1e-160 times the number of coordinates.
    let first = try #require(result.trajectory.records.first)
    #expect(abs(first.logTotalContribution - 2 * log(1e-80)) < 15)
    let last = try #require(result.trajectory.records.last)
    #expect(last.phase == "convergence" && last.loss <= 0.0101)
    #expect(last.balancednessDrift < 1e-4)
    // While one neuron is alone, f is 0 at the other centres, where F^(3) is 1 or -1.
    let measured = result.trajectory.records.filter { $0.idealDistance != nil }
    for record in measured where record.effectiveNeurons == 1 {
      #expect(abs(record.idealDistance! - 1) < 1e-6)
    }
    #expect(measured.contains { $0.effectiveNeurons == 1 } && measured.last!.idealDistance! < 0.7)
    #expect(result.trajectory.records.count <= 241)
  }

  @Test func aligningWithClassMeansAtDegreeOne() throws {
    let (result, data) = try run(
      p: 1, scale: 1e-7, dimension: 30, alpha: 0.1, samples: 80, width: 12)
    let inspection = try NetworkInspection(result.network, data: data)
    #expect(try #require(inspection.medianBestClassCosine) > 0.95)
    #expect(inspection.numericalRank == 2)
  }

  @Test func recordsAtChosenTimes() throws {
    let times = [0, 0.5, 10, 33.25]
    let (result, _) = try run(
      p: 3, scale: 1e-4, dimension: 40, alpha: 0.05, samples: 100, width: 20, times: times)
    let records = result.trajectory.records
    #expect(Array(records.map(\.time).prefix(4)) == times)
    // Flips are counted between records, and alignment does flip some.
    #expect(records[0].patternFlips == 0 && records.contains { $0.patternFlips > 0 })
    #expect(result.trajectory.neurons.allSatisfy { $0.cosines.columns == result.directions.count })
  }

  @Test func neuronsEndAtExtremalVectors() throws {
    let (result, _) = try run(
      p: 3, scale: 1e-12, dimension: 20, alpha: 0.05, samples: 150, width: 40,
      findsExtremalVectors: true)
    let table = try #require(result.extremalVectors)
    func column(_ name: String) -> CSVTable.Column {
      table.columns[table.names.firstIndex(of: name)!]
    }
    guard case .strings(let stability) = column("stability"),
      case .integers(let neurons) = column("neurons"),
      case .strings(let closest) = column("closestDirection")
    else { return #expect(Bool(false), "columns of other types") }
    let attracting = stability.indices.filter { stability[$0].hasPrefix("attracts") }
    #expect(Set(attracting.map { closest[$0] }) == Set((0..<10).map { "subclass \($0)" }))
    #expect(attracting.map { neurons[$0] }.reduce(0, +) > 20)
    #expect(stability.indices.allSatisfy { attracting.contains($0) || neurons[$0] <= 2 })
  }

  @Test func patternsSurviveAFile() throws {
    let bits: [UInt8] = (0..<101).map { UInt8(($0 * $0) % 3 == 1 ? 1 : 0) }
    let words = try BitPattern.tensor(bits).integers(named: "bits", path: "")
    #expect(try BitPattern.values(words, count: bits.count, path: "f") == bits)
    // Any other number of bits is refused before it is counted with.
    for wrong in [
      [], [40, 1], [Int.max], [.min], [bits.count - 1] + words.dropFirst(), words + [0],
    ] {
      #expect(throws: FormatError.self) {
        try BitPattern.values(wrong, count: bits.count, path: "f")
      }
    }
  }

  @Test func quartilesOfKnownNumbers() {
    let quartiles = Quartiles([4, 1, 3, 2, 5])
    #expect([quartiles.lower, quartiles.median, quartiles.upper] == [2, 3, 4])
    #expect(Quartiles([1, 2]).median == 1.5 && Quartiles([]).median.isNaN)
  }
}
