import Experiments
import Figures
import Formats
import Foundation
import Runs
import Studies

/// Numbers and common rows of tables.
enum Format {
  /// Four significant digits.
  static func significant(_ value: Double) -> String { String(format: "%.4g", value) }

  /// A share of 1 or a cosine, with four decimals.
  static func share(_ value: Double) -> String { String(format: "%.4f", value) }

  /// A fixed number of decimals.
  static func decimals(_ value: Double, _ count: Int) -> String {
    String(format: "%.\(count)f", value)
  }

  /// The values of a model's classes.
  static func classes(_ model: LoadedModel) -> String {
    classes(model.classes, count: model.network.classCount)
  }

  static func classes(_ classes: [ClassLabel]?, count: Int) -> String {
    classes.map(ClassLabel.listing)
      ?? "\(count), values not stated: taken as 0 to \(count - 1)"
  }

  /// What the neurons do.
  static func append(_ inspection: NetworkInspection, to table: inout TerminalTable) {
    table.append([
      "effective neurons", "\(inspection.effectiveNeurons) of \(inspection.hiddenWidth)",
    ])
    table.append(["numerical rank", "\(inspection.numericalRank)"])
    if let cosine = inspection.medianBestCosine {
      table.append(["median cosine to closest subclass centre", share(cosine)])
    }
    if let cosine = inspection.medianBestClassCosine {
      table.append(["median cosine to closest class mean", share(cosine)])
    }
  }
}
