import Foundation
import LinearCore
import Runs
import Studies

typealias SweepColumn = Parameter

protocol SweepCell: GridCell, Codable {
  var cost: Double { get }
}

extension SweepCell {
  var cost: Double { 1 }
}

/// A number that a sweep measures of every run.
struct SweepMetric: Sendable, Hashable {
  /// The key in ``SweepMeasurement/metrics``, a column of CSV files.
  let key: String
  /// The heading of the table's column.
  let heading: String
  /// Digits after the point in tables.
  let digits: Int

  /// A metric. The heading is the key unless given.
  init(_ key: String, heading: String? = nil, digits: Int = 3) {
    self.key = key
    self.heading = heading ?? key
    self.digits = digits
  }
}

/// What one run, a cell with one seed, has measured.
struct SweepMeasurement: Codable, Sendable, Equatable {
  /// Numbers by name. Infinite ones and missing ones (NaN, or no entry) are counted apart from means.
  var metrics: [String: Double]
  /// Curves by name, each on a grid that is the same for all seeds of the cell.
  var curves: [String: [Double]]
  /// Reasons not to trust the run: they become warnings, and exit status 3.
  var flags: [String]
  /// Why the run has no result to average, for example that training stalled. Its numbers are kept, and
  /// shown beside the means.
  var failure: String?

  /// A measurement.
  init(
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
struct SweepContext: Sendable {
  /// The directory of the experiment, for files besides the measurement.
  let directory: RunDirectory
  /// A name for such files, different for every run.
  let name: String
  /// The seed of the repeat.
  let seed: UInt64
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
  func report(_ fraction: Double) { progress(fraction) }
}

extension SweepMeasurement {
  /// What metrics were called in version 0.1, for one version: in results of an earlier run that goes on, and
  /// beside the new names in `results/summary.json`.
  static let oldNames = ["medianRadius": "halfRadius"]

  init(from decoder: any Decoder) throws {
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
