import Formats
import Foundation
import Testing

/// Checkpoints whose contents are not those that were written: never trusted, never a trap.
@Suite struct CheckpointDamageTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// A network of two neurons whose l2 radii on the data are 0.7071 and 0.5657.
  private func writeTwoNeurons() throws {
    func floats(_ shape: [Int], _ values: [Float]) -> Tensor {
      Tensor(shape: shape, elements: .float32(values))
    }
    try NPZ.write(
      [
        "hiddenWeights": floats([2, 2], [1, 0, 0, 1]), "outputWeights": floats([1, 2], [1, -1]),
        "p": floats([], [1]), "normalizeInput": Tensor(shape: [], elements: .int64([0])),
      ], to: workspace.path("m.npz"))
    try NPZ.write(
      [
        "X": floats([4, 2], [1, 0, 0, 1, 1, 0.2, 0.2, 1]),
        "y": Tensor(shape: [4], elements: .int64([1, 0, 1, 0])),
      ], to: workspace.path("d.npz"))
  }

  private let attack = "attack --model m.npz --data d.npz --attack quick --quiet --no-reduction"

  private func radii(_ run: String) throws -> [Double] {
    String(decoding: try workspace.bytes("\(run)/results/samples.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst().compactMap { Double($0.split(separator: ",")[3]) }
  }

  private func expectTrueRadii(_ run: String) throws {
    for (radius, expected) in zip(try radii(run), [0.70711, 0.70711, 0.56569, 0.56569]) {
      #expect(abs(radius - expected) < 1e-4)
    }
  }

  @Test(arguments: [
    "negated", "huge", "nan", "wider", "narrower", "rows", "attack", "unsealed",
    "sealed as another",
    "cut", "empty",
  ])
  func attackChunks(_ damage: String) throws {
    try writeTwoNeurons()
    let line = "\(attack) --norm l2 --out found"
    try workspace.succeed(line)
    try expectTrueRadii("found")
    let samples = try workspace.bytes("found/results/samples.csv")
    let path = workspace.path("found/checkpoints/attack-0.npz")
    var tensors = try NPZ.read(path: path)
    let perturbation = try #require(tensors["perturbation"])
    func perturbations(_ columns: Int, _ change: (Float) -> Float) -> Tensor {
      let values = (0..<4 * columns).map { i in
        let (row, column) = (i / columns, i % columns)
        return column < 2 ? change(perturbation.floats[2 * row + column]) : 0
      }
      return Tensor(shape: [4, columns], elements: .float32(values))
    }
    switch damage {
    case "negated":
      tensors["radius"] = Tensor(
        shape: [4], elements: .float64(tensors["radius"]!.doubles.map { -$0 }))
    case "huge": tensors["perturbation"] = perturbations(2) { $0 * 1e30 }
    case "nan": tensors["perturbation"] = perturbations(2) { _ in .nan }
    case "wider": tensors["perturbation"] = perturbations(3) { $0 }
    case "narrower": tensors["perturbation"] = perturbations(1) { $0 }
    case "rows": tensors["rows"] = Tensor(shape: [4], elements: .int64([0, 1, 2, .max]))
    case "attack": tensors["attack"] = Tensor(shape: [4], elements: .int64([.min, -1, 0, .max]))
    case "unsealed": tensors["seal"] = nil
    case "sealed as another": tensors["seal"] = Tensor(shape: [4], elements: .int64([1, 2, 3, 4]))
    default: break
    }
    try NPZ.write(tensors, to: path)
    if damage == "cut" { truncate(path, 100) }
    if damage == "empty" { truncate(path, 0) }
    let again = try workspace.succeed("\(line) --resume")
    #expect(
      again.errors.contains("attack-0.npz") && again.errors.contains("attacked again"),
      "\(again.errors)")
    #expect(again.errors.count { $0 == "\n" } == 1)
    #expect(try workspace.bytes("found/results/samples.csv") == samples)
    // What was attacked again is whole.
    #expect(try workspace.succeed("\(line) --resume").errors.isEmpty)
  }

  /// An l2 chunk never serves another norm, network or data, also when nothing else tells what it is.
  @Test func chunksOfOtherAttacks() throws {
    try writeTwoNeurons()
    try workspace.succeed("\(attack) --norm linf --out whole")
    try workspace.succeed("\(attack) --norm l2 --out found")
    let refused = try workspace.run("\(attack) --norm linf --out found --resume")
    #expect(refused.status == 2 && refused.errors.contains("other settings"))
    unlink(workspace.path("found/config.json"))
    let outcome = try workspace.succeed("\(attack) --norm linf --out found --resume")
    #expect(outcome.errors.contains("a part of another attack"))
    #expect(try radii("found") == radii("whole"))
    #expect(try abs(#require(radii("found").first) - 0.5) < 1e-5)
  }

  @Test(arguments: ["cut", "other", "missing"])
  func modelsOfFinishedRuns(_ damage: String) throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let model = try workspace.bytes("run/model.safetensors")
    let path = workspace.path("run/model.safetensors")
    switch damage {
    case "cut": truncate(path, 0)
    case "other":
      try workspace.succeed("\(Tiny.train) --seed 7 --out other --quiet")
      try workspace.bytes("other/model.safetensors").write(to: URL(fileURLWithPath: path))
    default: unlink(path)
    }
    if damage == "cut" {
      #expect(try workspace.run("inspect --model run").status == 2)
    }
    let outcome = try workspace.succeed("\(Tiny.train) --out run --quiet --resume")
    #expect(outcome.errors.contains("written again from the checkpoint") == (damage != "missing"))
    #expect(try workspace.bytes("run/model.safetensors") == model)
  }

  private let flow =
    "train --data mixture --dimension 20 --subclasses 4 --positive 2 --samples 60 --width 10 --p 3 "
    + "--optimizer gradient-flow --init-scale 1e-3 --quiet --out run"

  /// Every tensor and every number of a checkpoint, damaged in every way, is a refusal that names the file.
  @Test(arguments: [true, false]) func trainingCheckpoints(isFlow: Bool) throws {
    let line = isFlow ? flow : "\(Tiny.train) --out run --quiet"
    try workspace.succeed(line)
    let name = "run/checkpoints/latest.safetensors"
    let path = workspace.path(name)
    let whole = try Safetensors(path: path)
    func refused(_ what: String, _ change: (inout Safetensors) -> Void) throws {
      // Sealed files are found out by their seal; those of the last version have none.
      for isSealed in [true, false] {
        var file = whole
        if !isSealed { file.metadata["sha256"] = nil }
        change(&file)
        try file.write(to: path)
        let outcome = try workspace.run("\(line) --resume")
        #expect(outcome.status == 2 && outcome.output.isEmpty, "\(what): \(outcome.errors)")
        #expect(outcome.errors.contains(name), "\(what): \(outcome.errors)")
        #expect(outcome.errors.count { $0 == "\n" } == 1, "\(what)")
      }
    }
    func tensor(_ name: String, _ change: ([Double]) -> [Double]) -> Tensor {
      let old = whole.tensors[name]!
      return Tensor(shape: old.shape, elements: .float64(change(old.doubles)))
    }
    if isFlow {
      try refused("pattern") {
        $0.tensors["pattern"] = Tensor(shape: [1], elements: .int64([.max]))
      }
      try refused("negative pattern") {
        $0.tensors["pattern"] = Tensor(shape: [1], elements: .int64([.min]))
      }
      try refused("nan") { $0.tensors["state"] = tensor("state") { $0.map { _ in .nan } } }
      try refused("x 1e30") { $0.tensors["state"] = tensor("state") { $0.map { $0 * 1e30 } } }
      try refused("derivative") {
        $0.tensors["derivative"] = tensor("derivative") { $0.map { _ in .infinity } }
      }
      try refused("width") {
        $0.tensors["cosine"] = Tensor(shape: [0, 0, 0], elements: .float32([]))
      }
      for (old, new) in [
        ("\"stride\" : 1", "\"stride\" : 0"),
        ("\"stride\" : 1", "\"stride\" : 9223372036854775807"),
        ("\"accepted\" : ", "\"accepted\" : -1"),
        ("\"rejected\" : ", "\"rejected\" : 92233720368547758"),
        ("\"stepSize\" : ", "\"stepSize\" : -"), ("\"time\" : ", "\"time\" : -1"),
      ] {
        try refused("\(new)") {
          $0.metadata["flow"] = $0.metadata["flow"]!.replacingOccurrences(of: old, with: new)
        }
      }
    } else {
      try refused("nan") {
        $0.tensors["hiddenWeights"] = tensor("hiddenWeights") { $0.map { _ in .nan } }
      }
      try refused("shape") {
        $0.tensors["hiddenWeights"] = Tensor(
          shape: [1, 20], elements: .float32(Array(repeating: 1, count: 20)))
      }
      for (old, new) in [
        ("\"stepCount\":", "\"stepCount\":-"), ("\"stepCount\":", "\"stepCount\":99999999"),
        ("\"epoch\":1,", "\"epoch\":-1,"),
      ] {
        try refused("\(new)") {
          $0.metadata["training"] = $0.metadata["training"]!.replacingOccurrences(
            of: old, with: new)
        }
      }
    }
    truncate(path, 64)
    let cut = try workspace.run("\(line) --resume")
    #expect(cut.status == 2 && cut.errors.contains(name))
    // The whole one is still good.
    try whole.write(to: path)
    try workspace.succeed("\(line) --resume")
  }
}
