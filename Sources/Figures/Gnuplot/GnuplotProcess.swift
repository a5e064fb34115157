import Foundation

/// One run of gnuplot on a script, in a temporary directory that is gone afterwards.
struct GnuplotProcess {
  /// A name looked up on `PATH`, or a path.
  let executable: String

  /// Runs `script` and returns the bytes of its output.
  func output(of script: PlotScript, figure: String) throws(FigureError) -> Data {
    let program = try locate()
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("figure-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      for file in script.files {
        try file.data.write(to: directory.appendingPathComponent(file.name))
      }
      try Data(script.text.utf8).write(to: directory.appendingPathComponent("script"))
    } catch {
      throw .fileFailure(path: directory.path, reason: AtomicFiles.reason(error))
    }
    try run(program, in: directory, figure: figure)
    let name = "\(PlotScript.outputName).\(script.format.rawValue)"
    guard let data = try? Data(contentsOf: directory.appendingPathComponent(name)),
      Self.isComplete(data, script.format)
    else { throw .incompleteOutput(figure: figure, format: script.format) }
    return data
  }

  private func run(_ program: URL, in directory: URL, figure: String) throws(FigureError) {
    let complaints = directory.appendingPathComponent("errors")
    let process = Process()
    process.executableURL = program
    process.arguments = ["-d", "script"]  // -d: ignore the user's own gnuplot settings
    process.currentDirectoryURL = directory
    var environment = ProcessInfo.processInfo.environment
    environment["LC_ALL"] = "C.UTF-8"
    environment["GNUTERM"] = nil
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    do {
      try Data().write(to: complaints)
      // A file, not a pipe: a long complaint can never block the child.
      let handle = try FileHandle(forWritingTo: complaints)
      defer { try? handle.close() }
      process.standardError = handle
      try process.run()
    } catch {
      throw .gnuplotFailed(figure: figure, status: -1, message: AtomicFiles.reason(error))
    }
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let data = (try? Data(contentsOf: complaints)) ?? Data()
      throw .gnuplotFailed(
        figure: figure, status: process.terminationStatus,
        message: Self.firstComplaint(in: String(decoding: data, as: UTF8.self)))
    }
  }

  /// The first line that says what is wrong; gnuplot echoes the faulty command before it.
  static func firstComplaint(in errors: String) -> String {
    let lines = errors.split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && $0 != "^" }
    let located = lines.first { $0.contains(#/line \d+: /#) && !$0.contains("warning") }
    return located ?? lines.first ?? "no message"
  }

  /// The program file of ``executable``.
  func locate() throws(FigureError) -> URL {
    if executable.contains("/") {
      guard Self.isProgram(executable) else { throw .gnuplotNotFound(executable: executable) }
      return URL(fileURLWithPath: executable)
    }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for directory in path.split(separator: ":") where !executable.isEmpty {
      let candidate = "\(directory)/\(executable)"
      if Self.isProgram(candidate) { return URL(fileURLWithPath: candidate) }
    }
    throw .gnuplotNotFound(executable: executable)
  }

  private static func isProgram(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && !isDirectory.boolValue && FileManager.default.isExecutableFile(atPath: path)
  }

  private static func isComplete(_ data: Data, _ format: FigureFormat) -> Bool {
    let ending = String(decoding: data.suffix(16), as: UTF8.self)
    return switch format {
    case .svg: ending.contains("</svg>")
    case .pdf: ending.contains("%%EOF")
    case .png: data.suffix(8).starts(with: Data("IEND".utf8))
    }
  }
}
