import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing

/// Numbers that are no numbers, too small or too large for every flag that takes one, and small files that ask for
/// much: one line and status 2, or an answer; never a crash, and within 2 GB and 60 seconds.
@Suite struct LimitTests {
  let workspace: Workspace

  /// `d.npz`: four samples at known distances. `m.npz`: the network x_0 - x_1.
  init() throws {
    workspace = try Workspace()
    try NPZ.write(
      [
        "X": Tensor(shape: [4, 2], elements: .float32([1, 0, 0, 1, 1, 0.2, 0.2, 1])),
        "y": Tensor(shape: [4], elements: .int64([1, 0, 1, 0])),
      ], to: workspace.path("d.npz"))
    try writeModel("m.npz", degree: 1)
  }

  private func writeModel(_ name: String, degree: Double) throws {
    try NPZ.write(
      [
        "hiddenWeights": Tensor(shape: [2, 2], elements: .float32([1, 0, 0, 1])),
        "outputWeights": Tensor(shape: [1, 2], elements: .float32([1, -1])),
        "p": Tensor(shape: [], elements: .float64([degree])),
        "normalizeInput": Tensor(shape: [], elements: .int64([0])),
      ], to: workspace.path(name))
  }

  /// An outcome that is an answer, a failure, or a refusal in one line, and leaves nothing where it is a refusal.
  private func expectGraceful(_ outcome: Outcome, _ line: String) {
    #expect((0...3).contains(outcome.status), "\(line): \(outcome.status) \(outcome.errors)")
    guard (1...2).contains(outcome.status) else { return }
    #expect(outcome.errors.hasPrefix("error: "), "\(line): \(outcome.errors)")
    #expect(outcome.errors.count { $0 == "\n" } == 1 && outcome.errors.count < 1000, "\(line)")
    #expect(outcome.output.isEmpty, "\(line)")
  }

  static let flags: [(String, [String])] = [
    (
      "train --data d.npz --out OUT --quiet",
      [
        "p", "width", "init-scale", "batch-size", "learning-rate", "momentum", "weight-decay",
        "checkpoint-every", "seed", "threads", "epochs",
      ]
    ),
    (
      "train --data mixture --out OUT --quiet",
      ["dimension", "subclasses", "positive", "alpha", "samples", "data-seed"]
    ),
    (
      "train --data d.npz --out OUT --quiet --optimizer gradient-flow",
      ["time", "stop-loss", "tolerance", "record-at", "init-scale", "p"]
    ),
    (
      "attack --model m.npz --data d.npz --norm l2 --quiet --attack apgd-ce",
      ["epsilon", "limit", "seed", "threads", "p", "steps", "restarts"]
    ),
    (
      "certify --model m.npz --data d.npz --norm l2 --quiet",
      [
        "limit", "timeout-per-sample", "gap", "threads", "seed", "smoothing", "smoothing-samples",
        "smoothing-confidence",
      ]
    ),
    ("inspect --model m.npz --data d.npz", ["neurons", "p", "threads", "seed"]),
    ("data info d.npz", ["seed", "threads", "labels"]),
    ("theory critical-radius", ["p", "opposite", "subclasses", "positive"]),
    ("reproduce p-sweep --data OUT --out OUT --quiet", ["repeats", "threads", "seed"]),
  ]

  /// What each command needs besides the flag that is tried.
  private static let defaults: [String: [(String, String)]] = [
    "train": [
      ("p", "2"), ("width", "4"), ("epochs", "1"), ("dimension", "20"), ("subclasses", "4"),
      ("positive", "2"), ("samples", "50"), ("time", "5"), ("init-scale", "1e-2"),
    ],
    "attack": [("epsilon", "0.1")],
    "certify": [("smoothing", "0.25"), ("smoothing-samples", "100")],
    "theory": [("p", "3"), ("opposite", "4")],
  ]

  /// Beyond Int, beyond what counts, beyond single precision, below it, and nothing.
  static let values =
    ["-1", "9223372036854775807", "1e300", "nan", ""]
    + (ProcessInfo.processInfo.environment["POLYRELU_CAMPAIGN"] == nil
      ? [] : ["0", "9223372036854775808", "inf", "1e-320"])

