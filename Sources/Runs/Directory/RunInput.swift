import Datasets
import Formats
import LinearCore

/// Data or a model that a run was made from, as `config.json` names it.
package struct RunInput: Codable, Sendable, Equatable {
  /// What it is to the run.
  package enum Role: String, Codable, Sendable {
    /// What a network was trained on.
    case training
    /// What was evaluated beside.
    case heldOut = "held-out"
    /// What was attacked or certified.
    case samples
    /// What told an attack where other classes lie.
    case reference
    case model
  }

  /// What it is to the run.
  package let role: Role
  /// What the user calls it: a name of the catalogue or a file.
  package let name: String
  /// SHA-256 of its contents, see `Dataset.checksum`.
  package let sha256: String
  /// How data were asked for; nil for models, and where an experiment brings its own.
  package let request: DatasetRequest?

  package init(_ role: Role, _ data: Dataset, request: DatasetRequest? = nil) {
    self.role = role
    name = request?.data ?? data.name
    sha256 = data.checksum
    self.request = request
  }

  package init(model: StoredModel, name: String) {
    role = .model
    self.name = name
    sha256 = model.checksum
    request = nil
  }

  /// The error that says which of the inputs is another than when the run began; nil for none.
  ///
  /// Inputs are compared by their contents only: a file may have moved.
  static func change(from stored: [RunInput], to present: [RunInput], directory: String) -> String?
  {
    for input in present {
      guard let old = stored.first(where: { $0.role == input.role }), old.sha256 != input.sha256
      else { continue }
      return "\(input.name): has changed since the run in \(directory) began: SHA-256 "
        + "\(old.sha256.prefix(12))... then, \(input.sha256.prefix(12))... now; \(SettingName("resume")) needs the same "
        + (input.role == .model ? "model" : "data")
    }
    return nil
  }
}
