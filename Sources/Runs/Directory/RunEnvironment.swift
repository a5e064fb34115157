import Foundation
import LinearCore

/// Where and with what a run was made; `environment.json`. The same for two runs on one machine.
package struct RunEnvironment: Codable, Sendable {
  /// The version of PolyReLU.
  package static let version = "0.2.0"

  /// The version of PolyReLU.
  package let version: String
  /// The source revision, where the program lies in a checkout.
  package let commit: String
  package let cpu: String
  /// The kernels of the BLAS library, such as "Haswell" or "SkylakeX". Others give other last digits.
  package let blasKernels: String
  /// The BLAS library and its version.
  package let blasLibrary: String
  package let seed: UInt64
  /// SHA-256 of the data, see `Dataset.checksum`; empty where there are several.
  package let dataChecksum: String

  /// The environment of this process.
  package init(seed: UInt64, dataChecksum: String) {
    version = Self.version
    commit = Self.sourceRevision() ?? "unknown"
    cpu = Self.processor() ?? "unknown"
    blasKernels = BLAS.kernels
    blasLibrary = BLAS.library
    self.seed = seed
    self.dataChecksum = dataChecksum
  }

  private static func processor() -> String? {
    let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func sourceRevision() -> String? {
    // As a library in another program there is no path of ours.
    guard let program = CommandLine.arguments.first else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
    process.arguments = ["git", "-C", folder, "rev-parse", "--short=12", "HEAD"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return process.terminationStatus == 0 && !text.isEmpty ? text : nil
  }
}
