import Certification
import Formats
import Foundation

/// Where the files of a directory of certificates lie, and how they are written.
package struct CertificateFiles: Sendable {
  let folder: URL

  package init(folder: URL) {
    self.folder = folder
  }

  static let networkName = "network.json"

  /// The network that certificates speak about.
  package var network: String { folder.appendingPathComponent(Self.networkName).path }

  /// The certificate of a sample.
  package func certificate(_ index: Int) -> String {
    folder.appendingPathComponent("sample-\(Self.number(index)).json").path
  }

  /// What else was found for a sample, from the directory on.
  package static func result(_ index: Int) -> String { "checkpoints/result-\(number(index)).json" }

  /// The radius of a sample under smoothing, from the directory on.
  package static func smoothed(_ index: Int) -> String {
    "checkpoints/smoothed-\(number(index)).json"
  }

  private static func number(_ index: Int) -> String { String(format: "%06d", index) }

  /// Whether a path, from the directory on, is that of a file of an earlier run that a new one replaces.
  package static func isReplaced(_ path: String) -> Bool {
    guard path.hasSuffix(".json") || path.hasSuffix(".npz") else { return false }
    return [networkName, RunDirectory.configurationName].contains(path)
      || ["sample-", "checkpoints/result-", "checkpoints/smoothed-", "checkpoints/attack-"]
        .contains(where: path.hasPrefix)
  }

  /// Writes a value on one line.
  package static func write<Value: Encodable>(_ value: Value, to path: String)
    throws(ExperimentError)
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      let text = String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
      try AtomicFile.write(text, to: path)
    } catch { throw .usage("\(error)") }
  }

  /// Reads a file of the kind.
  package static func read<Value: Decodable>(_ path: String) throws(ExperimentError) -> Value {
    do { return try UserFile.json(path, as: Value.self, what: "a certificate") } catch {
      throw .usage("\(error)")
    }
  }
}
