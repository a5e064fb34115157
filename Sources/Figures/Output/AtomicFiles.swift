import Formats
import Foundation

/// Files that are written when all of them are ready, each complete or not at all (``AtomicFile``).
struct AtomicFiles {
  let directory: URL
  private var staged: [(name: String, data: Data)] = []

  /// Creates `directory` when it is missing.
  init(in directory: URL) throws(FigureError) {
    self.directory = directory
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw .fileFailure(path: directory.path, reason: Self.reason(error))
    }
  }

  /// Keeps `data` for the file `name`; nothing is visible under `name` yet.
  mutating func stage(_ data: Data, as name: String) { staged.append((name, data)) }

  /// Writes every staged file, replacing older versions.
  mutating func commit() throws(FigureError) {
    for (name, data) in staged {
      let path = directory.appendingPathComponent(name).path
      do throws(FormatError) { try AtomicFile.write([UInt8](data), to: path) } catch {
        throw .fileFailure(path: path, reason: error.message)
      }
    }
    staged = []
  }

  static func reason(_ error: any Error) -> String {
    let text = (error as NSError).localizedDescription
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
