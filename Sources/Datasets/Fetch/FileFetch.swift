import Foundation

/// The download of one file from the first mirror that has it.
struct FileFetch {
  let dataset: String
  let file: RemoteDataset.File
  let folder: String
  let limits: DataFetcher.Limits
  let environment: [String: String]

  private var path: String { "\(folder)/\(file.name)" }
  private var partialPath: String { path + ".part" }

  /// Fetches the file; returns the mirrors with the one that delivered in front.
  func run(
    mirrors: [String], _ report: (DataFetcher.Event) -> Void
  ) throws(FetchError) -> [String] {
    var attempts: [String] = []
    for (index, mirror) in mirrors.enumerated() {
      guard let problem = try fetch(from: mirror, report) else {
        return Array(mirrors[index...] + mirrors[..<index])
      }
      attempts.append("\(mirror): \(problem)")
      if index + 1 < mirrors.count {
        report(.warning("\(mirror)\(file.name): \(problem); trying the next mirror"))
      }
    }
    throw .network(name: dataset, file: file.name, attempts: attempts)
  }

  /// Fetches and verifies the file; returns what went wrong with this mirror.
  private func fetch(
    from mirror: String, _ report: (DataFetcher.Event) -> Void
  ) throws(FetchError) -> String? {
    var interruptions = 0
    var isResumed = partialSize() > 0
    while true {
      let transfer = Transfer(
        url: mirror + file.name, partialPath: partialPath, maximumBytes: file.maximumBytes,
        limits: limits, environment: environment)
      let outcome = try transfer.run { received in
        report(
          .progress(file: file.name, received: received, expected: file.compressedBytes))
      }
      switch outcome {
      case .finished:
        guard let problem = try Verification.problem(of: partialPath, as: file, environment)
        else {
          try publish()
          return nil
        }
        try discardPartial()
        guard isResumed else { return problem }
        // The older part was of other bytes; this mirror alone may still be right.
        report(.warning("\(path): what was resumed \(problem); starting over"))
        isResumed = false
      case .cannotResume:
        try discardPartial()
        isResumed = false
      case .interrupted(let problem):
        interruptions += 1
        if interruptions > limits.interruptions { return problem }
        isResumed = true
      case .failed(let problem):
        // Nothing to resume from.
        if partialSize() == 0 { try discardPartial() }
        return problem
      }
    }
  }

  private func partialSize() -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: partialPath)
    return (attributes?[.size] as? Int) ?? 0
  }

  private func discardPartial() throws(FetchError) {
    guard unlink(partialPath) == 0 || errno == ENOENT else {
      throw .local(
        path: partialPath, problem: "cannot be removed: \(String(cString: strerror(errno)))")
    }
  }

  /// Gives the verified file, already synchronised with the disk, its name.
  private func publish() throws(FetchError) {
    guard rename(partialPath, path) == 0 else {
      throw .local(
        path: path, problem: "cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
