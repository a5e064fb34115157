import Formats
import Foundation
import LinearCore
import Networks
import Testing

/// `attack --target`: classes by value, files of targets, and what reports and files say.
@Suite struct TargetTests {
  let workspace: Workspace
  private let attack =
    "attack --model m.npz --data d.npz --norm l2 --attack quick --epsilon 0.5,0.8 --quiet"

  /// f(x) = relu(x), the class the largest coordinate; samples at 2 e_0, 2 e_1, e_2 and e_1, the last of them
  /// said to be of class 0.
  init() throws {
    workspace = try Workspace()
    let one = Matrix<Float>([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    try ModelFile.write(
      try PReLUNetwork<Float>(
        exponent: 1, hiddenWeights: one, outputWeights: one, outputBias: nil, center: nil,
        normalizeInput: false), to: workspace.path("m.npz"))
    try NPZ.write(
      ["X": Tensor(shape: [4, 3], elements: .float32([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0]))],
      labels: ["y": LabelArray(["ant", "bee", "cat", "ant"].map { .name($0) })],
      to: workspace.path("d.npz"))
  }

  private let names = "--classes ant,bee,cat"

  private func write(_ text: String, to name: String) throws {
    try workspace.write(Array(text.utf8), to: name)
  }

  private func column(_ number: Int, of file: String) throws -> [String] {
    try String(decoding: workspace.bytes(file), as: UTF8.self).split(separator: "\n").map {
      String($0.split(separator: ",", omittingEmptySubsequences: false)[number])
    }
  }

  @Test func oneClassForAll() throws {
    let found = try workspace.succeed(
      "\(attack) \(names) --target bee --json --per-sample r.csv --witnesses w.npz")
    let json = try found.json()
    let targets = try #require(json["targets"] as? [String: Any])
    #expect(targets["classes"] as? [String] == ["bee"])
    #expect(targets["attacked"] as? Int == 3 && targets["excluded"] as? Int == 1)
    #expect(targets["reachedUnperturbed"] as? Int == 1)
    #expect(json["samples"] as? Int == 4)
    // Of ant, cat and the ant that is taken for a bee.
    #expect(abs(try #require(json["cleanAccuracy"] as? Double) - 2.0 / 3) < 1e-12)
    let curve = try #require(json["curve"] as? [[String: Double]])
    #expect(curve.map { $0["robustAccuracy"]! * 3 } == [2, 1])
    #expect(
      abs(try #require(json["medianRadius"] as? Double) - 0.5.squareRoot()) < 1e-4)

    #expect(try column(1, of: "r.csv") == ["label", "ant", "bee", "cat", "ant"])
    #expect(try column(2, of: "r.csv") == ["target", "bee", "bee", "bee", "bee"])
    #expect(try column(3, of: "r.csv") == ["predicted", "ant", "bee", "cat", "bee"])
    let radii = try column(4, of: "r.csv").dropFirst().map { Double($0) ?? -1 }
    #expect(abs(radii[0] - 2.0.squareRoot()) < 1e-4 && radii[1].isNaN)
    #expect(abs(radii[2] - 0.5.squareRoot()) < 1e-4 && radii[3] == 0)
    #expect(
      try column(6, of: "r.csv") == [
        "status", "attacked", "excluded", "attacked", "misclassified",
      ])
    #expect(
      try NPZ.labels(path: workspace.path("w.npz"), name: "target")
        == LabelArray([.name("bee"), .name("bee"), .name("bee"), .name("bee")]))

    let text = try workspace.succeed("\(attack) \(names) --target bee").output
    #expect(text.contains("not predicted as target"))
    #expect(text.contains("samples: 3, clean accuracy 0.6667\n"))
    #expect(text.contains("target: 'bee'; predicted so without any perturbation: 1\n"))
    #expect(text.contains("left out, as their label is the target: 1\n"))
  }

  /// The same targets in every kind of file give the same bytes, and the same as a class where they are one.
  @Test func filesOfTargets() throws {
    let targets = ["cat", "ant", "bee", "cat"].map { ClassLabel.name($0) }
    try write("cat\nant\nbee\ncat\n", to: "t.txt")
    try write("index,target\r\n0,cat\r\n1,\"ant\"\r\n2, bee\r\n3,cat\r\n", to: "t.csv")
    try NPZ.write(
      [:], labels: ["target": LabelArray(targets), "y": LabelArray([.integer(1)])],
      to: workspace.path("t.npz"))
    try NPZ.write([:], labels: ["only": LabelArray(targets)], to: workspace.path("o.npz"))
    let archive = try Data(contentsOf: URL(fileURLWithPath: workspace.path("o.npz")))
    let start = try #require(archive.range(of: Data([0x93] + Array("NUMPY".utf8)))).lowerBound
    let end = try #require(archive.range(of: Data([0x50, 0x4B, 1, 2]))).lowerBound
    try archive[start..<end].write(to: URL(fileURLWithPath: workspace.path("t.npy")))
    var first: String?
    for file in ["t.txt", "t.csv", "t.npz", "o.npz", "t.npy"] {
      try workspace.succeed("\(attack) \(names) --target \(file) --per-sample r.csv")
      let table = try String(decoding: workspace.bytes("r.csv"), as: UTF8.self)
      if let first { #expect(table == first, "\(file)") } else { first = table }
    }
    #expect(try column(2, of: "r.csv") == ["target", "cat", "ant", "bee", "cat"])
    #expect(try column(6, of: "r.csv").dropFirst().allSatisfy { $0 == "attacked" })

    // Integers, for a file that may be longer than what is attacked.
    try write("1\n1\n1\n1\n", to: "ones.txt")
    try workspace.succeed("\(attack) \(names) --limit 3 --target bee --per-sample a.csv")
    try write("bee\nbee\nbee\nbee\n", to: "bees.txt")
    try workspace.succeed("\(attack) \(names) --limit 3 --target bees.txt --per-sample b.csv")
    #expect(try workspace.bytes("a.csv") == workspace.bytes("b.csv"))
    let refused = try workspace.run("\(attack) \(names) --target ones.txt")
    #expect(refused.status == 2)
    #expect(
      refused.errors.hasPrefix(
        "error: --target ones.txt: target 1 of sample 0 is unknown to the model"))
  }

  @Test func whatIsNoTargetIsRefusedInALine() throws {
    try write("bee\nbee\n", to: "short.txt")
    try write("a,b\nbee,bee\n", to: "wide.csv")
    try write("target,b\n,bee\nbee,bee\nbee,bee\nbee,bee\n", to: "gap.csv")
    try workspace.write([0, 1, 2, 3], to: "binary.txt")
    let cases = [
      ("dog", "error: --target is 'dog', which is unknown to the model, whose classes are 'ant'"),
      ("7", "error: --target is 7, which is unknown to the model"),
      ("short.txt", "error: --target short.txt: holds 2 targets, expected 4, one a sample\n"),
      ("wide.csv", "error: --target wide.csv: has 2 columns, expected one, or a header"),
      ("gap.csv", "error: --target gap.csv: has no target for sample 0\n"),
      ("binary.txt", "error: --target binary.txt: is neither text nor"),
    ]
    for (target, message) in cases {
      let refused = try workspace.run("\(attack) \(names) --target \(target) --per-sample r.csv")
      #expect(refused.status == 2 && refused.output.isEmpty, "\(target)")
      #expect(refused.errors.hasPrefix(message), "\(target): \(refused.errors)")
      #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
    }
    try write("ant\nbee\ncat\nant\n", to: "own.txt")
    let own = try workspace.run("\(attack) \(names) --target own.txt")
    #expect(own.status == 2 && own.errors.contains("every sample has its target as its label"))
    #expect(!workspace.exists("r.csv"))
    let proof = try workspace.run(
      "certify --model m.npz --data d.npz --norm l2 \(names) --target bee")
    #expect(proof.status == 2 && proof.errors.hasPrefix("error: "))
    #expect(proof.errors.split(separator: "\n").count == 1 && proof.errors.contains("--target"))
  }

  /// A run says its target and goes on with no other.
  @Test func runsKnowTheirTargets() throws {
    let line = "\(attack) \(names) --out run"
    try workspace.succeed("\(line) --target bee")
    let first = try workspace.bytes("run/results/samples.csv")
    let config = try String(decoding: workspace.bytes("run/config.json"), as: UTF8.self)
    #expect(config.contains("\"target\""))
    for other in ["", " --target cat"] {
      let refused = try workspace.run("\(line)\(other) --resume")
      #expect(refused.status == 2, "\(refused.errors)")
      #expect(refused.errors.contains("run/config.json"), "\(refused.errors)")
    }
    try workspace.succeed("\(line) --target bee --resume")
    #expect(try workspace.bytes("run/results/samples.csv") == first)
    try workspace.succeed("\(attack) \(names) --out plain")
    let plain = try String(decoding: workspace.bytes("plain/config.json"), as: UTF8.self)
    #expect(!plain.contains("target"))
  }
}