  @Test(arguments: flags) func numbersOutOfRange(command: String, flags: [String]) throws {
    let words = command.split(separator: " ").map(String.init)
    for flag in flags {
      for value in Self.values {
        var arguments = words
        for (name, text) in Self.defaults[words[0]] ?? [] where name != flag {
          let isOfMixture = ["dimension", "subclasses", "positive", "samples"].contains(name)
          let isOfFlow = name == "time"
          if words[0] == "train", isOfMixture, !command.contains("mixture") { continue }
          if isOfFlow, !command.contains("gradient-flow") { continue }
          if name == "epochs", command.contains("gradient-flow") { continue }
          if words[0] == "theory", flag == "subclasses" || flag == "positive" { continue }
          arguments += ["--" + name, text]
        }
        if words[0] == "theory", flag == "subclasses" { arguments += ["--positive", "6"] }
        if words[0] == "theory", flag == "positive" { arguments += ["--subclasses", "10"] }
        arguments += ["--" + flag, flag == "labels" ? "mod:" + value : value]
        let outcome = try workspace.runLimited(arguments)
        expectGraceful(outcome, arguments.joined(separator: " "))
        // Nothing that needs a number takes one that is none.
        if ["", "nan"].contains(value) {
          #expect(outcome.status == 2 && outcome.errors.contains("--" + flag), "\(arguments)")
        }
        try? FileManager.default.removeItem(at: workspace.url.appendingPathComponent("OUT"))
      }
    }
  }

