import Experiments
import Figures
import Runs
import Studies

/// What `polyrelu verify` says in the end.
struct VerifyReport {
  private let summary: Summary
  private let found: Counterexample?
  /// The file that holds the counterexample.
  private let witness: String?

  /// Counterexamples of more numbers are not printed.
  private static let longestText = 64

  private struct Summary: Encodable {
    let result: String
    /// The word of the verification competition.
    let competitionResult: String
    let seconds: Double
    /// Parts of the box that were looked at.
    let parts: Int
    /// Why nothing could be proved.
    @Nullable var obstacle: String?
    @Nullable var counterexample: Point?
  }

  private struct Point: Encodable {
    let input: [Double]
    let outputs: [Double]
  }

  init(_ result: PropertyVerification.Result, seconds: Double, witness: String?) {
    let words: (String, String)
    switch result.answer {
    case .holds: (words, found) = (("holds", "unsat"), nil)
    case .violated(let point): (words, found) = (("violated", "sat"), point)
    case .unknown: (words, found) = (("unknown", "unknown"), nil)
    }
    self.witness = found == nil ? nil : witness
    summary = Summary(
      result: words.0, competitionResult: words.1, seconds: seconds, parts: result.parts,
      obstacle: Nullable(wrappedValue: result.obstacle),
      counterexample: Nullable(
        wrappedValue: found.map { Point(input: $0.input, outputs: $0.outputs) }))
  }

  var json: String { JSONText.encode(summary) }

  var text: String {
    var text = summary.result + "\n"
    if let found {
      if let witness {
        text += "counterexample: \(witness)\n"
      } else if found.input.count + found.outputs.count <= Self.longestText {
        text += found.text
      } else {
        text += "counterexample: \(found.input.count) inputs; --witness FILE writes them\n"
      }
    }
    if summary.parts > 0 { text += "parts: \(summary.parts)\n" }
    if let obstacle = summary.obstacle { text += "no proof: \(obstacle)\n" }
    return text + "time: \(ProgressReporter.duration(summary.seconds))\n"
  }
}
