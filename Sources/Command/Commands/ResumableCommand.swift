import ArgumentParser
import Experiments

/// A command that can go on with what an earlier call of it has left.
protocol ResumableCommand: ParsableCommand {
  /// Whether anything is kept to go on with.
  var keepsWork: Bool { get }
  /// Whether the command goes on already.
  var resume: Bool { get }
}

extension ResumableCommand {
  /// The command line that goes on with this one; nil where nothing is kept.
  var resumption: String? {
    guard keepsWork else { return nil }
    let words = CommandLine.arguments.dropFirst().map(Self.quoted)
    return (["polyrelu"] + words + (resume ? [] : ["--resume"])).joined(separator: " ")
  }

  /// A word as a shell takes it for one.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || "0123456789-_./:,=+@%".unicodeScalars.contains($0)
    }
    if isPlain && !word.isEmpty { return word }
    return "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
