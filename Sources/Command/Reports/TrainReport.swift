import Datasets
import Experiments
import Figures
import Foundation
import Networks
import Runs
import Studies
import Training

/// What `polyrelu train` says in the end.
struct TrainReport {
  private let summary: Summary
  private let inspection: NetworkInspection

  private struct Summary: Encodable {
    let model: String
    let epochs: Int
    let loss: Double
    let trainAccuracy: Double
    let testAccuracy: Double?
    let stalled: Bool
    /// Epochs of all neurons that the steps amount to, where work was left out.
    let epochsOfWork: Double?
    let seconds: Double
  }

  /// Looks at the trained network.
  init(
    model: String, network: PReLUNetwork<Float>, record: TrainingRecord, loss: Loss, data: Dataset,
    heldOut: Dataset?, seconds: Double
  ) throws(ExperimentError) {
    inspection = try NetworkInspection(network, data: data)
    let logits = network.logits(data.inputs)
    summary = Summary(
      model: model, epochs: record.epochs.count, loss: loss.mean(logits, labels: data.labels),
      trainAccuracy: network.accuracy(data.inputs, labels: data.labels),
      testAccuracy: heldOut.map { network.accuracy($0.inputs, labels: $0.labels) },
      stalled: record.isStalled(loss: loss, outputCount: network.outputCount),
      epochsOfWork: record.thinning?.epochsOfWork, seconds: seconds)
  }

  var json: String { JSONText.encode(summary) }

  var text: String {
    var table = TerminalTable(header: ["trained network", ""])
    table.append(["epochs", "\(summary.epochs)"])
    table.append(["final loss", Format.significant(summary.loss)])
    table.append(["training accuracy", Format.share(summary.trainAccuracy)])
    if let accuracy = summary.testAccuracy {
      table.append(["test accuracy", Format.share(accuracy)])
    }
    Format.append(inspection, to: &table)
    if let work = summary.epochsOfWork {
      let share = Format.share(work / Double(max(1, summary.epochs)))
      table.append(["neurons moved in a step", "\(share) on average"])
    }
    table.append(["time", ProgressReporter.duration(summary.seconds)])
    return table.text + "\nmodel: \(summary.model)\n"
  }
}
