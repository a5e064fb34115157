import Alignment
import Datasets
import Experiments
import Figures
import Foundation
import Networks
import Runs
import Studies

/// Where the dominant neurons point, largest contribution first.
struct CosineTable {
  let text: String

  /// More directions than this are not listed one by one.
  private static let directionLimit = 14

  /// The cosines of at most `limit` dominant neurons to class means and subclass centres.
  init(network: PReLUNetwork<Float>, data: Dataset, limit: Int) {
    let directions = data.referenceDirections(center: network.center)
    let alignment = NeuronAlignment(network: network, directions: directions, limit: limit)
    let contributions = NeuronContributions(network)
    let isShort = directions.names.count <= Self.directionLimit
    let names =
      isShort ? directions.names.map(Self.abbreviation) : ["closest direction", "cosine"]
    var table = TerminalTable(
      header: ["neuron", "share"] + names,
      alignments: [.right, .right] + names.map { _ in .right })
    let closest = alignment.closest(in: 0..<directions.names.count)
    for (row, neuron) in alignment.neurons.enumerated() {
      let cosines = directions.names.indices.map { Double(alignment.cosines[row, $0]) }
      let cells =
        isShort
        ? cosines.map(Self.short)
        : [directions.names[closest[row]], Self.short(cosines[closest[row]])]
      let share = contributions.values[neuron] / contributions.total
      table.append(["\(neuron)", Format.share(share)] + cells)
    }
    let legend = isShort ? " (c: class mean, s: subclass centre)" : ""
    text = "cosines of the most contributing neurons\(legend)\n\n" + table.text
  }

  private static func abbreviation(_ name: String) -> String {
    name.replacing("subclass ", with: "s").replacing("class ", with: "c")
  }

  private static func short(_ cosine: Double) -> String {
    let text = String(format: "%.2f", cosine)
    return text == "-0.00" ? "0.00" : text
  }
}
