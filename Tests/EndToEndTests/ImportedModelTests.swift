import Formats
import Foundation
import LinearCore
import Networks
import Testing

/// Commands on networks of others: ONNX files, and state dicts of plain layers.
@Suite struct ImportedModelTests {
  let workspace: Workspace

  /// `features.npz`: 40 samples in 6 dimensions, of class 1 where the first coordinate is positive.
  init() throws {
    workspace = try Workspace()
    try workspace.writeFeatures("features.npz")
  }

  /// Writes f(x) = x_0 as a graph, whose last operator is a sigmoid.
  ///
  /// - Parameter scale: of another product behind the operator; nil for none.
  private func writeGraph(_ name: String, operation: String = "Sigmoid", scale: Float? = nil) throws
  {
    var model = ONNXModel(
      name: "f", documentation: "", input: .init(name: "x", width: 6),
      output: .init(name: "y", width: 1))
    model.constants["w"] = Tensor(shape: [6, 1], elements: .float32([1, 0, 0, 0, 0, 0]))
    model.append("MatMul", ["x", "w"], to: "f")
    if let scale {
      model.constants["v"] = Tensor(shape: [1, 1], elements: .float32([scale]))
      model.append(operation, ["f"], to: "h")
      model.append("MatMul", ["h", "v"], to: "y")
    } else {
      model.append(operation, ["f"], to: "y")
    }
    try model.write(to: workspace.path(name))
  }

  /// Writes relu(x_0) - relu(-x_0) as the layers of a state dict.
  private func writeLayers(_ name: String) throws {
    try NPZ.write(
      [
        "net.0.weight": Tensor(
          shape: [2, 6], elements: .float32([1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0])),
        "net.0.bias": Tensor(shape: [2], elements: .float32([0, 0])),
        "net.2.weight": Tensor(shape: [1, 2], elements: .float32([1, -1])),
      ], to: workspace.path(name))
  }

  private func expectDistances(_ arguments: String) throws {
    let found = try workspace.succeed(
      "attack \(arguments) --data features.npz --norm l2 --epsilon 0.25,0.5 --quiet --json "
        + "--per-sample radii.csv"
    ).json()
    #expect(found["reliable"] as? Bool == true && found["cleanAccuracy"] as? Double == 1)
    let rows = try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    #expect(rows.count == 40)
    for row in rows {
      let index = try #require(Int(row[0]))
      let first = Double((index * 6 * 7919 + 13) % 101) / 50 - 1
      let radius = try #require(Double(row[3]))
      #expect(radius >= abs(first) - 1e-6 && radius <= 1.001 * abs(first) + 1e-5)
    }
  }

  @Test func attacksFindTheDistance() throws {
    try writeGraph("f.onnx")
    try expectDistances("--model f.onnx")
    try writeLayers("f.npz")
    try expectDistances("--model f.npz --activation relu")
  }

