import DeepNetworks
import Foundation
import LinearCore
import Networks
import Testing

/// Commands on model files of deep networks.
@Suite struct DeepModelTests {
  let workspace: Workspace

  /// `features.npz`: 40 samples in 6 dimensions, of class 1 where the first coordinate is positive.
  init() throws {
    workspace = try Workspace()
    try workspace.writeFeatures("features.npz")
  }

  /// Writes f(x) = `bias` + `positive` relu(x_0) + `negative` relu(-x_0) as two pReLU layers.
  private func write(
    _ name: String, positive: Float = 1, negative: Float = -1, bias: Float = 0
  ) throws {
    let network = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 6),
        layers: [
          DensePReLU(units: 2, exponent: 1), Dropout(rate: 0.5),
          DensePReLU(units: 2, exponent: 1), LinearHead(outputs: 1),
        ]),
      parameters: [
        Matrix([[1, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0]]), Matrix([[1, 0], [0, 1]]),
        Matrix([[positive, negative]]), Matrix([[bias]]),
      ])
    try DeepModelFile.write(network, to: workspace.path(name))
  }

  /// The distance to the boundary is |x_0|.
  @Test func attacksFindTheDistance() throws {
    try write("deep.safetensors")
    let line =
      "attack --model deep.safetensors --data features.npz --norm l2 --epsilon 0.25,0.5 --quiet "
      + "--json --out run"
    let found = try workspace.succeed(line + " --per-sample radii.csv --witnesses wrong.npz").json()
    #expect(found["reliable"] as? Bool == true && found["cleanAccuracy"] as? Double == 1)
    #expect(found["reduction"] is NSNull)
    let rows = try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    #expect(rows.count == 40)
    for row in rows {
      let index = try #require(Int(row[0]))
      let first = Double((index * 6 * 7919 + 13) % 101) / 50 - 1
      let radius = try #require(Double(row[3]))
      #expect(radius >= abs(first) - 1e-6 && radius <= 1.001 * abs(first) + 1e-5)
    }
    let wrong = try workspace.succeed("inspect --model deep.safetensors --data wrong.npz --json")
    #expect(try wrong.json()["accuracy"] as? Double == 0)

    // What is kept is what is found.
    let kept = try workspace.bytes("run/results/samples.csv")
    #expect(try kept == workspace.bytes("radii.csv"))
    let again = try workspace.succeed(line + " --resume").json()
    #expect(again["medianRadius"] as? Double == found["medianRadius"] as? Double)
    #expect(try workspace.bytes("run/results/samples.csv") == kept)
    try write("other.safetensors", positive: 2)
    try refused(
      line.replacingOccurrences(of: "deep.safe", with: "other.safe") + " --resume", saying: "run")
  }

  /// f is constant where x_0 > 0: no gradient leads from there to the boundary at x_0 = -1/4.
  @Test func weakAttackIsFlagged() throws {
    try write("flat.safetensors", positive: 0, negative: -2, bias: 0.5)
    let outcome = try workspace.run(
      "attack --model flat.safetensors --data features.npz --norm l2 --epsilon 0.5 --attack pgd "
        + "--quiet --json")
    #expect(outcome.status == 3 && outcome.errors.isEmpty)
    #expect(try outcome.json()["reliable"] as? Bool == false)
  }

  @Test func inspectListsLayers() throws {
    try write("deep.safetensors", positive: 3, negative: -4)
    let document = try workspace.succeed("inspect --model deep.safetensors --json").json()
    #expect(document["parameters"] as? Int == 12 + 4 + 2 + 1)
    let layers = try #require(document["layers"] as? [[String: Any]])
    #expect(
      layers.map { $0["kind"] as? String } == ["dense-prelu", "dropout", "dense-prelu", "linear"])
    #expect(layers[0]["settings"] as? String == "exponent 1, normalizesInput false, units 2")
    let weights = try #require(document["weights"] as? [[String: Any]])
    #expect(weights.count == 4 && weights[2]["name"] as? String == "layers.3.weights")
    #expect(weights[2]["norm"] as? Double == 5)
    // Of [[3, -4]] and of the identity.
    #expect(try abs(#require(weights[2]["stableRank"] as? Double) - 1) < 1e-6)
    #expect(try abs(#require(weights[1]["stableRank"] as? Double) - 2) < 1e-6)
    for command in ["inspect --model", "model info"] {
      let text = try workspace.succeed("\(command) deep.safetensors").output
      #expect(text.contains("layers.3.weights") && text.contains("dense-prelu"))
    }
    let own = try workspace.succeed("inspect --model deep.safetensors --data features.npz --json")
    #expect(try own.json()["accuracy"] as? Double == 1)
  }

  @Test func convertWritesBothFormats() throws {
    try write("deep.safetensors")
    try workspace.succeed("model convert deep.safetensors deep.onnx")
    try workspace.succeed("model convert deep.safetensors copy.safetensors")
    #expect(try workspace.bytes("copy.safetensors") == workspace.bytes("deep.safetensors"))
    let network = try DeepModelFile.read(workspace.path("deep.safetensors"), as: Float.self)
    #expect(try workspace.bytes("deep.onnx") == Data(network.onnxModel().encoded()))
  }

  /// Proved radii of a deep network: below those of an attack, stored, verified, and found again.
  @Test(arguments: ["l2", "linf", "l1"]) func certifies(_ norm: String) throws {
    try write("deep.safetensors")
    let line =
      "certify --model deep.safetensors --data features.npz --norm \(norm) --limit 12 --quiet"
    let found = try workspace.succeed("\(line) --json --certificates proofs").json()
    let samples = try #require(found["samples"] as? [[String: Any]])
    #expect(samples.count == 12)
    for (index, sample) in samples.enumerated() {
      let lower = try #require(sample["lower"] as? Double)
      let distance = abs(Double((index * 6 * 7919 + 13) % 101) / 50 - 1)
      #expect(lower <= distance + 1e-6 && lower >= 0.99 * distance)
      if let upper = sample["upper"] as? Double { #expect(lower <= upper) }
    }
    let network = try #require(found["network"] as? [String: Any])
    #expect(network["layers"] as? Int ?? 0 > 0 && network["rank"] == nil)
    let checked = try workspace.succeed("\(line) --json --certificates proofs --check").json()
    #expect(checked["verified"] as? Int == 12)
    let bytes = try workspace.bytes("proofs/sample-000003.json")
    try FileManager.default.removeItem(
      atPath: workspace.path("proofs/checkpoints/result-000003.json"))
    _ = try workspace.succeed("\(line) --json --certificates proofs --resume")
    #expect(try workspace.bytes("proofs/sample-000003.json") == bytes)
    // A radius that was raised by hand.
    var certificate = try #require(
      try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    certificate["lower"] = 1.5 * (certificate["lower"] as? Double ?? 1)
    try JSONSerialization.data(withJSONObject: certificate)
      .write(to: URL(fileURLWithPath: workspace.path("proofs/sample-000003.json")))
    let outcome = try workspace.run("\(line) --certificates proofs --check")
    #expect(outcome.status == 2 && outcome.errors.contains("sample-000003.json"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    // In a box that holds the samples radii are no smaller, up to the tolerance of the search.
    let boxed = try workspace.succeed("\(line) --json --box=-50,50 --nodes 1").json()
    #expect((boxed["samples"] as? [[String: Any]])?.count == 12)
  }

  @Test func refusals() throws {
    try write("deep.safetensors")
    try refused("model convert deep.safetensors deep.npz", saying: "cannot hold a deep network")
    try refused("model info deep.safetensors --p 3", saying: "no --p")
    try refused(
      "certify --model deep.safetensors --data features.npz --norm l2 --smoothing 0.1",
      saying: "--smoothing: is for networks of one hidden layer")
    try refused(
      "attack --model deep.safetensors --data digits --norm l2",
      saying: "samples have 64 coordinates, expected 6")
  }

  private func refused(_ line: String, saying part: String) throws {
    let outcome = try workspace.run(line)
    #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
    #expect(
      outcome.errors.hasPrefix("error: ") && outcome.errors.contains(part), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }
}
