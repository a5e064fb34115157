import Formats
import Foundation
import Testing

/// Every subcommand does what it says.
@Suite struct CommandTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test func helpHasExamplesAndGoesToStandardOutput() throws {
    let commands = [
      "", "reproduce", "train", "attack", "certify", "verify", "inspect", "data", "data list",
      "data fetch",
      "data info",
      "model", "model info", "model convert", "theory", "theory critical-radius",
    ]
    for command in commands {
      let outcome = try workspace.succeed("\(command) --help")
      #expect(outcome.errors.isEmpty)
      #expect(outcome.output.contains("  polyrelu \(command.split(separator: " ").first ?? "")"))
    }
    #expect(try workspace.succeed("--version").output == "0.2.0\n")
  }

  @Test func trainInspectAttack() throws {
    let text = try workspace.succeed("\(Tiny.train) --out run --quiet")
    #expect(text.errors.isEmpty)
    for row in ["final loss", "test accuracy", "effective neurons", "numerical rank"] {
      #expect(text.output.contains(row))
    }
    #expect(text.output.hasSuffix("model: run/model.safetensors\n"))
    for file in ["config.json", "environment.json", "metrics.csv", "model.safetensors"] {
      #expect(workspace.exists("run/\(file)"))
    }

    let inspection = try workspace.succeed("inspect --model run --data mixture --json").json()
    #expect(inspection["hiddenWidth"] as? Int == 24)
    for key in ["effectiveNeurons", "numericalRank", "medianBestCosine", "accuracy"] {
      #expect(inspection[key] is NSNumber)
    }
    #expect(try workspace.succeed("inspect --model run").output.contains("effective neurons"))
    let table = try workspace.succeed("inspect --model run --data mixture --neurons 3").output
    #expect(table.contains("cosines of the most contributing neurons"))

    let outcome = try workspace.succeed(
      "attack --model run --data mixture --norm l2 --epsilon 0:2:5 --limit 40 --json --quiet "
        + "--per-sample radii.csv --witnesses witnesses.npz")
    let attack = try outcome.json()
    #expect(
      Set(attack.keys) == [
        "cleanAccuracy", "norm", "attack", "curve", "medianRadius", "halfRadius", "reliable",
        "flags",
        "samples",
        "seconds", "reduction",
      ])
    #expect(attack["samples"] as? Int == 40 && attack["reliable"] as? Bool == true)
    let curve = try #require(attack["curve"] as? [[String: Double]])
    #expect(curve.map { $0["epsilon"] } == [0, 0.5, 1, 1.5, 2])
    let accuracies = curve.compactMap { $0["robustAccuracy"] }
    #expect(accuracies == accuracies.sorted(by: >) && accuracies[0] > 0.9 && accuracies[4] == 0)

    let rows = try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self).split(
      separator: "\n")
    #expect(
      rows[0] == "index,label,predicted,radius,attack,status,gradientPasses,forwardPasses"
        && rows.count == 41)

    let whole = try workspace.succeed(
      "attack --model run --data mixture --norm l2 --epsilon 0:2:5 --limit 5 --json --quiet "
        + "--no-reduction"
    ).json()
    #expect(whole["reduction"] is NSNull)

    // Witnesses are data that the model gets wrong.
    let witnessed = try workspace.succeed("inspect --model run --data witnesses.npz --json").json()
    #expect(try #require(witnessed["accuracy"] as? Double) == 0)
  }

  @Test func digitsWithTheirTestPart() throws {
    let training = try workspace.succeed(
      "train --data digits --labels parity --p 3 --width 20 --epochs 3 --loss cross-entropy "
        + "--normalize-input --bias --center --out run --json --quiet"
    ).json()
    #expect(
      Set(training.keys) == [
        "model", "epochs", "loss", "trainAccuracy", "testAccuracy", "stalled", "seconds",
      ])
    #expect(training["epochs"] as? Int == 3)
    let model = try workspace.succeed("model info run --json").json()
    #expect(model["bias"] as? Bool == true && model["center"] as? Bool == true)
    // The labels of the run are taken over: ten classes would not fit.
    for norm in ["linf", "l1"] {
      let attack = try workspace.run(
        "attack --model run --data digits --norm \(norm) --limit 10 --json --quiet "
          + "--epsilon linspace(0,0.2,3)")
      #expect(attack.status == 0 || attack.status == 3, "\(attack.errors)")
      #expect(try attack.json()["norm"] as? String == norm)
    }
  }

  @Test func stateDictOfPyTorchNeedsItsHyperparameters() throws {
    var file = Safetensors()
    let hidden = (0..<12).map { Float($0) - 5.5 }
    file.tensors["prelulayer.W"] = Tensor(shape: [6, 2], elements: .float32(hidden))
    file.tensors["output_net.weight"] = Tensor(shape: [1, 2], elements: .float32([1, -1]))
    try file.write(to: workspace.path("net.safetensors"))
    let refused = try workspace.run("model info net.safetensors --p 3")
    #expect(
      refused.errors
        == "error: net.safetensors: a PyTorch state dict does not say its hyper-parameters: give --p "
        + "and --normalize-input or --no-normalize-input\n")
    let model = try workspace.succeed(
      "model info net.safetensors --p 3 --no-normalize-input --json"
    ).json()
    #expect(model["p"] as? Double == 3 && model["normalizeInput"] as? Bool == false)
    #expect(model["inputDimension"] as? Int == 6 && model["hiddenWidth"] as? Int == 2)
    try workspace.writeFeatures("features.npz")
    try workspace.succeed(
      "inspect --model net.safetensors --p 3 --no-normalize-input --data features.npz")
  }

  @Test func convertsModels() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let steps = [("run", "a.npz"), ("a.npz", "b.safetensors"), ("b.safetensors", "c.onnx")]
    for (input, output) in steps {
      let outcome = try workspace.succeed("model convert \(input) \(output)")
      #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
    }
    #expect(try workspace.bytes("b.safetensors") == workspace.bytes("run/model.safetensors"))
    #expect(workspace.exists("c.onnx"))
    for line in ["run d.pt", "run d", "c.onnx d.npz", "missing d.npz", "run none/d.npz"] {
      let refused = try workspace.run("model convert \(line)")
      #expect(refused.status == 2 && refused.output.isEmpty)
      #expect(
        refused.errors.hasPrefix("error: ") && refused.errors.split(separator: "\n").count == 1)
    }
  }

  /// At p = 4 the gradient towards other subclasses all but vanishes: PGD finds nothing at a radius
  /// where every sample can be fooled. The checks must notice.
  @Test func weakAttackIsFlagged() throws {
    try workspace.succeed(
      "train --data mixture --dimension 50 --samples 500 --p 4 --width 100 --epochs 300 "
        + "--init-scale 1e-5 --out run --quiet")
    let line = "attack --model run --data mixture --norm l2 --epsilon 0.75 --limit 60 --quiet"
    let weak = try workspace.run("\(line) --attack pgd --json")
    #expect(weak.status == 3 && weak.errors.isEmpty)
    let document = try weak.json()
    #expect(document["reliable"] as? Bool == false && document["medianRadius"] is NSNull)
    #expect(try #require(document["flags"] as? [String]).allSatisfy { $0.contains("too weak") })
    #expect(try workspace.run("\(line) --attack pgd").output.contains("\nUNRELIABLE: "))

    let strong = try workspace.succeed("\(line) --json").json()
    #expect(strong["reliable"] as? Bool == true)
    let curve = try #require(strong["curve"] as? [[String: Double]])
    #expect(curve[0]["robustAccuracy"] == 0)
  }

  @Test func divergenceIsAFailedComputation() throws {
    let outcome = try workspace.run(
      "train --data digits --labels parity --p 3 --optimizer sgd --learning-rate 1e9 --out run")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors
        == "error: training diverged in epoch 1: the loss is no longer a finite number; try a smaller "
        + "learning rate than 1000000000.0 or the logistic loss\n")
  }

  @Test func features() throws {
    try workspace.writeFeatures("features.npz")
    try workspace.succeed(
      "train --data features.npz --p 2 --width 16 --epochs 20 --split train --out run --quiet")
    let outcome = try workspace.run(
      "attack --model run --data features.npz --split test --norm linf --json --quiet")
    #expect(outcome.status == 0 || outcome.status == 3, "\(outcome.errors)")
    #expect(try workspace.succeed("data info features.npz --json").json()["dimension"] as? Int == 6)
  }

  /// The JSON document with sorted keys, without any member "seconds".
  private static func withoutSeconds(_ json: Data) throws -> Data {
    func strip(_ value: Any) -> Any {
      if let object = value as? [String: Any] {
        return object.filter { $0.key != "seconds" }.mapValues(strip)
      }
      return (value as? [Any])?.map(strip) ?? value
    }
    return try JSONSerialization.data(
      withJSONObject: strip(JSONSerialization.jsonObject(with: json)), options: .sortedKeys)
  }

  @Test func reproduce() throws {
    let line = "reproduce p-sweep --preset quick --out run --quiet"
    let first = try workspace.run(line)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("median radius") && first.output.contains("run/report.html\n"))
    for file in ["config.json", "environment.json", "report.html", "results/summary.json"] {
      #expect(workspace.exists("run/\(file)"))
    }
    // Continued when nothing is left to do, the run reports what it has stored.
    let again = try workspace.succeed("\(line) --resume --json")
    // Seconds are for who waits; what is stored does not depend on the machine.
    let stored = try workspace.bytes("run/results/summary.json")
    #expect(try Self.withoutSeconds(Data(again.output.utf8)) == Self.withoutSeconds(stored))
    #expect(!String(decoding: stored, as: UTF8.self).contains("seconds"))
    #expect(try workspace.run(line).errors.contains("--resume"))
  }

  @Test func tables() throws {
    #expect(try workspace.succeed("data list").output.contains("mixture        yes   train test"))
    let list = try JSONSerialization.jsonObject(
      with: Data(workspace.succeed("data list --json").output.utf8))
    #expect((list as? [[String: Any]])?.count == 5)
    let digits = try workspace.succeed("data info digits --labels parity --json").json()
    #expect(digits["classSizes"] as? [Int] == [891, 906] && digits["subclasses"] as? Int == 10)
    #expect(try workspace.succeed("reproduce --list").output.hasPrefix("experiment"))

    let radius = try workspace.succeed("theory critical-radius --p 3 --opposite 4 --json").json()
    #expect(radius["criticalRadius"] as? Double == 0.5.squareRoot())
    let mixture = try workspace.succeed(
      "theory critical-radius --subclasses 16 --positive 6 --json")
    let radii = try #require(try mixture.json()["radii"] as? [[String: Any]])
    #expect(radii.first?["criticalRadius"] as? Double == 0.25)
  }

  @Test func brokenPipeIsQuiet() throws {
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let process = try Program.start(
      ["data", "list"], in: workspace.url, standardOutput: pipe.fileHandleForWriting)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }
}