  @Test func infoSaysWhatWasUnderstood() throws {
    try writeGraph("f.onnx")
    let found = try workspace.succeed("model info f.onnx --json").json()
    #expect(found["inputShape"] as? [Int] == [1, 6])
    #expect(found["outputCount"] as? Int == 1)
    #expect(found["layers"] as? [String] == ["dense: 6 to 1 numbers"])
    #expect(
      found["notes"] as? [String]
        == ["the final Sigmoid is left out: the logits before it tell the classes"])
    try writeLayers("f.npz")
    let text = try workspace.succeed("model info f.npz --activation tanh").output
    #expect(text.contains("dense: 6 to 2 numbers") && text.contains("tanh"))
  }

  @Test func predictionsAreWritten() throws {
    try writeGraph("f.onnx")
    let summary = try workspace.succeed(
      "predict --model f.onnx --data features.npz --out p.npz --json"
    ).json()
    #expect(summary["accuracy"] as? Double == 1 && summary["samples"] as? Int == 40)
    let arrays = try NPZ.read(path: workspace.path("p.npz"))
    let features = try NPZ.read(path: workspace.path("features.npz"))
    let inputs = try #require(features["X"]).floats
    let logits = try #require(arrays["logits"])
    #expect(logits.floats == (0..<40).map { inputs[6 * $0] })
    #expect(arrays["margin"]?.floats == logits.floats.map(\.magnitude))
    #expect(arrays["class"] == arrays["y"] && arrays["label"] == arrays["y"])
    _ = try workspace.succeed("predict --model f.onnx --data features.npz --out p.csv")
    let lines = try String(decoding: workspace.bytes("p.csv"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 41 && lines[0] == "index,class,label,margin,logit0,probability,y")
  }

  @Test func samplesMayHaveNoLabelsAndMoreAxes() throws {
    try writeGraph("f.onnx")
    let features = try NPZ.read(path: workspace.path("features.npz"))
    let inputs = try #require(features["X"])
    try NPZ.write(
      ["X": Tensor(shape: [40, 1, 2, 3], elements: inputs.elements)],
      to: workspace.path("bare.npz"))
    let summary = try workspace.succeed(
      "predict --model f.onnx --data bare.npz --out p.csv --classes no,yes --json"
    ).json()
    #expect(summary["accuracy"] == nil)
    let lines = try String(decoding: workspace.bytes("p.csv"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 41 && lines[0] == "index,class,label,margin,logit0,probability")
    #expect(lines.dropFirst().allSatisfy { $0.contains(",1,yes,") || $0.contains(",0,no,") })
  }

  /// A graph of images takes them in either order where the data say it, and refuses the other one otherwise.
  @Test func imagesAreReadInTheOrderOfTheGraph() throws {
    var model = ONNXModel(
      name: "f", documentation: "", input: .init(name: "x", extents: [nil, 2, 3, 4]),
      output: .init(name: "y", width: 1))
    let weights: [Float] = (0..<24).map { (number: Int) -> Float in Float(number * 7 % 11) - 5 }
    model.constants["w"] = Tensor(shape: [24, 1], elements: .float32(weights))
    model.append("Flatten", ["x"], to: "flat")
    model.append("MatMul", ["flat", "w"], to: "y")
    try model.write(to: workspace.path("f.onnx"))
    let first: [Float] = (0..<240).map { (number: Int) -> Float in
      Float(number * 7919 % 101) / 100
    }
    // (samples, channels, rows, columns) to (samples, rows, columns, channels).
    let last: [Float] = (0..<240).map { (number: Int) -> Float in
      let (sample, channel, pixel) = (number / 24, number % 2, number % 24 / 2)
      return first[24 * sample + 12 * channel + pixel]
    }
    let arrays = [
      "first": Tensor(shape: [10, 2, 3, 4], elements: .float32(first)),
      "last": Tensor(shape: [10, 3, 4, 2], elements: .float32(last)),
    ]
    for (name, array) in arrays {
      try NPZ.write(["X": array], to: workspace.path("\(name).npz"))
    }
    let predict = "predict --model f.onnx --data"
    _ = try workspace.succeed("\(predict) first.npz --out a.csv")
    _ = try workspace.succeed("\(predict) first.npz --input-layout nchw --out b.csv")
    _ = try workspace.succeed("\(predict) last.npz --input-layout nhwc --out c.csv")
    #expect(try workspace.bytes("a.csv") == workspace.bytes("b.csv"))
    #expect(try workspace.bytes("a.csv") == workspace.bytes("c.csv"))
    let outcome = try workspace.run("\(predict) last.npz --out d.csv")
    #expect(outcome.status == 2 && !workspace.exists("d.csv"))
    #expect(
      outcome.errors.contains(
        "samples have the shape [3, 4, 2], expected [2, 3, 4] as --model f.onnx takes; "
          + "--input-layout nhwc brings them into this order"), "\(outcome.errors)")
  }

  @Test func convertedFilesAreTheSameNetwork() throws {
    try writeLayers("f.npz")
    _ = try workspace.succeed("model convert f.npz f.onnx --activation relu --classes 3,7")
    let info = try workspace.succeed("model info f.onnx --json").json()
    #expect(info["classes"] as? [Int] == [3, 7])
    try writeGraph("g.onnx")
    _ = try workspace.succeed("model convert g.onnx h.onnx")
    for name in ["g", "h"] {
      _ = try workspace.succeed(
        "predict --model \(name).onnx --data features.npz --out \(name).csv")
    }
    #expect(try workspace.bytes("g.csv") == workspace.bytes("h.csv"))
  }

  /// f(x) = x_0 changes its class at the distance |x_0| in every norm.
  @Test(arguments: ["l2", "linf", "l1"]) func certifiedRadiiAreDistances(_ norm: String) throws {
    try writeGraph("f.onnx")
    try writeLayers("f.npz")
    let features = try NPZ.read(path: workspace.path("features.npz"))
    let inputs = try #require(features["X"]).doubles
    for model in ["f.onnx", "f.npz --activation relu"] {
      let found = try workspace.succeed(
        "certify --model \(model) --data features.npz --norm \(norm) --limit 10 --json --quiet"
      ).json()
      let samples = try #require(found["samples"] as? [[String: Any]])
      for (i, sample) in samples.enumerated() {
        let lower = try #require(sample["lower"] as? Double)
        #expect(lower <= abs(inputs[6 * i]))
        // Linear bounds see one side of a kink exactly.
        #expect(lower >= 0.99 * abs(inputs[6 * i]), "\(model), sample \(i)")
      }
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try writeGraph("f.onnx")
    try writeGraph("lstm.onnx", operation: "LSTM")
    try writeGraph("tanh.onnx", operation: "Tanh", scale: 2)
    try writeLayers("f.npz")
    let refusals = [
      "certify --model tanh.onnx --data features.npz --norm l2":
        "--model tanh.onnx: step 2 (tanh): bounds of tanh are not known",
      "inspect --model f.onnx": "--model f.onnx: is an imported network of layers; inspect is for",
      "model info lstm.onnx": "lstm.onnx: has the operator LSTM 'y', which is not supported",
      "model info f.onnx --p 3": "f.onnx: is a network of layers",
      "model info f.onnx --activation relu": "f.onnx: is an ONNX file, which says its layers",
      "model info f.npz":
        "f.npz: holds layers, but not what stands between them: give --activation",
      "model info f.npz --activation relu6": "expected relu, tanh or prelu:P",
      "model info f.npz --activation relu --input-shape 0": "expected positive integers",
      "model convert f.onnx f.safetensors":
        "f.safetensors: cannot hold an imported network of layers",
      "predict --model f.onnx --data features.npz --out p.txt":
        "--out p.txt: expected a name ending in .csv or .npz",
    ]
    for (line, expected) in refusals {
      let outcome = try workspace.run(line)
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
      #expect(outcome.errors.contains(expected), "\(line): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("error: "), "\(line)")
    }
    #expect(!workspace.exists("p.txt") && !workspace.exists("f.safetensors"))
  }
}
