import Datasets
import Formats
import Foundation
import LinearCore

/// What a run directory is about.
package enum RunKind: String, Codable, Sendable {
  /// A network trained by a stochastic optimiser.
  case training
  /// A network trained by gradient flow.
  case gradientFlow = "gradient-flow"
  /// A deep network of an experiment.
  case deepTraining = "deep-training"
  case attack
  case certification
  case experiment
}

/// A configuration as `config.json` stores it: its own members, and beside them what all kinds of runs have,
/// `kind`, `format` and `inputs`.
struct StoredConfiguration<Configuration: Codable>: Codable {
  /// Counts the changes of this format that older programs would misunderstand.
  static var presentFormat: Int { 2 }

  /// Nil in files of version 1.
  let kind: RunKind?
  let format: Int?
  /// What the run was made from; nil in files of version 1, which did not record it.
  let inputs: [RunInput]?
  let configuration: Configuration

  private enum CodingKeys: String, CodingKey {
    case kind, format, inputs
  }

  init(kind: RunKind, inputs: [RunInput]?, configuration: Configuration) {
    self.kind = kind
    format = Self.presentFormat
    self.inputs = inputs
    self.configuration = configuration
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let format = try container.decodeIfPresent(Int.self, forKey: .format)
    self.format = format
    if let format, format > Self.presentFormat {
      throw DecodingError.dataCorruptedError(
        forKey: .format, in: container,
        debugDescription: "expected at most \(Self.presentFormat): a newer program wrote it")
    }
    kind = format == nil ? nil : try container.decodeIfPresent(RunKind.self, forKey: .kind)
    inputs = try container.decodeIfPresent([RunInput].self, forKey: .inputs)
    configuration = try Configuration(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    try configuration.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(kind, forKey: .kind)
    try container.encodeIfPresent(format, forKey: .format)
    try container.encodeIfPresent(inputs, forKey: .inputs)
  }
}

/// What a run directory says about the network in it: how it was trained and on what. All kinds of runs that
/// leave a network say it in the same way, in the member `data` of `config.json`.
package struct RunDescription: Sendable {
  /// What kind of run it is.
  package let kind: RunKind
  /// What it was trained on.
  package let data: DatasetRequest
  /// What it was made from; empty for runs of the first version, which did not record it.
  package let inputs: [RunInput]

  private struct Content: Codable {
    let data: DatasetRequest
    let flow: Ignored?

    /// Present or not.
    struct Ignored: Codable {
      init(from decoder: any Decoder) throws {}
      func encode(to encoder: any Encoder) throws {}
    }
  }

  /// Reads the description that belongs to a `--model` argument.
  ///
  /// A run directory has it in `config.json`, a network of an experiment in a file of its own beside it. Nil
  /// for a bare model file, which has none.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` for one that cannot be read.
  package init?(model argument: String) throws(ExperimentError) {
    guard let (path, isOfDirectory) = Self.path(model: argument) else { return nil }
    let stored: StoredConfiguration<Content>
    do {
      stored = try UserFile.json(
        path, as: StoredConfiguration<Content>.self, what: "the configuration of a run")
      if stored.configuration.data.data == "mixture" {
        try stored.configuration.data.mixture.validate()
      }
    } catch {
      // Other programs have files of this name beside their models as well.
      if !isOfDirectory, Self.isForeign(path) { return nil }
      throw .usage("\(SettingName("model")) \(argument): \(error)")
    }
    kind = stored.kind ?? (stored.configuration.flow == nil ? .training : .gradientFlow)
    data = stored.configuration.data
    inputs = stored.inputs ?? []
  }

  /// Whether a file is a JSON object without anything that the configuration of a run has.
  private static func isForeign(_ path: String) -> Bool {
    struct Members: Decodable {
      let names: Set<String>
      private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
      }
      init(from decoder: any Decoder) throws {
        names = Set(try decoder.container(keyedBy: Name.self).allKeys.map(\.stringValue))
      }
    }
    do {
      let members = try UserFile.json(path, as: Members.self, what: "JSON")
      return members.names.isDisjoint(with: ["data", "kind", "format"])
    } catch { return false }
  }

  private static func path(model argument: String) -> (path: String, isOfDirectory: Bool)? {
    let manager = FileManager.default
    let url = URL(fileURLWithPath: argument)
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: argument, isDirectory: &isDirectory) else { return nil }
    let candidates: [URL]
    if isDirectory.boolValue {
      candidates = [url.appendingPathComponent("config.json")]
    } else {
      let folder = url.deletingLastPathComponent()
      candidates = [
        url.deletingPathExtension().appendingPathExtension("config.json"),
        // The files of a run, named themselves.
        url.lastPathComponent == TrainingRun.modelName
          ? folder.appendingPathComponent("config.json")
          : url.lastPathComponent == "latest.safetensors"
            ? folder.deletingLastPathComponent().appendingPathComponent("config.json") : nil,
      ].compactMap { $0 }
    }
    return candidates.first { manager.fileExists(atPath: $0.path) }
      .map { ($0.path, isDirectory.boolValue) }
  }

  /// Whether data named on the command line are those that the network was trained on: the same name, or
  /// the same file.
  package func isTrained(on name: String) -> Bool {
    func place(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    return data.data == name || place(data.data) == place(name)
  }

  /// A warning where data have other contents than when the network was trained on them, or evaluated on
  /// them; nil where they have the same, or nothing is known.
  package func change(of dataset: Dataset, request: DatasetRequest) -> String? {
    for input in inputs {
      guard var known = input.request, isTrained(on: request.data) else { continue }
      known.data = request.data
      guard known == request, input.sha256 != dataset.checksum else { continue }
      return "\(request.data): has changed since the network was "
        + (input.role == .heldOut ? "evaluated on it during training" : "trained on it")
        + ": SHA-256 \(input.sha256.prefix(12))... then, \(dataset.checksum.prefix(12))... now"
    }
    return nil
  }
}
