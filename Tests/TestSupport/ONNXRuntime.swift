import Foundation

/// onnxruntime as an oracle: `Tools/check_onnx.py` in the Python that `POLYRELU_PYTHON` names.
public enum ONNXRuntime {
  private static var python: String? { ProcessInfo.processInfo.environment["POLYRELU_PYTHON"] }

  /// Whether there is such a Python.
  public static var isAvailable: Bool { python != nil }

  /// What to do where there is none.
  public static var advice: String {
    "set POLYRELU_PYTHON to a Python with numpy, onnx and onnxruntime to compare with onnxruntime"
  }

  /// Compares stored logits with those of onnxruntime, and tells its verdict on standard error.
  ///
  /// - Parameter bases: paths of pairs of files without their extensions, `.npz` and `.onnx`.
  /// - Returns: the exit status, 0 for agreement, what was printed, and the last line of it.
  public static func check(_ bases: [String]) throws -> (
    status: Int32, text: String, summary: String
  ) {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Tools/check_onnx.py").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python!)
    process.arguments = [script] + bases.flatMap { [$0 + ".npz", $0 + ".onnx"] }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let summary = text.split(separator: "\n").last.map(String.init) ?? ""
    FileHandle.standardError.write(Data("onnxruntime: \(summary)\n".utf8))
    return (process.terminationStatus, text, summary)
  }
}
