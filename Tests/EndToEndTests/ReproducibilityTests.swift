import Foundation
import Testing

/// Same seed, same bytes; killed and resumed, same bytes.
@Suite struct ReproducibilityTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func threadsDoNotMatter() throws {
    for threads in 1...2 {
      try workspace.succeed("\(Tiny.train) --threads \(threads) --out run\(threads) --quiet")
    }
    for file in ["model.safetensors", "metrics.csv", "config.json"] {
      #expect(try workspace.bytes("run1/\(file)") == workspace.bytes("run2/\(file)"))
    }
    try workspace.succeed("\(Tiny.train) --seed 1 --out other --quiet")
    #expect(
      try workspace.bytes("run1/model.safetensors") != workspace.bytes("other/model.safetensors"))
    for threads in 1...2 {
      try workspace.succeed(
        "attack --model run1 --data mixture --norm l2 --limit 30 --threads \(threads) --quiet "
          + "--per-sample radii\(threads).csv")
    }
    #expect(try workspace.bytes("radii1.csv") == workspace.bytes("radii2.csv"))
  }

  @Test(arguments: [
    "sgd --learning-rate 0.1 --momentum 0.5 --p 3", "adam --p 3", "sgd --p 1",
  ])
  func killedAndResumed(optimizer: String) throws {
    let line =
      "train --data mixture --dimension 100 --samples 2000 --width 100 --init-scale 1e-3 "
      + "--epochs 60 --checkpoint-every 0.05 --quiet --optimizer \(optimizer)"
    try workspace.succeed("\(line) --out whole")

    try kill(
      "\(line) --out broken", after: "broken/checkpoints/latest.safetensors",
      before: "broken/model.safetensors")

    try workspace.succeed("\(line) --out broken --resume")
    for file in ["model.safetensors", "metrics.csv"] {
      #expect(try workspace.bytes("whole/\(file)") == workspace.bytes("broken/\(file)"))
    }

    // A finished run is only reported.
    let model = workspace.path("broken/model.safetensors")
    let before = try FileManager.default.attributesOfItem(atPath: model)[.modificationDate] as? Date
    let again = try workspace.succeed("\(line) --out broken --resume --json").json()
    #expect(again["epochs"] as? Int == 60)
    let after = try FileManager.default.attributesOfItem(atPath: model)[.modificationDate] as? Date
    #expect(before == after)
  }

  @Test func killedFlowGoesOn() throws {
    let line =
      "train --data mixture --dimension 60 --samples 300 --width 60 --p 3 --alpha 0.1 "
      + "--normalize-input --optimizer gradient-flow --init-scale 1e-40 --tolerance 1e-6 --checkpoint-every 0.05 "
      + "--quiet"
    for threads in 1...2 {
      try workspace.succeed("\(line) --threads \(threads) --out whole\(threads)")
    }
    try kill(
      "\(line) --out broken", after: "broken/checkpoints/latest.safetensors",
      before: "broken/model.safetensors")
    try workspace.succeed("\(line) --out broken --resume")
    for file in ["model.safetensors", "metrics.csv", "results/neurons.npz", "config.json"] {
      let bytes = try workspace.bytes("whole1/\(file)")
      #expect(try workspace.bytes("whole2/\(file)") == bytes, "\(file), two threads")
      #expect(try workspace.bytes("broken/\(file)") == bytes, "\(file), resumed")
    }
  }

  /// Starts the program and kills it when a file has appeared; another must not be there by then.
  private func kill(_ line: String, after file: String, before last: String) throws {
    let process = try Program.start(
      line.split(separator: " ").map(String.init), in: workspace.url,
      standardOutput: FileHandle.nullDevice)
    let deadline = Date().addingTimeInterval(60)
    while !workspace.exists(file), process.isRunning, Date() < deadline {
      Thread.sleep(forTimeInterval: 0.002)
    }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(workspace.exists(file))
    #expect(!workspace.exists(last), "killed too late to test anything")
  }

  @Test func killedAttackGoesOn() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    // Without the reduction, to take long enough; more samples than are attacked together.
    let line =
      "attack --model run --data mixture --samples 1600 --norm l2 --epsilon 0.2,0.6 --quiet "
      + "--no-reduction"
    try workspace.succeed("\(line) --out whole")

    try kill(
      "\(line) --out broken", after: "broken/checkpoints/attack-0.npz",
      before: "broken/results/samples.csv")

    let refusal = try workspace.run("\(line) --out broken")
    #expect(refusal.status == 2 && refusal.errors.contains("--resume"))
    let other = try workspace.run("\(line) --out broken --resume --seed 5")
    #expect(other.status == 2 && other.errors.contains("other settings"))
    try workspace.succeed("\(line) --out broken --resume --threads 1")
    for file in ["results/samples.csv", "results/witnesses.npz", "figures/robustness.csv"] {
      #expect(try workspace.bytes("whole/\(file)") == workspace.bytes("broken/\(file)"), "\(file)")
    }
  }
}
