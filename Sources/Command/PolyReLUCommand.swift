import ArgumentParser
import Experiments
import LinearCore
import Runs
import Studies

@main
struct PolyReLUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "polyrelu",
    abstract: "Polynomial-ReLU networks: train them, look inside, attack them, prove robustness.",
    discussion: """
      Start with an experiment, or train and attack a network of your own:

        polyrelu reproduce --list
        polyrelu train --data digits --p 3 --out runs/digits
        polyrelu attack --model runs/digits --data digits --norm l2
        polyrelu certify --model runs/digits --data digits --norm l2 --limit 20
        polyrelu predict --model runs/digits --data digits --out predictions.csv
        polyrelu inspect --model runs/digits --data digits

      Results go to standard output, progress and warnings to standard error. Exit status: 0 done, \
      1 the computation failed, 2 wrong usage or input, 3 done but flagged as unreliable, 130 and 143 \
      stopped by Ctrl-C or SIGTERM. A stopped command says how to go on.
      """,
    version: RunEnvironment.version,
    subcommands: [
      ReproduceCommand.self, TrainCommand.self, AttackCommand.self, CertifyCommand.self,
      VerifyCommand.self,
      PredictCommand.self, InspectCommand.self,
      DataCommand.self, ModelCommand.self, TheoryCommand.self,
    ])

  static func main() {
    SettingName.style = .flag
    Output.ignoreFailedWrites()
    do {
      try refuseUnknownCommand(CommandLine.arguments.dropFirst().first)
      var command = try parseAsRoot()
      Interruption.install(resumption: (command as? any ResumableCommand)?.resumption)
      try command.run()
    } catch {
      exit(reporting: error)
    }
  }

  /// The parser would only say that the argument is unexpected.
  private static func refuseUnknownCommand(_ word: String?) throws(ExperimentError) {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let word, !word.hasPrefix("-"), word != "help", !names.contains(word) else { return }
    throw .usage("no command '\(word)', expected one of \(names.joined(separator: ", "))")
  }
}
