import Formats
import Foundation
import LinearCore
import Networks
import Testing

@testable import Runs
@testable import Studies

/// Properties of networks, decided.
@Suite struct VerificationTests {
  /// A network of one or two hidden layers of relu, as a file and as an oracle.
  private struct Sample {
    let weights: [Matrix<Double>]
    let shifts: [[Double]]

    init(_ widths: [Int], _ stream: inout RandomStream) {
      func number() -> Double { Double(Float.random(in: -1...1, using: &stream)) }
      weights = zip(widths, widths.dropFirst()).map { inputs, units in
        Matrix(rows: units, columns: inputs, elements: (0..<units * inputs).map { _ in number() })
      }
      shifts = widths.dropFirst().map { units in (0..<units).map { _ in 0.5 * number() } }
    }

    func outputs(_ x: [Double]) -> [Double] {
      var values = x
      for (layer, matrix) in weights.enumerated() {
        values = zip(matrix.times(values), shifts[layer]).map { $0 + $1 }
        if layer < weights.count - 1 { values = values.map { max($0, 0) } }
      }
      return values
    }

    func loaded(_ folder: String) throws -> LoadedModel {
      var model = ONNXModel(
        name: "f", documentation: "", input: .init(name: "x", width: weights[0].columns),
        output: .init(name: "y", width: weights.last!.rows))
      var last = "x"
      for (layer, matrix) in weights.enumerated() {
        model.constants["w\(layer)"] = Tensor(
          shape: [matrix.rows, matrix.columns], elements: .float64(matrix.elements))
        model.constants["b\(layer)"] = Tensor(
          shape: [matrix.rows], elements: .float64(shifts[layer]))
        let isLast = layer == weights.count - 1
        model.append(
          "Gemm", [last, "w\(layer)", "b\(layer)"], to: isLast ? "y" : "z\(layer)",
          integers: ["transB": 1])
        if !isLast { last = model.append("Relu", ["z\(layer)"], to: "h\(layer)") }
      }
      let path = folder + "/net.onnx"
      try model.write(to: path)
      return try LoadedModel(path: path, name: "--model net.onnx")
    }
  }

  private func withFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("verification-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }

  private func declarations(_ inputs: Int, _ outputs: Int, lower: Double, upper: Double) -> String {
    var text = ""
    for i in 0..<inputs {
      text += "(declare-const X_\(i) Real)"
      text += "(assert (<= X_\(i) \(upper)))(assert (>= X_\(i) \(lower)))\n"
    }
    for i in 0..<outputs { text += "(declare-const Y_\(i) Real)\n" }
    return text
  }

  private func decide(
    _ model: LoadedModel, _ text: String, timeout: Double = 60
  ) throws -> (property: VNNLIBProperty, result: PropertyVerification.Result) {
    let property = try VNNLIBProperty(Array(text.utf8), path: "p.vnnlib")
    let network = try VerifiedNetwork(model, name: "net", for: property, path: "p.vnnlib")
    return (
      property, PropertyVerification(network, property, timeout: timeout, seed: 0).run()
    )
  }

  private static let grid: [[Double]] = {
    var points: [[Double]] = []
    for i in 0...100 {
      for j in 0...100 {
        let point: [Double] = [Double(i) / 50 - 1, Double(j) / 50 - 1]
        points.append(point)
      }
    }
    return points
  }()

  /// What of c1 y <= t or (c2 y <= t and c3 y < t) is missing at outputs, for t = 0.
  private func missing(_ c: [[Double]], _ y: [Double]) -> Double {
    let values: [Double] = Matrix(c).times(y)
    return min(values[0], max(values[1], values[2]))
  }

  /// Against all points of a grid: violated where a point of the grid says so; where the answer is that the property
  /// holds, no point says otherwise.
  @Test(arguments: [[2, 5, 3], [2, 6, 4, 3]])
  func answersAreThoseOfAGrid(_ widths: [Int]) throws {
    var stream = RandomStream(seed: 7).child("verify", widths.count)
    var held = 0
    for _ in 0..<8 {
      let sample = Sample(widths, &stream)
      let c = (0..<3).map { _ in (0..<3).map { _ in Double.random(in: -1...1, using: &stream) } }
      let least = Self.grid.map { missing(c, sample.outputs($0)) }.min()!
      func term(_ row: [Double]) -> String {
        "(+ " + row.enumerated().map { "(* \($1) Y_\($0))" }.joined(separator: " ") + ")"
      }
      for shift in [-0.05, 1e-6] {
        let t = least + shift
        let text =
          declarations(2, 3, lower: -1, upper: 1)
          + "(assert (or (<= \(term(c[0])) \(t)) (and (>= \(t) \(term(c[1]))) (< \(term(c[2])) \(t)))))"
        let (property, result) = try withFolder { try decide(sample.loaded($0), text) }
        switch result.answer {
        case .holds:
          held += 1
          #expect(shift < 0)
        case .violated(let found):
          #expect(found.input.allSatisfy { abs($0) <= 1 })
          #expect(property.isViolated(input: found.input, outputs: found.outputs))
          #expect(missing(c, sample.outputs(found.input)) <= t + 1e-12)
        case .unknown: Issue.record("unknown in two dimensions")
        }
      }
    }
    #expect(held >= 6)
  }

  /// Many inputs: neurons are cut, and every alternative is decided by itself.
  @Test func manyInputsAreDecided() throws {
    var stream = RandomStream(seed: 8)
    let sample = Sample([30, 6, 2], &stream)
    let points = (0..<2000).map { _ in
      (0..<30).map { _ in Bool.random(using: &stream) ? 0.1 : -0.1 }
    }
    let least = points.map { sample.outputs($0).min()! }.min()!
    for (limit, isViolated) in [(least, true), (least - 2, false)] {
      let text =
        declarations(30, 2, lower: -0.1, upper: 0.1)
        + "(assert (or (<= Y_0 \(limit)) (<= Y_1 \(limit))))"
      let (property, result) = try withFolder { try decide(sample.loaded($0), text) }
      if case .violated(let found) = result.answer {
        #expect(isViolated)
        #expect(property.isViolated(input: found.input, outputs: sample.outputs(found.input)))
      } else {
        #expect(result.answer == .holds && !isViolated)
      }
    }
  }

  /// Boxes, strict ends and assertions without outputs.
  @Test func simpleStatements() throws {
    var stream = RandomStream(seed: 9)
    let sample = Sample([2, 3, 1], &stream)
    try withFolder { folder in
      let model = try sample.loaded(folder)
      let box = declarations(2, 1, lower: -1, upper: 1)
      #expect(try decide(model, box + "(assert (<= X_0 -2))").result.answer == .holds)
      guard case .violated(let any) = try decide(model, box).result.answer else {
        Issue.record("a box without assertions about outputs")
        return
      }
      #expect(any.input.allSatisfy { abs($0) <= 1 })
      // A single point that single precision does not hold.
      let point = box + "(assert (<= 0.1 X_0 0.1))(assert (<= 0.7 X_1 0.7))"
      let value = sample.outputs([0.1, 0.7])[0]
      guard
        case .violated(let found) = try decide(model, point + "(assert (<= Y_0 \(value + 1e-3)))")
          .result.answer
      else {
        Issue.record("a point")
        return
      }
      #expect(found.input == [0.1, 0.7])
      #expect(
        try decide(model, point + "(assert (<= Y_0 \(value - 1e-3)))").result.answer == .holds)
      // What holds with equality is not below; no proof in double precision, and no endless search.
      let touching = try decide(model, point + "(assert (< Y_0 \(value)))", timeout: 5)
      #expect(touching.result.answer == .unknown)
    }
  }

