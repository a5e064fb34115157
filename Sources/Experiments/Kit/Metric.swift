/// A number of every run that tables, CSV files, `summary.json` and figures show: where it stands in what a run
/// has measured, and how it is written.
struct Metric<Values>: Sendable {
  /// The column of CSV files, and the key in JSON.
  let key: String
  /// The heading in tables.
  let heading: String
  /// Digits after the point in tables.
  let digits: Int
  /// NaN where a run has no such number.
  let value: @Sendable (Values) -> Double

  /// A number of a run. The heading is the key unless given.
  init(
    _ path: KeyPath<Values, Double> & Sendable, _ key: String, heading: String? = nil,
    digits: Int = 3
  ) {
    self.init(key, heading: heading, digits: digits) { $0[keyPath: path] }
  }

  /// A number that is computed from what a run has measured.
  init(
    _ key: String, heading: String? = nil, digits: Int = 3,
    value: @escaping @Sendable (Values) -> Double
  ) {
    self.key = key
    self.heading = heading ?? key
    self.digits = digits
    self.value = value
  }

  /// The same number of a part of something larger.
  func of<Whole>(_ path: KeyPath<Whole, Values> & Sendable) -> Metric<Whole> {
    Metric<Whole>(key, heading: heading, digits: digits) { value($0[keyPath: path]) }
  }

  /// The same number of a part that may be missing.
  func of<Whole>(_ path: KeyPath<Whole, Values?> & Sendable) -> Metric<Whole> {
    Metric<Whole>(key, heading: heading, digits: digits) { $0[keyPath: path].map(value) ?? .nan }
  }
}

/// What one run, a cell with one seed, has found.
struct Measured<Values: Codable & Sendable>: Codable, Sendable {
  /// Numbers and curves. Infinite and missing ones (NaN) are counted apart from means.
  var values: Values
  /// Reasons not to trust the run: they become warnings, and exit status 3.
  var flags: [String]
  /// Why the run has no result to average, for example that training stalled. Its numbers are kept.
  var failure: String?

  init(_ values: Values, flags: [String] = [], failure: String? = nil) {
    self.values = values
    self.flags = flags
    self.failure = failure
  }

  /// The same run with other values.
  func map<Other>(_ change: (Values) -> Other) -> Measured<Other> {
    Measured<Other>(change(values), flags: flags, failure: failure)
  }
}

extension Measured: Equatable where Values: Equatable {}
