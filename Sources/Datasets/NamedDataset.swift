import Foundation

/// A data set that can be asked for by name. To add one: a file with a type that conforms, and its line in
/// ``DatasetCatalog/all``.
package protocol NamedDataset: SendableMetatype {
  /// What to ask for.
  static var name: String { get }
  /// What it is, in one line for a person.
  static var summary: String { get }
  /// The names of its parts.
  static var splits: [String] { get }

  /// Whether its files are on this machine. By default there are none to look for.
  static func isAvailable(environment: [String: String]) -> Bool

  /// Loads or generates the part that a request asks for.
  static func load(_ request: DatasetRequest, environment: [String: String]) throws(DatasetError)
    -> Dataset
}

extension NamedDataset {
  package static func isAvailable(environment: [String: String]) -> Bool { true }
}

extension DatasetRequest {
  /// The part that is asked for, by its name.
  /// - Throws: ``DatasetError`` that names the parts there are.
  package func part<Split: RawRepresentable<String> & CaseIterable>(default standard: Split)
    throws(DatasetError) -> Split
  {
    guard let split else { return standard }
    if let found = Split(rawValue: split) { return found }
    throw .parameter(
      name: "split", found: "'\(split)'",
      expected: "\(Split.allCases.map(\.rawValue).joined(separator: ", ")) for \(data)")
  }
}
