import Datasets
import Experiments
import Runs
import Studies

/// Errors in the words of the command line.
enum CommandError {
  /// The error with the flag it is about, sorted by whose turn it is.
  static func sorted(_ error: any Error) -> ExperimentError {
    if case DatasetError.parameter(let name, let found, let expected) = error {
      return .usage("--\(name) is \(found), expected \(expected)")
    }
    if case FetchError.mirror(let text) = error {
      return flag(
        "mirror", "'\(text)'", expected: "an address that starts with http:// or https://")
    }
    return ExperimentError(error)
  }

  /// A flag whose value cannot be used.
  static func flag(_ name: String, _ found: String, expected: String) -> ExperimentError {
    .usage("--\(name) is \(found), expected \(expected)")
  }
}