  @Test(arguments: [
    ("train --data d.npz --p 1e300 --out x", "--p is '1e300', expected a number from 1 to 1000"),
    (
      "train --data d.npz --p 2 --width 100000000000 --out x",
      "--width is '100000000000', expected a whole number from 1 to 1000000000"
    ),
    (
      "train --data d.npz --p 2 --width 1000000000 --out x",
      "--width is 1000000000, expected 1 to 89478485 for 2 coordinates and 1 outputs"
    ),
    (
      "attack --model m.npz --data d.npz --norm l2 --attack pgd --steps 9223372036854775807",
      "--steps is '9223372036854775807', expected a whole number from 1 to 1000000000"
    ),
    (
      "attack --model m.npz --data d.npz --norm l2 --attack pgd --steps 1000000000",
      "--steps is 1000000000, expected at most 1000000"
    ),
    (
      "certify --model m.npz --data d.npz --norm l2 --smoothing 1 --smoothing-samples "
        + "9223372036854775807",
      "--smoothing-samples is '9223372036854775807', expected a whole number from 1 to 1000000000"
    ),
    (
      "certify --model m.npz --data d.npz --norm l2 --smoothing 1 --smoothing-confidence 1e-17",
      "--smoothing-confidence is '1e-17', expected a number from 1e-9 to 1 - 1e-9"
    ),
    (
      "data info d.npz --labels mod:9223372036854775807",
      "--labels is 'mod:9223372036854775807', expected digit, category, parity or mod:N with N from 2 to "
        + "10000"
    ),
  ])
  func wholeMessage(line: String, message: String) throws {
    let outcome = try workspace.runLimited(line.split(separator: " ").map(String.init))
    #expect(
      outcome.status == 2 && outcome.errors == "error: \(message)\n" && outcome.output.isEmpty)
    #expect(try workspace.files() == ["d.npz", "m.npz"])
  }

  @Test(arguments: [1e19, 1e15, 1000.5, -1]) func degreesInFiles(degree: Double) throws {
    try writeModel("p.npz", degree: degree)
    for command in [
      "model info p.npz", "inspect --model p.npz", "attack --model p.npz --data d.npz --norm l2",
      "certify --model p.npz --data d.npz --norm l2", "model convert p.npz q.safetensors",
    ] {
      let outcome = try workspace.runLimited(command.split(separator: " ").map(String.init))
      #expect(
        outcome.status == 2
          && outcome.errors == "error: p.npz: p is \(degree); expected a number from 1 to 1000\n")
    }
    #expect(!workspace.exists("q.safetensors"))
  }

  /// An empty residual block, and windows of 17 GB.
  @Test func deepModels() throws {
    let network = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 2),
        layers: [Residual([]), LinearHead(outputs: 1, hasBias: false)]),
      parameters: [Matrix([[1, -1]])])
    try DeepModelFile.write(network, to: workspace.path("empty.safetensors"))
    let report = try workspace.succeed("inspect --model empty.safetensors --data d.npz --json")
      .json()
    #expect(report["accuracy"] as? Double == 1)
    #expect((report["layers"] as? [Any])?.count == 2)

    let layers =
      #"[{"kind":"convolutional-prelu","filters":1,"kernel":256,"stride":1,"padding":255,"exponent":2,"#
      + #""normalizesInput":false},{"kind":"global-average-pooling"}]"#
    let json = #"{"inputShape":{"channels":1,"columns":1,"rows":2},"layers":\#(layers)}"#
    try Safetensors(
      tensors: [
        "layers.0.weights": Tensor(
          shape: [1, 65536], elements: .float32(.init(repeating: 1, count: 65536)))
      ], metadata: ["format": "polyrelu-deep-1", "architecture": json]
    ).write(to: workspace.path("wide.safetensors"))
    for line in [
      "model info wide.safetensors", "attack --model wide.safetensors --data d.npz --norm l2",
    ] {
      let outcome = try workspace.runLimited(line.split(separator: " ").map(String.init))
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(
        outcome.errors.hasPrefix(
          "error: wide.safetensors: has a bad architecture: layer 0 (convolutional-prelu): 65792 windows"
        ))
    }
  }

  /// 100 kB that expand to 100 MB, as arrays of data and of a model, and as labels of MNIST.
  @Test func filesThatExpandAreRefusedAtOnce() throws {
    let count = 25_000_000
    let zeros = Tensor(shape: [1, count], elements: .float32(.init(repeating: 0, count: count)))
    try NPZ.write(
      [
        "X": zeros, "y": Tensor(shape: [1], elements: .int64([1])), "hiddenWeights": zeros,
        "outputWeights": Tensor(shape: [1, 1], elements: .float32([1])),
      ], to: workspace.path("zeros.npz"), isCompressed: true)
    let labels = Gzip.compress(
      IDX.encode([UInt8](repeating: 1, count: 1 << 26), shape: [1 << 26]))
    try workspace.write(labels, to: "t10k-labels-idx1-ubyte.gz")
    try workspace.write(
      IDX.encode([UInt8](repeating: 0, count: 784), shape: [1, 28, 28]),
      to: "t10k-images-idx3-ubyte")
    let environment = ["POLYRELU_DATA": workspace.url.path]
    for (line, part) in [
      ("data info zeros.npz", "zeros.npz: entry 'X.npy' expands "),
      ("inspect --model zeros.npz --p 2", "zeros.npz: entry 'hiddenWeights.npy' expands "),
      ("data info mnist --split test", "t10k-labels-idx1-ubyte.gz: has "),
    ] {
      let start = Date()
      let outcome = try workspace.runLimited(
        line.split(separator: " ").map(String.init), environment: environment)
      #expect(outcome.status == 2 && outcome.errors.contains(part), "\(line): \(outcome.errors)")
      #expect(Date().timeIntervalSince(start) < 20)
    }
  }

  @Test func pipesAreRefused() throws {
    try #require(mkfifo(workspace.path("fifo"), 0o600) == 0)
    for line in [
      "data info ./fifo", "model info fifo", "inspect --model fifo",
      "inspect --model m.npz --data ./fifo",
      "attack --model m.npz --data ./fifo --norm l2", "train --data ./fifo --p 2 --out x",
    ] {
      let outcome = try workspace.runLimited(line.split(separator: " ").map(String.init))
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
      #expect(outcome.errors.contains("fifo: is not a regular file"), "\(line): \(outcome.errors)")
    }
    #expect(try workspace.files() == ["d.npz", "m.npz", "fifo"])
  }

  /// 20,000 classes: the centres that are compared are counted, and no line is longer than a screen is wide twice.
  @Test func manyClasses() throws {
    let count = 20_000
    let inputs = (0..<count * 2).map { Float($0 % 2 == 0 ? $0 / 2 : 0) }
    try NPZ.write(
      [
        "X": Tensor(shape: [count, 2], elements: .float32(inputs)),
        "y": Tensor(shape: [count], elements: .int64((0..<count).map { Int64($0) })),
      ], to: workspace.path("many.npz"))
    let outcome = try workspace.runLimited(["data", "info", "many.npz", "--json"])
    let document = try outcome.json()
    let distances = try #require(document["distances"] as? [String: Any])
    #expect(document["classes"] as? Int == count && distances["centers"] as? Int == count)
    // Every tenth centre: 10 apart on a line, a third of its length on average.
    #expect(distances["comparedCenters"] as? Int == 2000)
    #expect(distances["smallestBetweenClasses"] as? Double == 10)
    let mean = try #require(distances["meanBetweenClasses"] as? Double)
    #expect(abs(mean - 10 * 2001 / 3) < 1e-6)
    let text = try workspace.succeed("data info many.npz").output
    #expect(text.contains("2000 of the 20000 centres") && text.contains("… 19980 more classes"))
  }

  @Test func longNamesDoNotFillTheScreen() throws {
    let name = String(repeating: "x", count: 1_000_000)
    let tensor = Tensor(shape: [1], elements: .float32([1]))
    try Safetensors(tensors: [name: tensor]).write(to: workspace.path("long.safetensors"))
    for line in ["model info long.safetensors", "data info long.safetensors"] {
      let outcome = try workspace.run(line)
      #expect(outcome.status == 2 && outcome.errors.count < 500, "\(outcome.errors.prefix(600))")
    }
  }
}
