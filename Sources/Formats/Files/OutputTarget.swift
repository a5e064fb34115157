#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a path that is to be written stands for.
package enum OutputTarget: Sendable, Equatable {
  /// A regular file, or none yet, at the end of all symbolic links: it can be replaced by a rename.
  ///
  /// `mode` is that of the file there, nil where there is none.
  case file(path: String, mode: UInt32?)
  /// A device, a pipe or a socket: it stays what it is, and gets the bytes.
  case special(path: String)
  /// An open descriptor of this process, standard output or standard error.
  case descriptor(Int32)

  /// The longest chain of symbolic links that is followed, as Linux has it.
  private static let mostLinks = 40

  /// Looks at a path.
  ///
  /// - Throws: `FormatError` where it is empty, names a directory, or cannot be looked at.
  package init(_ path: String) throws(FormatError) {
    func refuse(_ message: String) -> FormatError { FormatError(path: path, message) }
    let name = path.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init)
    if path.isEmpty { throw FormatError(path: "''", "is empty, expected a file name") }
    var found = stat()
    if stat(path, &found) == 0 {
      switch found.st_mode & S_IFMT {
      case S_IFDIR: throw refuse("is a directory, expected a file name")
      case S_IFREG:
        if let own = Self.standardStream(of: found) {
          self = .descriptor(own)
          return
        }
        guard let final = Self.realPath(path) else {
          throw refuse("cannot be written: \(systemMessage())")
        }
        self = .file(path: final, mode: UInt32(found.st_mode) & 0o7777)
      default:
        self = Self.standardStream(of: found).map { .descriptor($0) } ?? .special(path: path)
      }
      return
    }
    guard errno == ENOENT else { throw refuse("cannot be written: \(systemMessage())") }
    guard let name, !name.isEmpty, name != ".", name != ".." else {
      throw refuse("cannot be written: it does not name a file")
    }
    self = .file(path: try Self.endOfLinks(path), mode: nil)
  }

  /// Where the symbolic links from `path` on lead, to a file that is not there yet.
  private static func endOfLinks(_ path: String) throws(FormatError) -> String {
    var current = path
    for _ in 0..<mostLinks {
      guard let next = linkContents(current) else { return current }
      current = next.hasPrefix("/") ? next : directory(of: current) + next
    }
    throw FormatError(path: path, "cannot be written: too many symbolic links")
  }

  /// What a symbolic link says; nil for anything else.
  private static func linkContents(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  private static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The standard stream that is open on the same file: writing goes on where it stands, as a reopened file
  /// would start anew and be written over.
  private static func standardStream(of file: stat) -> Int32? {
    [STDOUT_FILENO, STDERR_FILENO].first { descriptor in
      var own = stat()
      return fstat(descriptor, &own) == 0 && own.st_dev == file.st_dev && own.st_ino == file.st_ino
    }
  }

  /// The directory part of a path, ready to be prefixed to a name.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "./" }
    return String(path[...slash])
  }
}
