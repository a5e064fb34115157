import Formats
import Foundation
import Testing

/// `polyrelu verify`.
@Suite struct VerifyTests {
  let workspace: Workspace

  /// `net.onnx`: y = (relu(x_0) + relu(-x_0), x_1).
  init() throws {
    workspace = try Workspace()
    try write("net.onnx")
  }

  private func write(_ name: String, last: String? = nil) throws {
    var model = ONNXModel(
      name: "f", documentation: "", input: .init(name: "x", width: 2),
      output: .init(name: "y", width: 2))
    model.constants["a"] = Tensor(
      shape: [2, 4], elements: .float32([1, -1, 0, 0, 0, 0, 1, -1]))
    model.constants["b"] = Tensor(
      shape: [4, 2], elements: .float32([1, 0, 1, 0, 0, 1, 0, -1]))
    model.append("MatMul", ["x", "a"], to: "z")
    model.append("Relu", ["z"], to: "h")
    model.append("MatMul", ["h", "b"], to: last == nil ? "y" : "f")
    if let last { model.append(last, ["f"], to: "y") }
    try model.write(to: workspace.path(name))
  }

  private func property(_ name: String, _ assertions: String, inputs: Int = 2) throws {
    var text = ""
    for i in 0..<inputs { text += "(declare-const X_\(i) Real)\n" }
    text += "(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n"
    for i in 0..<inputs { text += "(assert (<= X_\(i) 1))(assert (>= X_\(i) -1))\n" }
    try workspace.write(Array((text + assertions).utf8), to: name)
  }

  @Test func answers() throws {
    // |x_0| is at least 0 and at most 1.
    try property("holds.vnnlib", "(assert (or (<= Y_0 -0.001) (>= Y_0 1.001)))")
    let holds = try workspace.succeed(
      "verify --model net.onnx --property holds.vnnlib --quiet --witness w.txt")
    #expect(holds.output.hasPrefix("holds\n") && !workspace.exists("w.txt"))
    try property("violated.vnnlib", "(assert (>= Y_0 0.75))(assert (<= Y_1 -0.5))")
    let line = "verify --model net.onnx --property violated.vnnlib --quiet --witness w.txt"
    let found = try workspace.succeed(line + " --json").json()
    #expect(found["result"] as? String == "violated")
    #expect(found["competitionResult"] as? String == "sat")
    let point = try #require(found["counterexample"] as? [String: [Double]])
    let (x, y) = try (#require(point["input"]), #require(point["outputs"]))
    #expect(abs(x[0]) >= 0.75 && x[1] <= -0.5 && y == [abs(x[0]), x[1]])
    let text = try String(decoding: workspace.bytes("w.txt"), as: UTF8.self)
    #expect(text == "((X_0 \(x[0]))\n (X_1 \(x[1]))\n (Y_0 \(y[0]))\n (Y_1 \(y[1])))\n")
    #expect(try workspace.succeed(line).output.hasPrefix("violated\ncounterexample: w.txt\n"))
  }

  @Test func timeMayBeOver() throws {
    // Held by a hair: |x_0| >= 0 is attained.
    try property("close.vnnlib", "(assert (<= Y_0 -1e-18))")
    let found = try workspace.succeed(
      "verify --model net.onnx --property close.vnnlib --quiet --json --timeout 1"
    ).json()
    #expect(found["result"] as? String == "unknown")
    #expect(found["competitionResult"] as? String == "unknown")
    #expect(found["counterexample"] is NSNull)
  }

  /// Where no bounds are known counterexamples are still found.
  @Test func operatorsWithoutBounds() throws {
    try write("tanh.onnx", last: "Tanh")
    try property("some.vnnlib", "(assert (>= Y_0 0.5))")
    #expect(
      try workspace.succeed("verify --model tanh.onnx --property some.vnnlib --quiet").output
        .hasPrefix("violated\n"))
    try property("none.vnnlib", "(assert (>= Y_0 0.9))")
    let unknown = try workspace.succeed(
      "verify --model tanh.onnx --property none.vnnlib --quiet --timeout 2")
    #expect(unknown.output.hasPrefix("unknown\n") && unknown.output.contains("no proof: step"))
  }

  @Test func badInputIsOneLine() throws {
    try property("good.vnnlib", "(assert (<= Y_0 0))")
    try property("three.vnnlib", "(assert (<= Y_0 0))", inputs: 3)
    try property("bad.vnnlib", "(assert (<= Y_0 Z))")
    try write("soft.onnx", last: "Softmax")
    for (line, expected) in [
      ("--model net.onnx --property bad.vnnlib", "--property bad.vnnlib: line 7: has 'Z'"),
      ("--model net.onnx --property three.vnnlib", "declares 3 inputs X, expected 2"),
      ("--model net.onnx --property none.vnnlib", "--property none.vnnlib: cannot be opened"),
      ("--model soft.onnx --property good.vnnlib", "--model soft.onnx: the final Softmax"),
      ("--model net.onnx --property good.vnnlib --timeout 0", "--timeout is '0'"),
      ("--model net.onnx --property good.vnnlib --witness no/w.txt", "--witness no/w.txt"),
      ("--model net.onnx", "--property is missing"),
    ] {
      let outcome = try workspace.run("verify \(line) --quiet")
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
      #expect(
        outcome.errors.hasPrefix("error: ") && outcome.errors.contains(expected),
        "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
  }
}
