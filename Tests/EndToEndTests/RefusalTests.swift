import Foundation
import Testing

/// Wrong usage and input: one line, status 2, nothing on standard output, nothing left behind.
@Suite struct RefusalTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func refused(_ line: String, saying expected: String? = nil, naming part: String? = nil)
    throws
  {
    let before = try workspace.files()
    let outcome = try workspace.run(line)
    #expect(outcome.status == 2, "\(line)")
    #expect(outcome.output.isEmpty, "\(line)")
    #expect(outcome.errors.hasPrefix("error: "), "\(line): \(outcome.errors)")
    #expect(outcome.errors.hasSuffix("\n") && outcome.errors.count { $0 == "\n" } == 1, "\(line)")
    if let expected { #expect(outcome.errors == "error: \(expected)\n") }
    if let part { #expect(outcome.errors.contains(part), "\(line): \(outcome.errors)") }
    #expect(try workspace.files() == before, "\(line)")
  }

  @Test(arguments: [
    ("train --data digits --p 0.5 --out x", "--p is '0.5', expected a number from 1 to 1000"),
    ("train --data digits --out x", "--p is missing; it is required"),
    (
      "train --data mixture --positive 10 --p 3 --out x",
      "--positive is 10, expected at least 1 and less than the 10 subclasses"
    ),
    (
      "train --data mixture --dimension 5 --p 3 --out x",
      "--subclasses is 10, expected between 2 and the dimension 5"
    ),
    (
      "train --data digits --p 3 --optimizer gradient-flow --epochs 5 --out x",
      "--epochs: --optimizer gradient-flow has no such option"
    ),
    (
      "train --data digits --p 3 --tolerance 1e-6 --out x",
      "--tolerance: only --optimizer gradient-flow has this option"
    ),
    (
      "train --data mixture --p 3 --init-scale 1e-80 --out x",
      "--init-scale is 1e-80, expected more than 1e-22; smaller ones take --optimizer "
        + "gradient-flow"
    ),
    (
      "train --data mixture --dimension 20 --samples 50 --width 5 --p 3 --optimizer gradient-flow "
        + "--integrator euler --out x",
      "--integrator is euler, expected one of bogacki-shampine, dormand-prince, tsitouras"
    ),
    (
      "train --data digits --p 3 --out /proc/x", "--out /proc/x: cannot create the directory"
    ),
    (
      "train --data digits --p 3 --loss squared --out x",
      "--loss is squared, which is for two classes; expected cross-entropy for the 10 classes of "
        + "digits"
    ),
    (
      "train --data nonsense --p 3 --out x",
      "no data set or file is called 'nonsense'; expected one of mixture, digits, mnist, "
        + "fashion-mnist, cifar10, a .npz, .safetensors, .npy or .csv file"
    ),
    (
      "data fetch digits",
      "no data set called 'digits' can be fetched; expected one of mnist, fashion-mnist, cifar10"
    ),
    (
      "data fetch mnist --mirror ftp://x",
      "--mirror is 'ftp://x', expected an address that starts with http:// or https://"
    ),
    (
      "nonsense",
      "no command 'nonsense', expected one of reproduce, train, attack, certify, verify, predict, inspect, data, "
        + "model, theory"
    ),
  ])
  func wholeMessage(line: String, message: String) throws { try refused(line, saying: message) }

  @Test(arguments: [
    ("train --data digits --p abc --out x", "--p"),
    ("train --data digits --p 3 --out x --width 0", "--width"),
    ("train --data digits --p 3 --out x --learning-rate -1", "--learning-rate"),
    ("train --data digits --p 3 --out x --optimizer sgd --momentum 1", "--momentum"),
    ("train --data digits --p 3 --out x --momentum 0.5", "--momentum"),
    ("train --data digits --p 3 --out x --batch-size 0", "--batch-size"),
    ("train --data digits --p 3 --out x --init-scale 0", "--init-scale"),
    ("train --data digits --p 3 --out x --loss nonsense", "--loss"),
    ("train --data digits --p 3 --out x --split nonsense", "--split"),
    ("train --data digits --p 3 --out x --test-split nonsense", "nonsense"),
    ("train --data digits --p 3 --out x --labels mod:1", "--labels"),
    ("train --data digits --p 3 --out x --alpha 0.2", "--alpha"),
    ("train --data mixture --p 3 --out x --alpha -0.2", "--alpha"),
    ("train --data mixture --p 3 --out x --rotation nonsense", "--rotation"),
    ("train --data digits --p 3 --out x --seed -1", "--seed"),
    ("train --data digits --p 3 --out x --threads 0", "--threads"),
    ("train --data digits --p 3 --out x --nonsense", "--nonsense"),
    ("train --data digits --p 3 --out x --checkpoint-every -1", "--checkpoint-every"),
    ("train --data missing.npz --p 3 --out x", "missing.npz"),
    ("reproduce nonsense", "nonsense"),
    ("reproduce", "NAME"),
    ("reproduce mixture --preset nonsense", "--preset"),
    ("reproduce mixture --out /proc/x", "--out /proc/x"),
    ("data info nonsense", "nonsense"),
    ("inspect --model missing", "missing"),
    ("model info missing", "missing"),
    ("certify --model missing --data mixture --norm l2", "missing"),
    ("certify --model missing --data mixture --norm l2 --check", "--certificates"),
    ("certify --model missing --data mixture --norm l2 --gap 2", "--gap"),
    ("certify --model missing --data mixture --norm l2 --timeout-per-sample 0", "--timeout"),
    ("certify --model missing --data mixture --norm l2 --smoothing 0", "--smoothing"),
    ("certify --model missing --data mixture --norm l2 --smoothing-samples 9", "--smoothing"),
    ("certify --model missing --data mixture --norm linf --smoothing 0.1", "--smoothing"),
    ("theory critical-radius --p 3", "--opposite"),
    ("theory critical-radius --p 0 --opposite 3", "--p"),
    ("theory critical-radius --subclasses 4 --positive 4", "--positive"),
  ])
  func flagOrFileIsNamed(line: String, part: String) throws { try refused(line, naming: part) }

  @Test func damagedData() throws {
    try workspace.writeFeatures("good.npz")
    let bytes = try workspace.bytes("good.npz")
    try bytes.prefix(bytes.count / 2).write(to: workspace.url.appendingPathComponent("short.npz"))
    try workspace.writeFeatures("nan.npz") { inputs, _ in inputs[20] = .nan }
    try workspace.writeFeatures("half.npz") { _, labels in labels[7] = 0.5 }
    for command in ["train --p 2 --out x --data", "data info"] {
      try refused("\(command) short.npz", naming: "short.npz: ")
      try refused(
        "\(command) nan.npz",
        saying: "nan.npz: array 'X' holds nan in row 3, column 2; expected finite numbers")
      try refused(
        "\(command) half.npz",
        saying: "half.npz: array 'y' holds 0.5 at index 7; expected integers")
    }
  }

  @Test func models() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet --epochs 1")
    let attack = "attack --data mixture --norm l2 --model"
    try refused(
      "\(attack) run --dimension 30",
      saying: "--data mixture: samples have 30 coordinates, expected 20 as --model run takes")
    try refused("attack --data digits --norm l2 --model run", naming: "64 coordinates")
    try refused("inspect --data digits --model run", naming: "64 coordinates")
    try refused("\(attack) run --epsilon -0.1", naming: "--epsilon is '-0.1'")
    try refused("\(attack) run --epsilon 0:1", naming: "--epsilon is '0:1'")
    try refused(
      "\(attack) run --attack nonsense",
      saying:
        "--attack is 'nonsense', expected one of standard, quick, accuracy, structural, ddn, fmn, fab, "
        + "fab-t, pgd, apgd-ce, apgd-margin, apgd-dlr, apgd-t, square")
    try refused("attack --data mixture --norm l7 --model run", naming: "--norm is 'l7'")
    try refused("\(attack) run --limit 0", naming: "--limit")
    try refused("\(attack) run --per-sample no/where.csv", naming: "--per-sample no/where.csv")
    try refused("\(attack) run --witnesses no/where.npz", naming: "--witnesses no/where.npz")
    try refused("inspect --model run --p 2", naming: "p = 3.0")
    try refused("inspect --model run/config.json", naming: "run/config.json")
    try refused(
      "\(Tiny.train) --out run",
      saying:
        "--out run: already holds a run; continue it with --resume or choose another directory")
    try refused("\(Tiny.train) --out run --resume --seed 1", naming: "--resume needs the same")

    var bytes = try workspace.bytes("run/model.safetensors")
    try bytes.prefix(bytes.count - 5).write(to: workspace.url.appendingPathComponent("short"))
    try refused("inspect --model short", naming: "short: ")
    bytes[20] ^= 0xFF
    try bytes.write(to: workspace.url.appendingPathComponent("wrong"))
    try refused("inspect --model wrong", naming: "wrong: ")
  }

  @Test func fullDeviceIsOneLine() throws {
    guard let full = FileHandle(forWritingAtPath: "/dev/full") else { return }
    let process = try Program.start(["data", "list"], in: workspace.url, standardOutput: full)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 2)
  }
}
