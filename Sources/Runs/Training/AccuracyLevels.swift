import DeepNetworks
import Formats
import Foundation
import LinearCore

/// For each whole percent of validation accuracy the first network of a training run that reached it, as
/// `networks/NAME-levels/PERCENT.safetensors` with the moment in `PERCENT.json`.
///
/// A network that passes several percents at once is kept at the highest. Training again from an earlier
/// checkpoint makes the same networks again, so what is there stays.
package struct AccuracyLevels: Sendable {
  /// A network that was the first to reach a level.
  package struct Reached: Sendable {
    package let network: DeepNetwork<Float>
    /// When it was, in epochs from the start.
    package let epoch: Double
    package let accuracy: Double
  }

  private struct Moment: Codable {
    let epoch: Double
    let accuracy: Double
  }

  let directory: RunDirectory
  let name: String

  var folder: String { "networks/\(name)-levels" }

  private func file(_ percent: Int, _ suffix: String) -> String { "\(folder)/\(percent).\(suffix)" }

  private func exists(_ percent: Int) -> Bool {
    // Written behind the network.
    FileManager.default.fileExists(atPath: directory.path(file(percent, "json")))
  }

  /// The highest level that was reached, in percent; nil before any.
  package var highest: Int? { (0...100).last(where: exists) }

  /// Keeps a network that reaches a level which none before has.
  func offer(_ network: DeepNetwork<Float>, accuracy: Double, epoch: Double) throws {
    // An accuracy of 0.29 is 29 percent, whatever 100 times it rounds to.
    let percent = Int(saturating: (100 * accuracy + 1e-9).rounded(.down))
    if (percent...100).contains(where: exists) { return }
    try DeepModelFile.write(network, to: directory.path(file(percent, "safetensors")))
    try directory.write(Moment(epoch: epoch, accuracy: accuracy), to: file(percent, "json"))
  }

  /// The first network whose accuracy was at least `percent`.
  func first(reaching percent: Int) throws(ExperimentError) -> Reached? {
    guard let found = (percent...100).first(where: exists) else { return nil }
    do {
      let moment = try UserFile.json(
        directory.path(file(found, "json")), as: Moment.self, what: "a level of accuracy")
      return Reached(
        network: try DeepModelFile.read(directory.path(file(found, "safetensors"))),
        epoch: moment.epoch, accuracy: moment.accuracy)
    } catch { throw ExperimentError(error) }
  }
}
