import Formats
import Foundation

/// The directory of a run: `config.json`, `environment.json`, `metrics.csv`, `checkpoints/`, `results/`,
/// `figures/`, `report.html`. Every file appears whole, by an atomic rename.
public struct RunDirectory: Sendable {
  /// Where it is.
  public let url: URL

  /// Opens or creates a run directory.
  ///
  /// - Parameters:
  ///   - configuration: what determines the run; stored in `config.json`.
  ///   - resume: whether a run found there is continued. It must have the same configuration.
  /// - Throws: ``ExperimentError/usage(_:)`` when the path cannot be written, or holds another run.
  public init<Configuration: Codable & Equatable>(
    _ path: String, configuration: Configuration, resume: Bool
  ) throws(ExperimentError) {
    url = URL(fileURLWithPath: path, isDirectory: true)
    let stored = url.appendingPathComponent("config.json")
    if FileManager.default.fileExists(atPath: stored.path) {
      guard resume else {
        throw .usage(
          "--out \(path): already holds a run; continue it with --resume or choose another directory"
        )
      }
      guard let data = try? Data(contentsOf: stored),
        let found = try? JSONDecoder().decode(Configuration.self, from: data)
      else {
        throw .usage("\(stored.path): not a configuration of this command, cannot resume")
      }
      guard found == configuration else {
        throw .usage(
          "\(stored.path): the run there has other settings; --resume needs the same ones")
      }
    }
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .usage("--out \(path): cannot create the directory")
    }
    try write(configuration, to: "config.json")
  }

  /// The path of a file in the directory.
  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// A subdirectory, created if missing.
  public func folder(_ name: String) throws(ExperimentError) -> URL {
    let folder = url.appendingPathComponent(name, isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .usage("\(folder.path): cannot create the directory")
    }
    return folder
  }

  /// Writes a value as JSON.
  public func write<Value: Encodable>(_ value: Value, to name: String) throws(ExperimentError) {
    try write(text: JSONText.encode(value), to: name)
  }

  /// Writes text, creating folders in between.
  public func write(text: String, to name: String) throws(ExperimentError) {
    let target = url.appendingPathComponent(name)
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try AtomicFile.write(text, to: target.path)
    } catch let error as FormatError {
      throw .usage(error.description)
    } catch {
      throw .usage("\(target.path): cannot create its directory")
    }
  }

  /// A value computed once: read from `name` where an earlier run has left it, otherwise computed and
  /// stored. This is what makes long experiments resumable part by part.
  public func cached<Value: Codable>(
    _ name: String, _ compute: () throws(ExperimentError) -> Value
  ) throws(ExperimentError) -> Value {
    if let data = try? Data(contentsOf: url.appendingPathComponent(name)),
      let value = try? JSONText.decoder.decode(Value.self, from: data)
    {
      return value
    }
    let value = try compute()
    try write(value, to: name)
    return value
  }
}

/// JSON with sorted keys; infinity and NaN, which JSON lacks, as strings.
public enum JSONText {
  /// The text of a value, with a newline at the end.
  public static func encode<Value: Encodable>(_ value: Value) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do { return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n" } catch {
      preconditionFailure("values of this package hold nothing that cannot be encoded: \(error)")
    }
  }

  /// Reads what ``encode(_:)`` writes.
  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }
}
