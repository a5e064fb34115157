import Figures
import Formats
import Graphs
import LinearCore
import Networks
import Runs

/// What `polyrelu model info` says about an imported network.
struct GraphReport {
  private struct Description: Encodable {
    let path: String
    let inputShape: [Int]
    let inputDimension: Int
    let outputCount: Int
    let parameters: Int
    /// What it does, step by step.
    let layers: [String]
    /// What was understood and left out.
    let notes: [String]
    /// Absent where the file does not say them.
    let classes: [ClassLabel]?
  }

  private let description: Description

  init(_ network: GraphNetwork<Float>, path: String, classes: [ClassLabel]?) {
    description = Description(
      path: path, inputShape: network.plan.inputShape, inputDimension: network.inputDimension,
      outputCount: network.outputCount, parameters: network.plan.constantCount,
      layers: network.plan.layers, notes: network.plan.notes, classes: classes)
  }

  /// Writes one JSON document, or tables.
  func write(json: Bool) throws {
    if json { return try Output.write(json: description) }
    var summary = TerminalTable(header: ["imported network", ""])
    summary.append(["file", description.path])
    summary.append([
      "one sample",
      description.inputShape.map(String.init).joined(separator: "x")
        + ", \(description.inputDimension) numbers",
    ])
    summary.append(["outputs", "\(description.outputCount)"])
    summary.append(["constants", "\(description.parameters)"])
    summary.append([
      "classes", Format.classes(description.classes, count: max(2, description.outputCount)),
    ])
    for note in description.notes { summary.append(["note", note]) }
    var layers = TerminalTable(header: ["step", ""], alignments: [.right, .left])
    for (number, layer) in description.layers.enumerated() {
      layers.append(["\(number + 1)", layer])
    }
    try Output.write(summary.text + "\n" + layers.text)
  }
}
