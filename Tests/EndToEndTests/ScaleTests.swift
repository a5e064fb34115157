import Formats
import Foundation
import Testing

/// Models and data of extreme size: the right numbers, or a refusal.
@Suite struct ScaleTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func array(_ shape: [Int], _ values: [Double]) -> Tensor {
    Tensor(shape: shape, elements: .float64(values))
  }

  /// Writes m.npz, f(x) = s^2 (relu(x_1)^p - relu(x_2)^p) with all weights s, unless given.
  private func writeModel(
    weights s: Double = 1, p: Double = 1, hidden: [Double]? = nil, output: [Double]? = nil,
    bias: Double? = nil
  ) throws {
    var tensors = [
      "hiddenWeights": array([2, 2], hidden ?? [s, 0, 0, s]),
      "outputWeights": array([1, 2], output ?? [s, -s]), "p": array([], [p]),
      "normalizeInput": Tensor(shape: [], elements: .int64([0])),
    ]
    if let bias { tensors["outputBias"] = array([1], [bias]) }
    try NPZ.write(tensors, to: workspace.path("m.npz"))
  }

  private static let base = [1, 0, 0, 1, 1, 0.2, 0.2, 1]

  /// Writes d.npz, whose l2 radii are those of ``radii`` times `size`.
  private func writeData(_ size: Double = 1, isSingle: Bool = false, samples: [Double]? = nil)
    throws
  {
    let values = (samples ?? Self.base).map { $0 * size }
    let inputs: Tensor.Elements =
      isSingle ? .float32(values.map { Float($0) }) : .float64(values)
    let labels: [Int64] = samples == nil ? [1, 0, 1, 0] : [1, 0]
    try NPZ.write(
      [
        "X": Tensor(shape: [labels.count, 2], elements: inputs),
        "y": Tensor(shape: [labels.count], elements: .int64(labels)),
      ], to: workspace.path("d.npz"))
  }

  /// Half of the distance to the other axis: x_1 = x_2 is the boundary, for every p.
  private static let radii = [1, 1, 0.8, 0.8].map { $0 / 2.0.squareRoot() }

  /// Attacks, certifies and inspects; all must find ``radii`` times `size`.
  private func expectBaseRadii(size: Double = 1, tolerance: Double = 2e-6, _ what: String) throws {
    let outcome = try workspace.run(
      "attack --model m.npz --data d.npz --norm l2 --epsilon \(size) --json --quiet --per-sample r.csv"
    )
    let attack = try outcome.json()
    #expect(attack["cleanAccuracy"] as? Double == 1, "\(what)")
    // Of large logits it is said that cross-entropy has no gradient there, whatever was found.
    let flags = try #require(attack["flags"] as? [String])
    #expect(
      flags.allSatisfy { $0.contains("divide the logits by a constant") }, "\(what): \(flags)")
    #expect(outcome.status == (flags.isEmpty ? 0 : 3), "\(what)")
    let rows = try String(decoding: workspace.bytes("r.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst()
    let certified = try #require(
      try workspace.succeed("certify --model m.npz --data d.npz --norm l2 --json --quiet")
        .json()["samples"] as? [[String: Any]])
    for (i, radius) in Self.radii.enumerated() {
      let found = try #require(Double(Array(rows)[i].split(separator: ",")[3]))
      #expect(abs(found / size / radius - 1) < tolerance, "\(what): sample \(i) has \(found)")
      let lower = try #require(certified[i]["lower"] as? Double)
      let upper = try #require(certified[i]["upper"] as? Double)
      #expect(lower / size <= radius * (1 + tolerance) && lower / size >= radius * 0.998, "\(what)")
      #expect(abs(upper / size / radius - 1) < tolerance, "\(what): sample \(i) has \(upper)")
    }
    let inspection = try workspace.succeed("inspect --model m.npz --data d.npz --json").json()
    #expect(inspection["accuracy"] as? Double == 1, "\(what)")
    #expect(inspection["effectiveNeurons"] as? Int == 2, "\(what)")
  }

  @Test(arguments: [1e-160, 1e-50, 1e-25, 1e-12, 1, 1e12, 1e25, 1e50, 1e140])
  func weightsOfAnySize(_ size: Double) throws {
    try writeModel(weights: size)
    try writeData()
    try expectBaseRadii("weights of \(size)")
    let inspection = try workspace.succeed("inspect --model m.npz --json").json()
    let total = try #require(inspection["totalContribution"] as? Double)
    #expect(abs(total / 2 / size / size - 1) < 1e-4)
    // Conversion keeps them.
    try workspace.succeed("model convert m.npz m.safetensors")
    try workspace.succeed("model convert m.safetensors m.npz")
    try expectBaseRadii("converted weights of \(size)")
  }

  @Test(arguments: [1e-200, 1e-50, 1e-42, 1e-30, 1e-10, 1e10, 1e20, 1e50, 1e200])
  func samplesOfAnySize(_ size: Double) throws {
    for p in [1.0, 3, 8] {
      try writeModel(p: p)
      try writeData(size)
      try expectBaseRadii(size: size, "p = \(p), samples of \(size)")
    }
    let info = try workspace.succeed("data info d.npz --json").json()
    let norm = try #require(info["meanNorm"] as? Double)
    #expect(abs(norm / size / ((1 + 1.04.squareRoot()) / 2) - 1) < 1e-6)
  }

  /// The digits that denormal numbers have: 1e-42 is 714 times the smallest.
  @Test func denormalSamplesOfSinglePrecision() throws {
    try writeModel()
    try writeData(1e-42, isSingle: true)
    try expectBaseRadii(size: 1e-42, tolerance: 1e-3, "denormal samples")
  }

  @Test func weightsOfMixedSize() throws {
    try writeModel(hidden: [1e-40, 0, 0, 1e10], output: [1e40, -1e-10])
    try writeData()
    try expectBaseRadii("rows of 1e-40 and 1e10 of equal contribution")
    // f = 1e-40 relu(x_1) - 1e10 relu(x_2): the second neuron decides wherever it is active.
    try writeModel(hidden: [1e-40, 0, 0, 1e10], output: [1, -1])
    try writeData(samples: [1, 0, 0, 1])
    let certified = try #require(
      try workspace.succeed("certify --model m.npz --data d.npz --norm l2 --json --quiet")
        .json()["samples"] as? [[String: Any]])
    #expect(certified.allSatisfy { $0["status"] as? String != "misclassified" })
    let outcome = try workspace.run("attack --model m.npz --data d.npz --norm l2 --json --quiet")
    #expect(try outcome.json()["cleanAccuracy"] as? Double == 1)
    let accuracy = try workspace.succeed("inspect --model m.npz --data d.npz --json").json()
    #expect(accuracy["accuracy"] as? Double == 1)
  }

  /// f = (x_1 - x_2 + 0.1) s: the boundary moves by 0.1 / sqrt 2 away from class 1.
  @Test(arguments: [1e-50, 1, 1e50]) func biasOfTheSameSize(_ size: Double) throws {
    try writeModel(weights: size, bias: 0.1 * size * size)
    try writeData(samples: [1, 0, 0, 1])
    try workspace.succeed(
      "attack --model m.npz --data d.npz --norm l2 --quiet --per-sample r.csv")
    let rows = try String(decoding: workspace.bytes("r.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst()
    for (row, radius) in zip(rows, [1.1, 0.9]) {
      let found = try #require(Double(row.split(separator: ",")[3]))
      #expect(abs(found * 2.0.squareRoot() / radius - 1) < 2e-6)
    }
  }

  @Test func witnessesAndCertificatesAreInTheUnitsOfTheData() throws {
    try writeModel(p: 3)
    try writeData(1e-50)
    try workspace.succeed(
      "attack --model m.npz --data d.npz --norm l2 --quiet --witnesses w.npz --epsilon 1e-50")
    let witnesses = try NPZ.read(path: workspace.path("w.npz"))
    let moves = try #require(witnesses["perturbation"]).doubles
    for (i, radius) in Self.radii.enumerated() {
      // Squares of these would be lost.
      let length = hypot(moves[2 * i] * 1e50, moves[2 * i + 1] * 1e50)
      #expect(abs(length / radius - 1) < 2e-6)
    }
    let line = "certify --model m.npz --data d.npz --norm l2 --quiet --certificates c"
    try workspace.succeed(line)
    let checked = try workspace.succeed("\(line) --check --json").json()
    let radii = try #require(checked["radii"] as? [Double])
    for (found, radius) in zip(radii, Self.radii) {
      #expect(found * 1e50 <= radius * (1 + 1e-6) && found * 1e50 > 0.998 * radius)
    }
  }

  @Test func whatSinglePrecisionCannotHoldIsRefused() throws {
    func refused(_ what: String) throws {
      for command in ["attack --norm l2", "certify --norm l2", "inspect"] {
        let outcome = try workspace.run("\(command) --model m.npz --data d.npz --json")
        #expect(outcome.status == 2 && outcome.output.isEmpty, "\(what): \(command)")
        #expect(outcome.errors.contains("single precision"), "\(what): \(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(what): \(outcome.errors)")
      }
    }
    try writeModel()
    try writeData(samples: [1e-45, 0, 0, 1])
    try refused("a sample of 1e-45 beside one of 1")
    try writeModel(p: 12)
    try writeData(samples: [1e-30, 0, 0, 1])
    try refused("a sample of 1e-30 beside one of 1, p = 12")
    try writeModel(weights: 1e-50, bias: 0.1)
    try writeData()
    try refused("a bias of 0.1 beside weights of 1e-50")
    try writeModel(hidden: [0, 1, 0, 1], output: [1, 0])
    try writeData(samples: [1, 1e-50, 1, 0])
    try refused("a coordinate of 1e-50 that decides")
    try writeData(1e-50)
    for command in ["train --p 2 --out run --data d.npz"] {
      let outcome = try workspace.run(command)
      #expect(outcome.status == 2 && outcome.errors.contains("1e-50"), "\(outcome.errors)")
      #expect(!workspace.exists("run"))
    }
  }

  /// Weights of 1e-80 that have hardly moved: their contributions are far below single precision.
  @Test func earlyFlowKeepsItsNeurons() throws {
    try workspace.succeed(
      "train \(Tiny.data) --p 3 --width 24 --optimizer gradient-flow --init-scale 1e-80 --time 1 "
        + "--out run --quiet")
    let inspection = try workspace.succeed("inspect --model run/model.safetensors --json").json()
    #expect(try #require(inspection["effectiveNeurons"] as? Int) > 10)
    let total = try #require(inspection["totalContribution"] as? Double)
    #expect(total > 1e-160 && total < 1e-155)
    let file = try Safetensors(path: workspace.path("run/model.safetensors"))
    let weights = try #require(file.tensors["hiddenWeights"]).doubles
    #expect(weights.allSatisfy { $0 != 0 && abs($0) < 1e-78 })
  }
}
