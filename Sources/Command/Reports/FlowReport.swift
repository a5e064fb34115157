import Datasets
import Experiments
import Figures
import Foundation
import Networks
import Runs
import Studies
import Training

/// What `polyrelu train --optimizer gradient-flow` says in the end.
struct FlowReport {
  private let summary: Summary
  private let inspection: NetworkInspection

  private struct Summary: Encodable {
    let model: String
    let ending: String
    let time: Double
    let alignmentTime: Double?
    let fittingTime: Double?
    let loss: Double
    let trainAccuracy: Double
    let testAccuracy: Double?
    let deadNeurons: Int
    let balancednessDrift: Double
    let steps: FlowCounts
    let warnings: [String]
    let seconds: Double
  }

  /// Looks at the trained network.
  init(
    model: String, result: FlowResult, data: Dataset, heldOut: Dataset?, seconds: Double
  ) throws(ExperimentError) {
    inspection = try NetworkInspection(
      result.network, data: data, contributionScale: result.model.contributionScale)
    guard let last = result.trajectory.records.last else {
      throw .failed("gradient flow left no record")
    }
    summary = Summary(
      model: model, ending: result.ending.rawValue, time: last.time,
      alignmentTime: result.phases.alignmentTime, fittingTime: result.phases.fittingTime,
      loss: last.loss, trainAccuracy: last.accuracy,
      testAccuracy: heldOut.map { result.network.accuracy($0.inputs, labels: $0.labels) },
      deadNeurons: last.deadNeurons, balancednessDrift: last.balancednessDrift,
      steps: result.counts, warnings: result.warnings, seconds: seconds)
  }

  var json: String { JSONText.encode(summary) }

  var text: String {
    func time(_ value: Double?) -> String { value.map(Format.significant) ?? "not reached" }
    var table = TerminalTable(header: ["gradient flow", ""])
    table.append(["ended", "\(summary.ending) at time \(Format.significant(summary.time))"])
    table.append(["alignment phase ended at", time(summary.alignmentTime)])
    table.append(["fitting phase ended at", time(summary.fittingTime)])
    table.append(["final loss", Format.significant(summary.loss)])
    table.append(["training accuracy", Format.share(summary.trainAccuracy)])
    if let accuracy = summary.testAccuracy {
      table.append(["test accuracy", Format.share(accuracy)])
    }
    Format.append(inspection, to: &table)
    table.append(["dead neurons", "\(summary.deadNeurons)"])
    table.append(["balancedness drift", Format.significant(summary.balancednessDrift)])
    table.append([
      "steps", "\(summary.steps.accepted) accepted, \(summary.steps.rejected) rejected",
    ])
    table.append(["seconds", ProgressReporter.duration(summary.seconds)])
    return table.text + "\nmodel: \(summary.model)\n"
  }
}
