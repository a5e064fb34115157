import Formats
import Foundation
import Networks
import Testing

/// Hidden biases, frozen and constant output weights on the command line.
@Suite struct HiddenBiasCommandTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  static let data = "--data mixture --dimension 12 --subclasses 4 --positive 2 --samples 120"
  static let train = "train \(data) --width 8 --p 1 --hidden-bias --seed 1 --quiet"

  @Test func everyCommandTakesThem() throws {
    let network = "--output-init constant --freeze-output --init-scale 0.05"
    try workspace.succeed(
      "\(Self.train) \(network) --optimizer sgd --learning-rate 1 --epochs 60 --out run")
    let file = try Safetensors(path: workspace.path("run/model.safetensors"))
    #expect(file.tensors["hiddenBias"]?.shape == [8])
    let outputs = try #require(file.tensors["outputWeights"]).floats
    #expect(outputs == [0.125, -0.125, 0.125, -0.125, 0.125, -0.125, 0.125, -0.125])
    let model = try workspace.succeed("model info run --json").json()
    #expect(model["hiddenBias"] as? Bool == true && model["parameters"] as? Int == 8 * 13 + 8)
    #expect(model["inputDimension"] as? Int == 12)
    #expect(try workspace.succeed("inspect --model run --data mixture").output.contains("neurons"))
    try workspace.succeed("model convert run net.onnx")
    try workspace.succeed("model convert run net.npz")
    let npz = try workspace.succeed("model info net.npz --json").json()
    #expect(npz["hiddenBias"] as? Bool == true)

    let attack = try workspace.succeed(
      "attack --model run \(Self.data) --split test --limit 20 --norm l2 --epsilon 0.2,0.4 --json "
        + "--quiet"
    ).json()
    let attacked = try #require(attack["medianRadius"] as? Double)
    #expect(attacked > 0.1 && attack["reliable"] as? Bool == true)
    for norm in ["l2", "linf", "l1"] {
      let proofs = try workspace.succeed(
        "certify --model run \(Self.data) --split test --limit 6 --norm \(norm) --nodes 100 "
          + "--certificates proofs-\(norm) --quiet")
      #expect(!proofs.output.contains("contradictory"))
      try workspace.succeed(
        "certify --model run \(Self.data) --split test --limit 6 --norm \(norm) "
          + "--certificates proofs-\(norm) --check --quiet")
    }
  }

  @Test func gradientFlowTakesThem() throws {
    try workspace.succeed(
      "\(Self.train) --optimizer gradient-flow --init-scale 1e-3 --time 3 --output-init constant "
        + "--freeze-output --out flow")
    let file = try Safetensors(path: workspace.path("flow/model.safetensors"))
    #expect(file.tensors["hiddenBias"]?.shape == [8])
    for (j, value) in try #require(file.tensors["outputWeights"]).doubles.enumerated() {
      #expect(abs(value - (j % 2 == 0 ? 0.125 : -0.125)) < 1e-4)
    }
  }

  @Test(arguments: [
    ("--normalize-input", "--hidden-bias and --normalize-input exclude each other"),
    ("--optimizer gradient-flow --extremal-vectors", "--extremal-vectors"),
    (
      "--optimizer gradient-flow --init-scale 1e-40 --output-init constant",
      "expected more than 1e-30 with constant output weights"
    ),
  ])
  func refuses(options: String, reason: String) throws {
    let outcome = try workspace.run("\(Self.train) \(options) --out run")
    #expect(outcome.status == 2 && outcome.errors.contains(reason))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(!workspace.exists("run"))
  }

  @Test func constantOutputsNeedANeuronAClass() throws {
    let outcome = try workspace.run(
      "train --data digits --p 1 --width 5 --output-init constant --epochs 1 --out run --quiet")
    #expect(outcome.status == 2 && outcome.errors.contains("--width is 5, expected at least 10"))
  }
}
