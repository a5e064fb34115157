import Foundation
import LinearCore
import Runs
import Studies

/// One setting of what a sweep varies, for example a degree and an alpha.
///
/// A cell is measured with every seed of the sweep. Its columns name it in tables and files, so no two
/// cells of a sweep may have the same.
package protocol SweepCell: Codable, Sendable, Hashable {
  /// What is varied, in the order of the table's columns.
  var columns: [SweepColumn] { get }
  /// How long it takes, in any unit: the longest are started first, and the time left is estimated by it.
  var cost: Double { get }
}

extension SweepCell {
  /// The same for all.
  package var cost: Double { 1 }

  /// "p = 3, alpha = 0.1".
  package var title: String {
    columns.map { "\($0.name) = \($0.value.text)" }.joined(separator: ", ")
  }

  /// The name of the cell in files: "p-3_alpha-0.1".
  package var fileName: String {
    let text = columns.map { "\($0.name)-\($0.value.text)" }.joined(separator: "_")
    return String(
      text.unicodeScalars.map { scalar in
        let isKept =
          scalar.isASCII
          && (scalar.properties.isAlphabetic || "0123456789.-_".unicodeScalars.contains(scalar))
        return isKept ? Character(scalar) : "-"
      })
  }
}

/// A parameter of a cell: its name and value.
package struct SweepColumn: Codable, Sendable, Hashable {
  /// A number or a word.
  package enum Value: Codable, Sendable, Hashable {
    /// A number.
    case number(Double)
    /// A word.
    case text(String)

    /// As tables show it: whole numbers without a point.
    package var text: String {
      switch self {
      case .number(let number):
        number == number.rounded() && abs(number) < 1e9 ? "\(Int(saturating: number))" : "\(number)"
      case .text(let text): text
      }
    }
  }

  /// The name, a column of the table.
  package let name: String
  /// The value.
  package let value: Value

  /// A number.
  package init(_ name: String, _ number: Double) {
    self.name = name
    value = .number(number)
  }

  /// A word.
  package init(_ name: String, _ text: String) {
    self.name = name
    value = .text(text)
  }
}

/// A number that a sweep measures of every run.
package struct SweepMetric: Sendable, Hashable {
  /// The key in ``SweepMeasurement/metrics``, a column of CSV files.
  package let key: String
  /// The heading of the table's column.
  package let heading: String
  /// Digits after the point in tables.
  package let digits: Int

  /// A metric. The heading is the key unless given.
  package init(_ key: String, heading: String? = nil, digits: Int = 3) {
    self.key = key
    self.heading = heading ?? key
    self.digits = digits
  }
}

/// What one run, a cell with one seed, has measured.
package struct SweepMeasurement: Codable, Sendable, Equatable {
  /// Numbers by name. Infinite ones and missing ones (NaN, or no entry) are counted apart from means.
  package var metrics: [String: Double]
  /// Curves by name, each on a grid that is the same for all seeds of the cell.
  package var curves: [String: [Double]]
  /// Reasons not to trust the run: they become warnings, and exit status 3.
  package var flags: [String]
  /// Why the run has no result to average, for example that training stalled. Its numbers are kept, and
  /// shown beside the means.
  package var failure: String?

  /// A measurement.
  package init(
    metrics: [String: Double] = [:], curves: [String: [Double]] = [:], flags: [String] = [],
    failure: String? = nil
  ) {
    self.metrics = metrics
    self.curves = curves
    self.flags = flags
    self.failure = failure
  }
}

/// What a run may know besides its cell.
package struct SweepContext: Sendable {
  /// The directory of the experiment, for files besides the measurement.
  package let directory: RunDirectory
  /// A name for such files, different for every run.
  package let name: String
  /// The seed of the repeat.
  package let seed: UInt64
  private let progress: @Sendable (Double) -> Void

  init(
    directory: RunDirectory, name: String, seed: UInt64,
    progress: @escaping @Sendable (Double) -> Void
  ) {
    self.directory = directory
    self.name = name
    self.seed = seed
    self.progress = progress
  }

  /// Tells the progress line which share of this run is done.
  package func report(_ fraction: Double) { progress(fraction) }
}

extension SweepMeasurement {
  /// What metrics were called in version 0.1, for one version: in results of an earlier run that goes on, and
  /// beside the new names in `results/summary.json`.
  static let oldNames = ["medianRadius": "halfRadius"]

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    metrics = try container.decode([String: Double].self, forKey: .metrics)
    for (name, old) in Self.oldNames where metrics[name] == nil {
      metrics[name] = metrics.removeValue(forKey: old)
    }
    curves = try container.decode([String: [Double]].self, forKey: .curves)
    flags = try container.decode([String].self, forKey: .flags)
    failure = try container.decodeIfPresent(String.self, forKey: .failure)
  }
}
