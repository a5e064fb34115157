import ArgumentParser
import Experiments
import Formats
import Foundation
import Runs
import Studies

/// `polyrelu verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Decide whether a network violates a VNN-LIB property.",
    discussion: """
      A property asserts something of inputs X_i in a box and of outputs Y_i. An input that meets all \
      assertions violates the property. The answer is one of three:

        holds     no input does, proved by bound propagation and branch and bound (unsat)
        violated  this one does, in double and in single precision (sat)
        unknown   time was over

      All three end with exit status 0. Documentation/Certified-radii.md says what is proved.

        polyrelu verify --model net.onnx --property prop.vnnlib
        polyrelu verify --model net.onnx --property prop.vnnlib.gz --timeout 60 \\
          --witness counterexample.txt --json

      X and Y are the inputs and outputs of the file in its order. Assertions are linear: and, or, <=, >=, <, \
      >, +, -, * with constants. Those about inputs are bounds of single ones.
      """)

  @OptionGroup(title: "Network") var model: ModelOptions

  @Option(help: "The property (VNN-LIB, also compressed with gzip).")
  var property: String

  @Option(
    parsing: .unconditional, help: "Seconds after which the answer is unknown.",
    transform: ArgumentText.duration)
  var timeout: Double = 300

  @Option(
    help: "The file for a counterexample, in the format of the verification competition: ((X_0 v) ...)."
  )
  var witness: String?

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    if let witness { try OutputFile.check(witness, flag: "witness") }
    let start = Date()
    let loaded = try model.load()
    let statement: VNNLIBProperty
    do { statement = try VNNLIBProperty(path: property) } catch {
      throw ExperimentError.usage("--property \(error)")
    }
    let network = try VerifiedNetwork(
      loaded, name: "--model \(model.model)", for: statement, path: "--property \(property)")
    let left = timeout - Date().timeIntervalSince(start)
    let result = PropertyVerification(
      network, statement, timeout: max(0, left), seed: common.seed
    ).run(progress: common.makeProgress())
    if case .violated(let found) = result.answer, let witness {
      do { try AtomicFile.write(found.text, to: witness) } catch {
        throw CommandError.sorted(error)
      }
    }
    let report = VerifyReport(result, seconds: Date().timeIntervalSince(start), witness: witness)
    try Output.write(common.json ? report.json : report.text)
  }
}
