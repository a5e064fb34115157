import Foundation

/// Downloads data sets into the user's cache.
///
/// A file is collected as `NAME.part`, verified against its published checksum, and only then
/// renamed to NAME: what lies under its name is whole. A partial file is resumed, on the next mirror
/// or in the next run; if what results is wrong, it is fetched once more from the start. One fetch
/// at a time works on a data set; others wait for it and then find its files.
package struct DataFetcher: Sendable {
  /// When a server is given up.
  package struct Limits: Sendable, Equatable {
    /// Seconds until a connection must stand.
    package var connectSeconds = 15
    /// Seconds a transfer may stay below the minimum speed.
    package var stallSeconds = 30
    package var minimumBytesPerSecond = 1000
    /// How often one server may cut off a transfer that it had begun.
    package var interruptions = 5

    package init() {}
  }

  /// What a fetch is doing.
  package enum Event: Sendable, Equatable {
    /// Another fetch of the same data is under way and is waited for.
    case waiting
    /// Bytes of a file are there, of about `expected`.
    case progress(file: String, received: Int, expected: Int)
    /// Something that did not go as it should, and does not stop the fetch.
    case warning(String)
  }

  /// What a fetch has brought.
  package struct Summary: Sendable, Equatable, Codable {
    package let name: String
    /// Where its files lie.
    package let folder: String
    /// The files that were downloaded.
    package let downloaded: [String]
    /// The files that were there already, and are right.
    package let present: [String]
  }

  /// When a server is given up.
  package var limits = Limits()

  private let environment: [String: String]
  private let datasets: [RemoteDataset]

  /// A fetcher.
  ///
  /// - Parameter environment: says where the cache is, and goes to the programs that are run.
  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.init(environment: environment, datasets: RemoteDataset.all)
  }

  init(environment: [String: String], datasets: [RemoteDataset]) {
    self.environment = environment
    self.datasets = datasets
  }

  /// The names of the data sets that can be fetched.
  package static var names: [String] { RemoteDataset.all.map(\.name) }

  /// Brings the files of the data set `name` into the cache.
  ///
  /// - Parameters:
  ///   - mirror: the base address to use instead of the public mirrors.
  ///   - report: is told what happens.
  package func fetch(
    _ name: String, mirror: String? = nil, report: (Event) -> Void = { _ in }
  ) throws(FetchError) -> Summary {
    guard let dataset = datasets.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: datasets.map(\.name))
    }
    var mirrors = dataset.mirrors
    if let mirror { mirrors = [try Self.baseAddress(mirror)] }
    guard let folder = DataFolders.cache(name, environment) else {
      throw .local(path: "cache", problem: "is nowhere; expected HOME or XDG_CACHE_HOME to be set")
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .local(path: folder, problem: "cannot be created as a folder of the cache")
    }
    let lock = try FolderLock(folder: folder) { report(.waiting) }
    defer { withExtendedLifetime(lock) {} }
    var (downloaded, present): ([String], [String]) = ([], [])
    for file in dataset.files {
      if try isPresent(file, in: folder, report) {
        present.append(file.name)
      } else {
        let job = FileFetch(
          dataset: name, file: file, folder: folder, limits: limits, environment: environment)
        // The mirror that has worked comes first for the next file.
        mirrors = try job.run(mirrors: mirrors, report)
        downloaded.append(file.name)
      }
    }
    return Summary(name: name, folder: folder, downloaded: downloaded, present: present)
  }

  /// Whether the file is in the cache and right; a wrong one is removed and named.
  private func isPresent(
    _ file: RemoteDataset.File, in folder: String, _ report: (Event) -> Void
  ) throws(FetchError) -> Bool {
    let path = "\(folder)/\(file.name)"
    guard FileManager.default.fileExists(atPath: path) else { return false }
    guard let problem = try Verification.problem(of: path, as: file, environment) else {
      return true
    }
    guard unlink(path) == 0 else {
      throw .local(path: path, problem: "\(problem), and it cannot be removed")
    }
    report(.warning("\(path): \(problem); removed"))
    return false
  }

  private static func baseAddress(_ text: String) throws(FetchError) -> String {
    let hasScheme = ["http://", "https://"].contains { text.lowercased().hasPrefix($0) }
    guard hasScheme, let url = URL(string: text), let host = url.host, !host.isEmpty,
      !text.contains(where: \.isWhitespace)
    else { throw .mirror(text) }
    return text.hasSuffix("/") ? text : text + "/"
  }
}
