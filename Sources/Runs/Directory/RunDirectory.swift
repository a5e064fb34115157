import Formats
import Foundation
import LinearCore

/// The directory of a run: `config.json`, `environment.json`, `timing.json`, `metrics.csv`, `checkpoints/`,
/// `results/`, `figures/`, `report.html`. Every file appears whole, by an atomic rename.
///
/// While a process works in it, it is locked against others. What two runs of the same seed have different,
/// seconds and threads, is in `timing.json` alone.
package struct RunDirectory: Sendable {
  /// Where it is.
  package let url: URL
  /// Held as long as this value or a copy of it lives.
  private let lock: RunLock
  /// Whether this process has begun the run.
  private let isNew: Bool

  /// Opens or creates a run directory.
  ///
  /// - Parameters:
  ///   - kind: what kind of run it is.
  ///   - configuration: what determines the run; stored in `config.json`. It is encoded as an object without
  ///     the members `kind`, `format` and `inputs`.
  ///   - inputs: what the run is made from. On resumption they must be the same. Nil where that is not known
  ///     yet, see ``bind(kind:configuration:inputs:)``.
  ///   - resume: whether a run found there is continued. It must have the same configuration.
  ///   - flag: the option that names the directory, for errors.
  ///   - replacing: without `resume` a run of the same kind there is replaced: its files for which this is
  ///     true, by their paths from the directory on, are removed. Nil refuses instead.
  /// - Throws: ``ExperimentError/usage(_:)`` when the path cannot be written, when another process works
  ///   there, or when it holds another run.
  package init<Configuration: Codable & Equatable>(
    _ path: String, kind: RunKind = .experiment, configuration: Configuration,
    inputs: [RunInput]? = [], resume: Bool, flag: String = "out",
    replacing: ((String) -> Bool)? = nil
  ) throws(ExperimentError) {
    let name = "\(SettingName(flag)) \(path)"
    if path.isEmpty { throw .usage("\(SettingName(flag)) is empty, expected a directory") }
    url = URL(fileURLWithPath: path, isDirectory: true)
    let created = try Self.create(url, name: name)
    do throws(ExperimentError) {
      lock = try RunLock.take(url, name: name)
      if let replacing, !resume { try Self.clear(url, kind: kind, replacing, name: name) }
      let found = try Self.found(url, kind: kind, configuration, resume: resume, name: name)
      isNew = found == nil
      if let found, let inputs { try Self.compare(found.inputs, inputs, url) }
      Leftovers.remove(below: url)
    } catch {
      // What was there before is not empty, and stays.
      for folder in created.reversed() { rmdir(folder.path) }
      throw error
    }
    if isNew || inputs != nil { try store(kind, configuration, inputs) }
  }

  /// Says what the run is made from, where that became known only after the directory was opened.
  /// - Throws: ``ExperimentError/usage(_:)`` naming what has changed since the run began.
  package func bind<Configuration: Codable & Equatable>(
    kind: RunKind, configuration: Configuration, inputs: [RunInput]
  ) throws(ExperimentError) {
    let found = try Self.found(
      url, kind: kind, configuration, resume: true, name: url.relativePath)
    if let found, !isNew { try Self.compare(found.inputs, inputs, url) }
    try store(kind, configuration, inputs)
  }

  private func store<Configuration: Codable>(
    _ kind: RunKind, _ configuration: Configuration, _ inputs: [RunInput]?
  ) throws(ExperimentError) {
    let stored = StoredConfiguration(kind: kind, inputs: inputs, configuration: configuration)
    let text = JSONText.encode(stored)
    if FileManager.default.contents(atPath: path(Self.configurationName)) == Data(text.utf8) {
      return
    }
    try write(text: text, to: Self.configurationName)
  }

  static let configurationName = "config.json"

  /// Creates a directory; returns those that were not there, the outermost first.
  private static func create(_ url: URL, name: String) throws(ExperimentError) -> [URL] {
    var missing: [URL] = []
    var folder = url.standardizedFileURL
    while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
      missing.insert(folder, at: 0)
      folder.deleteLastPathComponent()
    }
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      for folder in missing.reversed() { rmdir(folder.path) }
      throw .usage("\(name): cannot create the directory")
    }
    return missing
  }

  /// The run found there, which must be the one that is asked for; nil where there is none.
  private static func found<Configuration: Codable & Equatable>(
    _ url: URL, kind: RunKind, _ configuration: Configuration, resume: Bool, name: String
  ) throws(ExperimentError) -> StoredConfiguration<Configuration>? {
    let path = url.appendingPathComponent(configurationName).path
    guard FileManager.default.fileExists(atPath: path) else {
      if let part = namelessPart(url, kind) {
        throw .usage(
          "\(name): holds \(part) but no \(configurationName), so that nothing says which run it is of; "
            + "choose another directory")
      }
      return nil
    }
    guard resume else {
      throw .usage(
        "\(name): already holds a run; continue it with \(SettingName("resume")) or choose another directory"
      )
    }
    let found: StoredConfiguration<Configuration>
    do {
      found = try UserFile.json(
        path, as: StoredConfiguration<Configuration>.self,
        what: "a configuration of this command, cannot resume")
    } catch { throw .usage("\(error)") }
    if let other = found.kind, other != kind {
      throw .usage("\(path): is that of a run of the kind '\(other.rawValue)', cannot resume")
    }
    guard found.configuration == configuration else {
      throw .usage(
        "\(path): the run there has other settings; \(SettingName("resume")) needs the same ones")
    }
    return found
  }

  /// Removes a run of the same kind.
  private static func clear(
    _ url: URL, kind: RunKind, _ isRemoved: (String) -> Bool, name: String
  ) throws(ExperimentError) {
    struct Anything: Codable {}
    let path = url.appendingPathComponent(configurationName).path
    if FileManager.default.fileExists(atPath: path) {
      let found: StoredConfiguration<Anything>
      do {
        found = try UserFile.json(
          path, as: StoredConfiguration<Anything>.self, what: "the configuration of a run")
      } catch { throw .usage("\(name): holds something else, \(error)") }
      guard found.kind == kind else {
        throw .usage(
          "\(name): holds a run of the kind '\(found.kind?.rawValue ?? "training")', choose another "
            + "directory")
      }
    }
    let files = FileManager.default.enumerator(atPath: url.path)?.allObjects as? [String]
    for file in files ?? [] where isRemoved(file) {
      guard unlink(url.appendingPathComponent(file).path) == 0 else {
        throw .usage("\(name): \(file) cannot be removed, \(String(cString: strerror(errno)))")
      }
    }
  }

  /// A file of a run whose settings are not there to compare with; nil for none. What attacks and
  /// certifications keep says itself what it is a part of.
  private static func namelessPart(_ url: URL, _ kind: RunKind) -> String? {
    let names =
      switch kind {
      case .training, .gradientFlow, .deepTraining:
        [TrainingRun.checkpointName, TrainingRun.modelName]
      case .experiment: ["results/summary.json", "results/runs", "networks"]
      case .attack, .certification: [String]()
      }
    return names.first {
      FileManager.default.fileExists(atPath: url.appendingPathComponent($0).path)
    }
  }

  private static func compare(_ stored: [RunInput]?, _ inputs: [RunInput], _ url: URL)
    throws(ExperimentError)
  {
    if let stored {
      if let change = RunInput.change(from: stored, to: inputs, directory: url.relativePath) {
        throw .usage(change)
      }
    } else if !inputs.isEmpty {
      ProgressReporter.warn(
        "\(url.relativePath): an earlier version has begun this run and did not record its data; whether "
          + "they are the same is not known")
    }
  }

  /// The path of a file in the directory.
  package func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Whether a file is there.
  package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// A subdirectory, created if missing.
  package func folder(_ name: String) throws(ExperimentError) -> URL {
    let folder = url.appendingPathComponent(name, isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .usage("\(folder.path): cannot create the directory")
    }
    return folder
  }

  /// Writes a value as JSON.
  package func write<Value: Encodable>(_ value: Value, to name: String) throws(ExperimentError) {
    try write(text: JSONText.encode(value), to: name)
  }

  /// Writes text, creating folders in between.
  package func write(text: String, to name: String) throws(ExperimentError) {
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
  /// stored. This is what makes long experiments resumable part by part. A damaged file is computed again,
  /// with a warning.
  package func cached<Value: Codable>(
    _ name: String, _ compute: () throws(ExperimentError) -> Value
  ) throws(ExperimentError) -> Value {
    if exists(name) {
      do {
        return try UserFile.json(path(name), as: Value.self, what: "a result of this experiment")
      } catch {
        ProgressReporter.warn("\(error); it is computed again")
      }
    }
    let cancelled = ExperimentError.failed("the work was cancelled; what was done is kept")
    try Cancellation.check(cancelled)
    let value = try compute()
    // Of work that was cancelled it may be any part.
    try Cancellation.check(cancelled)
    try write(value, to: name)
    return value
  }

  /// Takes back a run that has failed before anything was worth keeping, so that the corrected command can
  /// have the directory.
  ///
  /// Only if this process has begun it and there is nothing but what every run begins with.
  package func abandonIfNothingWasDone() {
    let manager = FileManager.default
    let known: Set = ["config.json", "environment.json", "timing.json", ".lock"]
    guard isNew, let files = manager.enumerator(atPath: url.path)?.allObjects as? [String] else {
      return
    }
    var folders: [String] = []
    for file in files where !known.contains(file) {
      var isDirectory: ObjCBool = false
      guard manager.fileExists(atPath: path(file), isDirectory: &isDirectory), isDirectory.boolValue
      else { return }
      folders.append(file)
    }
    for file in known { unlink(path(file)) }
    for folder in folders.reversed() { rmdir(path(folder)) }
    rmdir(url.path)
  }
}

/// Files that a killed process has not finished.
enum Leftovers {
  /// Removes them from a run directory. The caller holds its lock, so nobody is writing them; directories
  /// below that are runs of their own are left to those.
  static func remove(below url: URL) {
    let manager = FileManager.default
    let keys: [URLResourceKey] = [.isDirectoryKey, .isSymbolicLinkKey]
    guard let files = manager.enumerator(at: url, includingPropertiesForKeys: keys) else { return }
    for case let file as URL in files {
      if file.lastPathComponent.hasPrefix(AtomicFile.temporaryPrefix) {
        unlink(file.path)
      } else if manager.fileExists(atPath: file.appendingPathComponent("config.json").path) {
        files.skipDescendants()
      }
    }
  }
}
