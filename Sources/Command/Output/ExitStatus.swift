import ArgumentParser
import Experiments
import Foundation
import Runs
import Studies

/// What the exit status of the program means.
enum ExitStatus {
  static let failed = ExitCode(1)
  /// Wrong usage or input.
  static let usage = ExitCode(2)
  /// Done, but the result is flagged as unreliable.
  static let unreliable = ExitCode(3)
}

extension PolyReLUCommand {
  /// Ends the program as an error demands: help and version on standard output, anything else as one
  /// line on standard error.
  static func exit(reporting error: any Error) -> Never {
    // A child that Ctrl-C has ended, such as gnuplot, is no error of its own.
    Interruption.finishIfRequested()
    if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
    if exitCode(for: error) == .success {
      do { try Output.write(fullMessage(for: error) + "\n") } catch {
        Output.complain("error: \(error)\n")
        Foundation.exit(ExitStatus.usage.rawValue)
      }
      Foundation.exit(0)
    }
    let (line, code) = report(error)
    Output.complain("error: \(line)\n")
    Foundation.exit(code.rawValue)
  }

  private static func report(_ error: any Error) -> (line: String, code: ExitCode) {
    // Errors of the parser itself are of no public type; only their message is to be had.
    if !isOurs(error) { return (ParserMessage.line(message(for: error)), ExitStatus.usage) }
    switch CommandError.sorted(error) {
    case .usage(let message): return (ParserMessage.singleLine(message), ExitStatus.usage)
    case .failed(let message): return (ParserMessage.singleLine(message), ExitStatus.failed)
    }
  }

  private static func isOurs(_ error: any Error) -> Bool {
    !(error is ValidationError) && !String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}
