import Foundation

/// Files that appear together and complete: staged beside their final place, then renamed. Symbolic links are
/// followed; what is no regular file, such as a device, gets the bytes as they are.
struct AtomicFiles {
  let directory: URL
  private var staged: [(temporary: URL, final: URL)] = []

  /// Creates `directory` when it is missing.
  init(in directory: URL) throws(FigureError) {
    self.directory = directory
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw .fileFailure(path: directory.path, reason: Self.reason(error))
    }
  }

  /// Writes `data` to a temporary sibling of `name`; nothing is visible under `name` yet.
  mutating func stage(_ data: Data, as name: String) throws(FigureError) {
    let final = directory.appendingPathComponent(name).resolvingSymlinksInPath()
    let temporary = final.deletingLastPathComponent()
      .appendingPathComponent(".tmp-\(UUID().uuidString)")
    do {
      if Self.isSpecial(final) {
        let handle = try FileHandle(forWritingTo: final)
        try handle.write(contentsOf: data)
        return try handle.close()
      }
      try data.write(to: temporary)
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      discard()
      throw .fileFailure(path: final.path, reason: Self.reason(error))
    }
    staged.append((temporary, final))
  }

  /// Renames every staged file to its final name, replacing older versions.
  mutating func commit() throws(FigureError) {
    while let (temporary, final) = staged.first {
      guard rename(temporary.path, final.path) == 0 else {
        let reason = String(cString: strerror(errno))
        discard()
        throw .fileFailure(path: final.path, reason: reason)
      }
      staged.removeFirst()
    }
  }

  /// Removes what was staged and not yet committed.
  mutating func discard() {
    for (temporary, _) in staged { try? FileManager.default.removeItem(at: temporary) }
    staged = []
  }

  /// Whether something is there that is neither a regular file nor a directory.
  private static func isSpecial(_ file: URL) -> Bool {
    var found = stat()
    guard stat(file.path, &found) == 0 else { return false }
    return found.st_mode & S_IFMT != S_IFREG && found.st_mode & S_IFMT != S_IFDIR
  }

  static func reason(_ error: any Error) -> String {
    let text = (error as NSError).localizedDescription
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
