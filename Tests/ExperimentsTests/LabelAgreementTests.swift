import Attacks
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

/// Attack, certificate and inspection see the same classes, whatever the labels are called.
@Suite struct LabelAgreementTests {
  /// 300 random networks of one to five outputs with values in random order, on data that lack classes:
  /// the accuracy is that of a calculation in double precision by value.
  @Test func commandsAgreeOnRandomModels() throws {
    var random: any RandomNumberGenerator = RandomStream(seed: 16)
    func uniform(_ range: ClosedRange<Float>) -> Float { .random(in: range, using: &random) }
    for trial in 0..<300 {
      let outputs = Int.random(in: 1...5, using: &random)
      let classCount = max(2, outputs)
      let (width, dimension) = (
        Int.random(in: 1...4, using: &random), Int.random(in: 1...3, using: &random)
      )
      func matrix(_ rows: Int, _ columns: Int) -> Matrix<Float> {
        Matrix(
          rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in uniform(-1...1) })
      }
      let network = try PReLUNetwork<Float>(
        exponent: Double(Int.random(in: 1...4, using: &random)),
        hiddenWeights: matrix(width, dimension), outputWeights: matrix(outputs, width),
        outputBias: (0..<outputs).map { _ in uniform(-0.2...0.2) }, center: nil,
        normalizeInput: Bool.random(using: &random))
      let pool: [ClassLabel] = (-4..<8).map { .integer($0) } + [.name("a"), .name("b")]
      let values = Array(pool.shuffled(using: &random).prefix(classCount))
      let samples = Int.random(in: 1...8, using: &random)
      let inputs = matrix(samples, dimension)
      // Values that occur, in the order of a file: ascending.
      let chosen = (0..<samples).map { _ in values.randomElement(using: &random)! }
      let own = Array(Set(chosen)).sorted()
      let data = Dataset(
        name: "d", inputs: inputs, labels: chosen.map { own.firstIndex(of: $0)! },
        classCount: own.count, classValues: own)

      let right = (0..<samples).filter { row in
        let scores = logits(network, inputs.row(row))
        let predicted =
          outputs == 1 ? (scores[0] > 0 ? 1 : 0) : scores.indices.max { scores[$0] < scores[$1] }!
        return values[predicted] == chosen[row]
      }
      try withModel(network, values) { model in
        let mapped = try model.fitted(data)
        let attacked = try RobustnessStudy(attack: "quick").run(
          network, data: mapped, reference: mapped)
        #expect(
          attacked.samples.filter { $0.status != .misclassified }.map(\.index) == right, "\(trial)")
        #expect(attacked.samples.map { mapped.classes[$0.label] } == chosen)
        let inspected = try NetworkInspection(network, data: mapped)
        #expect(inspected.accuracy == Double(right.count) / Double(samples), "\(trial)")
        let proved = try CertificationStudy(budget: SearchBudget(nodes: 20), attack: nil).run(
          network, data: mapped, reference: mapped)
        #expect(
          proved.samples.filter { $0.status != .misclassified }.map(\.index) == right, "\(trial)")
      }
    }
  }

  /// The outputs in double precision, term by term.
  private func logits(_ network: PReLUNetwork<Float>, _ x: [Float]) -> [Double] {
    let length = x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let hidden = (0..<network.hiddenWidth).map { j in
      let w = network.hiddenWeights.row(j).map { Double($0) }
      let norm = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let z = max(0, zip(w, x).reduce(0) { $0 + $1.0 * Double($1.1) })
      let power = network.exponent - 1
      return z * pow(z / norm, power) / (network.normalizeInput ? pow(length, power) : 1)
    }
    return (0..<network.outputCount).map { k in
      zip(network.outputWeights.row(k), hidden).reduce(Double(network.outputBias?[k] ?? 0)) {
        $0 + Double($1.0) * $1.1
      }
    }
  }

  private func withModel(
    _ network: PReLUNetwork<Float>, _ values: [ClassLabel], _ body: (LoadedModel) throws -> Void
  ) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("labels-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ModelFile.write(network, to: path, classes: values)
    try body(try LoadedModel(path: path, name: "m"))
  }

  /// A class without samples has no mean: with a center, zeros would be a direction of their own.
  @Test func absentClassesAreNoDirections() throws {
    let data = Dataset(
      name: "d", inputs: Matrix([[0, 2, 0], [0, 0, 2]]), labels: [1, 2], classCount: 3,
      groups: [3, 1], groupLabels: [0, 2, 0, 1],
      groupValues: [.name("p"), .name("q"), .name("r"), .name("s")])
    let directions = data.referenceDirections(center: [-1, 0, 0])
    #expect(directions.names == ["class 1", "class 2", "subclass q", "subclass s"])
    #expect(directions.labels == [1, 2, 2, 1])
    #expect(directions.classRange == 0..<2 && directions.groupRange == 2..<4)
    let expected = Matrix<Float>([[1, 2, 0], [1, 0, 2], [1, 0, 2], [1, 2, 0]]).rowsNormalized()
    #expect(directions.vectors == expected)
  }
}
