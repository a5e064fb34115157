import Datasets
import DeepNetworks
import Experiments
import Figures
import Formats
import LinearCore
import Runs
import Studies

/// What `polyrelu inspect` and `polyrelu model info` say about a deep network.
struct DeepNetworkReport {
  private let inspection: DeepNetworkInspection

  /// A report, with the accuracy on data where there are any.
  init(_ network: DeepNetwork<Float>, classes: [ClassLabel]?, data: Dataset? = nil) {
    inspection = DeepNetworkInspection(network, classes: classes, data: data)
  }

  /// Writes one JSON document, or tables.
  func write(json: Bool) throws {
    if json { try Output.write(json: inspection) } else { try Output.write(text) }
  }

  private var text: String {
    var summary = TerminalTable(header: ["deep network", ""])
    summary.append(["inputs", "\(inspection.inputShape)"])
    summary.append(["outputs", "\(inspection.outputCount)"])
    summary.append(["parameters", "\(inspection.parameters)"])
    summary.append([
      "classes", Format.classes(inspection.classes, count: max(2, inspection.outputCount)),
    ])
    if let accuracy = inspection.accuracy { summary.append(["accuracy", Format.share(accuracy)]) }
    var layers = TerminalTable(
      header: ["layer", "", "output", "parameters", "settings"],
      alignments: [.left, .left, .left, .right, .left])
    for layer in inspection.layers {
      layers.append([
        layer.name, layer.kind, "\(layer.outputShape)", "\(layer.parameters)", layer.settings,
      ])
    }
    var weights = TerminalTable(
      header: ["weights", "shape", "norm", "row norms", "stable rank"],
      alignments: [.left, .left, .right, .right, .right])
    for tensor in inspection.weights {
      weights.append([
        tensor.name, tensor.shape.map(String.init).joined(separator: "x"),
        Format.significant(tensor.norm),
        Format.significant(tensor.smallestRowNorm) + " to "
          + Format.significant(tensor.largestRowNorm),
        Format.significant(tensor.stableRank),
      ])
    }
    return [summary.text, layers.text, weights.text].joined(separator: "\n")
  }
}
