import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing

/// Labels keep their values from the data through a model to every command.
@Suite struct LabelTests {
  let workspace: Workspace
  /// Three clusters around the first basis vectors of six dimensions, 40 samples each.
  private let clusters: (inputs: [Float], classes: [Int])

  init() throws {
    workspace = try Workspace()
    var inputs: [Float] = []
    for index in 0..<120 {
      for column in 0..<6 {
        let noise = Float((index * 31 + column * 17) % 13) / 130 - 0.05
        inputs.append((column == index % 3 ? 1 : 0) + noise)
      }
    }
    clusters = (inputs, (0..<120).map { $0 % 3 })
    try ModelFile.write(try Self.identity(), to: workspace.path("three.npz"))
  }

  /// f(x) = relu(x): the class is the largest coordinate.
  private static func identity() throws -> PReLUNetwork<Float> {
    let one = Matrix<Float>([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return try PReLUNetwork(
      exponent: 1, hiddenWeights: one, outputWeights: one, outputBias: nil, center: nil,
      normalizeInput: false)
  }

  /// Writes basis vectors with labels.
  private func write(_ name: String, axes: [Int], width: Int = 3, labels: [ClassLabel]) throws {
    let inputs = axes.flatMap { axis in (0..<width).map { Float($0 == axis ? 1 : 0) } }
    try NPZ.write(
      ["X": Tensor(shape: [axes.count, width], elements: .float32(inputs))],
      labels: ["y": LabelArray(labels)], to: workspace.path(name))
  }

  /// Writes the samples of some clusters under the values of their classes.
  private func writeClusters(_ name: String, _ kept: Set<Int> = [0, 1, 2], values: [ClassLabel])
    throws
  {
    let rows = clusters.classes.indices.filter { kept.contains(clusters.classes[$0]) }
    try NPZ.write(
      [
        "X": Tensor(
          shape: [rows.count, 6],
          elements: .float32(rows.flatMap { clusters.inputs[$0 * 6..<($0 + 1) * 6] }))
      ], labels: ["y": LabelArray(rows.map { values[clusters.classes[$0]] })],
      to: workspace.path(name))
  }

  private func integers(_ values: Int...) -> [ClassLabel] { values.map { .integer($0) } }

  private func accuracy(_ model: String, _ data: String, _ options: String = "") throws -> Double? {
    try workspace.succeed(
      "attack --model \(model) --data \(data) --norm l2 --attack quick --epsilon 0.1 --quiet --json "
        + options
    ).json()["cleanAccuracy"] as? Double
  }

  /// The case that was reported: a file without class 0.
  @Test func aBareModelTakesNumbersFromZero() throws {
    try write("d.npz", axes: [1, 2], labels: integers(1, 2))
    let attacked = try workspace.succeed(
      "attack --model three.npz --data d.npz --norm l2 --epsilon 0.5,0.7,0.72 --quiet --json "
        + "--per-sample radii.csv --witnesses wrong.npz")
    #expect(try attacked.json()["cleanAccuracy"] as? Double == 1)
    let half = try #require(try attacked.json()["medianRadius"] as? Double)
    #expect(abs(half - 0.5.squareRoot()) < 1e-4)
    let rows = try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self)
      .split(separator: "\n").map { $0.split(separator: ",").prefix(3).joined(separator: ",") }
    #expect(rows == ["index,label,predicted", "0,1,1", "1,2,2"])

    let proved = try workspace.succeed(
      "certify --model three.npz --data d.npz --norm l2 --quiet --json --certificates proofs")
    let samples = try #require(try proved.json()["samples"] as? [[String: Any]])
    #expect(samples.map { $0["label"] as? Int } == [1, 2])
    for sample in samples {
      #expect(sample["status"] as? String == "exact")
      #expect(abs(try #require(sample["lower"] as? Double) - 0.5.squareRoot()) < 1e-3)
    }
    let checked = try workspace.succeed(
      "certify --model three.npz --data d.npz --norm l2 --quiet --json --certificates proofs --check"
    )
    #expect(try checked.json()["verified"] as? Int == 2)
    #expect(
      try workspace.succeed("inspect --model three.npz --data d.npz --json").json()["accuracy"]
        as? Double == 1)
    // Adversarial samples keep the labels, so that they are wrong when they are read again.
    #expect(
      try NPZ.labels(path: workspace.path("wrong.npz"), name: "y") == LabelArray(integers(1, 2)))
    #expect(
      try workspace.succeed("inspect --model three.npz --data wrong.npz --json").json()["accuracy"]
        as? Double == 0)
  }

  @Test(arguments: ["attack --norm l2", "certify --norm l2", "inspect"])
  func anUnknownLabelIsRefusedByItsValue(_ command: String) throws {
    try write("d.npz", axes: [1, 2, 0], labels: integers(1, 2, 5))
    try write("n.npz", axes: [1, 2], labels: [.name("bee"), .name("cat")])
    for (data, label) in [("d.npz", "label 5 of sample 2"), ("n.npz", "label 'bee' of sample 0")] {
      let refused = try workspace.run("\(command) --model three.npz --data \(data)")
      #expect(refused.status == 2 && refused.output.isEmpty)
      #expect(
        refused.errors.hasPrefix(
          "error: --data \(data): \(label) is unknown to --model three.npz (the file does not say"),
        "\(refused.errors)")
      #expect(refused.errors.hasSuffix("whose classes are 0, 1 and 2\n"))
      #expect(refused.errors.split(separator: "\n").count == 1)
    }
    let named = try workspace.succeed(
      "inspect --model three.npz --data n.npz --classes ant,bee,cat --json")
    #expect(try named.json()["accuracy"] as? Double == 1)
    let many = try workspace.run("\(command) --model three.npz --data d.npz --classes 1,2,3,5")
    #expect(many.status == 2 && many.errors.contains("values for 4 classes, expected at most 3"))
    let twice = try workspace.run("\(command) --model three.npz --data d.npz --classes 1,2,1")
    #expect(twice.status == 2 && twice.errors.contains("--classes: holds a value twice"))
  }

  @Test func oneOutputTakesBothCustomsOfTwoClasses() throws {
    try ModelFile.write(
      PReLUNetwork<Float>(
        exponent: 1, hiddenWeights: Matrix([[1, 0], [0, 1]]), outputWeights: Matrix([[1, -1]]),
        outputBias: nil, center: nil, normalizeInput: false), to: workspace.path("m.npz"))
    for labels in [integers(1, 0), integers(1, -1)] {
      try write("d.npz", axes: [0, 1], width: 2, labels: labels)
      #expect(try accuracy("m.npz", "d.npz") == 1)
      for axis in [0, 1] {
        try write("one.npz", axes: [axis, axis], width: 2, labels: [labels[axis], labels[axis]])
        #expect(try accuracy("m.npz", "one.npz") == 1, "\(labels[axis])")
      }
    }
    try write("d.npz", axes: [0, 1, 1], width: 2, labels: integers(1, 0, -1))
    let mixed = try workspace.run("attack --model m.npz --data d.npz --norm l2")
    #expect(mixed.status == 2 && mixed.errors.contains("label -1 of sample 2 is unknown"))
    try write("d.npz", axes: [0, 1], width: 2, labels: integers(2, 1))
    let shifted = try workspace.run("attack --model m.npz --data d.npz --norm l2")
    #expect(shifted.status == 2 && shifted.errors.contains("label 2 of sample 0 is unknown"))
  }

  /// Trained on three values, asked about two, in every form that a model has.
  @Test(
    arguments: [
      [.integer(1), .integer(2), .integer(3)], [.integer(9), .integer(-4), .integer(0)],
      [.name("cat"), .name("ant"), .name("bee and more")],
    ] as [[ClassLabel]])
  func aTrainedModelKeepsTheValues(_ values: [ClassLabel]) throws {
    try writeClusters("train.npz", values: values)
    try workspace.succeed(
      "train --data train.npz --split train --p 2 --width 16 --epochs 30 --learning-rate 0.03 "
        + "--batch-size 20 --out run --quiet")
    let sorted = values.sorted()
    for path in ["run/model.safetensors", "run/checkpoints/latest.safetensors"] {
      #expect(try ModelFile.classes(path: workspace.path(path)) == sorted)
    }
    try workspace.succeed("model convert run run.npz")
    try workspace.succeed("model convert run.npz run.safetensors")
    #expect(try ModelFile.classes(path: workspace.path("run.safetensors")) == sorted)
    let info = try workspace.succeed("model info run.npz --json").json()
    #expect((info["classes"] as? [Any])?.count == 3)
    for kept: Set<Int> in [[1, 2], [0], [2], [0, 2]] {
      try writeClusters("some.npz", kept, values: values)
      for model in ["run", "run.npz", "run.safetensors", "run/checkpoints/latest.safetensors"] {
        let inspected = try workspace.succeed("inspect --model \(model) --data some.npz --json")
        #expect(try inspected.json()["accuracy"] as? Double == 1, "\(model) \(kept)")
      }
      #expect(try accuracy("run", "some.npz", "--limit 5") == 1, "\(kept)")
    }
    let proved = try workspace.succeed(
      "certify --model run --data some.npz --norm l2 --limit 3 --nodes 50 --quiet --json"
    ).json()
    let samples = try #require(proved["samples"] as? [[String: Any]])
    #expect(samples.allSatisfy { $0["status"] as? String != "misclassified" })
    let other = try workspace.run("inspect --model run.npz --data some.npz --classes 5,6,7")
    #expect(other.status == 2 && other.errors.contains("but --classes says 5, 6 and 7"))
  }

  /// Floats that are integers are those integers, and a run without its model has a checkpoint.
  @Test func floatsAndCheckpointsAreNoDifference() throws {
    try writeClusters("train.npz", values: integers(1, 2, 3))
    try workspace.succeed(
      "train --data train.npz --p 2 --width 16 --epochs 30 --learning-rate 0.03 --batch-size 20 "
        + "--out run --quiet")
    try FileManager.default.removeItem(atPath: workspace.path("run/model.safetensors"))
    var inputs = [Float](repeating: 0, count: 12)
    (inputs[1], inputs[8]) = (1, 1)
    try NPZ.write(
      [
        "X": Tensor(shape: [2, 6], elements: .float32(inputs)),
        "y": Tensor(shape: [2, 1], elements: .float64([2, 3])),
      ], to: workspace.path("d.npz"))
    #expect(try accuracy("run", "d.npz") == 1)
  }

  /// The values of `mod:N` are 0..<N, and the run's rule is that of its data.
  @Test func labelRulesHoldTogether() throws {
    // Clusters 0, 1, 2 under 7, 4, 2: of remainder 1, 1 and 2 modulo 3.
    try writeClusters("train.npz", values: integers(7, 4, 2))
    try workspace.succeed(
      "train --data train.npz --labels mod:3 --p 2 --width 16 --epochs 30 --learning-rate 0.03 "
        + "--batch-size 20 --out run --quiet")
    #expect(
      try ModelFile.classes(path: workspace.path("run/model.safetensors")) == integers(0, 1, 2))
    #expect(try accuracy("run", "train.npz", "--limit 9") == 1)
    // Other files take the rule from the command line; the values are remainders.
    try writeClusters("some.npz", [0, 2], values: integers(7, 4, 2))
    #expect(try accuracy("run", "some.npz", "--labels mod:3 --limit 9") == 1)
    try writeClusters("remainders.npz", [0, 2], values: integers(1, 1, 2))
    #expect(try accuracy("run", "remainders.npz", "--limit 9") == 1)
    let plain = try workspace.run("attack --model run --data some.npz --norm l2")
    #expect(plain.status == 2 && plain.errors.contains("label 7 of sample 0 is unknown"))
    let inspected = try workspace.succeed(
      "inspect --model run --data some.npz --labels mod:3 --json"
    ).json()
    #expect(inspected["accuracy"] as? Double == 1)
    #expect(inspected["medianBestCosine"] as? Double != nil)
  }

  @Test func gradientFlowKeepsThem() throws {
    try writeClusters("two.npz", [0, 1], values: integers(5, 3, 0))
    try workspace.succeed(
      "train --data two.npz --p 2 --width 8 --optimizer gradient-flow --init-scale 0.1 --time 20 "
        + "--out flow --quiet")
    let model = "flow/model.safetensors"
    #expect(try ModelFile.classes(path: workspace.path(model)) == integers(3, 5))
    try writeClusters("one.npz", [0], values: integers(5, 3, 0))
    #expect(try accuracy(model, "one.npz", "--limit 5") == 1)
  }

  @Test func deepModelsKeepThem() throws {
    let network = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 3),
        layers: [DensePReLU(units: 3, exponent: 1), LinearHead(outputs: 3)]),
      parameters: [
        Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        Matrix([[0, 0, 0]]),
      ])
    try DeepModelFile.write(network, to: workspace.path("bare.safetensors"))
    try DeepModelFile.write(
      network, to: workspace.path("named.safetensors"),
      classes: [.integer(30), .integer(10), .integer(20)])
    try write("bare.npz", axes: [1, 2], labels: integers(1, 2))
    try write("named.npz", axes: [1, 2], labels: integers(10, 20))
    for name in ["bare", "named"] {
      #expect(try accuracy("\(name).safetensors", "\(name).npz") == 1)
      let inspected = try workspace.succeed(
        "inspect --model \(name).safetensors --data \(name).npz --json")
      #expect(try inspected.json()["accuracy"] as? Double == 1)
    }
    let refused = try workspace.run("attack --model named.safetensors --data bare.npz --norm l2")
    #expect(refused.status == 2)
    #expect(
      refused.errors.contains(
        "bare.npz: label 1 of sample 0 is unknown to --model named.safetensors, whose classes are 30, 10 and 20"
      ))
    try workspace.succeed("model convert named.safetensors again.safetensors")
    #expect(try accuracy("again.safetensors", "named.npz") == 1)
  }
}