  @Test func counterexamplesAreWrittenAsTheCompetitionHasThem() throws {
    var stream = RandomStream(seed: 10)
    let sample = Sample([2, 3, 1], &stream)
    let text = declarations(2, 1, lower: 0.5, upper: 0.5)
    let (_, result) = try withFolder { try decide(sample.loaded($0), text) }
    guard case .violated(let found) = result.answer else {
      Issue.record("\(result.answer)")
      return
    }
    #expect(found.text == "((X_0 0.5)\n (X_1 0.5)\n (Y_0 \(found.outputs[0])))\n")
    #expect(abs(found.outputs[0] - sample.outputs([0.5, 0.5])[0]) < 1e-12)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    var stream = RandomStream(seed: 11)
    let sample = Sample([2, 3, 2], &stream)
    try withFolder { folder in
      let model = try sample.loaded(folder)
      for (inputs, outputs, expected) in [
        (3, 2, "3 inputs X, expected 2"), (2, 1, "1 outputs Y, expected 2"),
      ] {
        let text = declarations(inputs, outputs, lower: 0, upper: 1)
        let error = #expect(throws: ExperimentError.self) { try decide(model, text) }
        #expect("\(error!)".contains(expected))
      }
    }
  }

  private static let data =
    (ProcessInfo.processInfo.environment["POLYRELU_DATA"] ?? "/none") + "/onnx"

  /// Networks of the verification competition. In debug builds time may be over; no answer is ever wrong.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: data), "set POLYRELU_DATA to the folder of data"),
    arguments: [
      ("acasxu-1-1", "acasxu-prop-1"), ("acasxu-1-1", "acasxu-prop-2"),
      ("acasxu-1-1", "acasxu-prop-3"), ("acasxu-1-1", "acasxu-prop-4"),
      ("cifar-resnet-2b", "cifar-resnet-2b-prop-0"),
    ])
  func competitionPropertiesAreReadAndNeverContradicted(_ model: String, _ property: String) throws
  {
    let loaded = try LoadedModel(path: "\(Self.data)/\(model).onnx", name: model)
    let statement = try VNNLIBProperty(path: "\(Self.data)/\(property).vnnlib")
    #expect(statement.cases.count == 1)
    #expect(statement.cases[0].alternatives.count == (model == "acasxu-1-1" ? 1 : 9))
    let network = try VerifiedNetwork(loaded, name: model, for: statement, path: property)
    let result = PropertyVerification(network, statement, timeout: 10, seed: 0).run()
    if case .violated = result.answer { Issue.record("\(property) holds") }
  }
}
