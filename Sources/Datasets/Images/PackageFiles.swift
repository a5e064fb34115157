import Foundation
import Synchronization

/// Where the files are that come with the package.
package enum PackageFiles {
  private static let chosen = Mutex<String?>(nil)

  /// Looks for the files in a folder first, for programs that bring this code and its files elsewhere than it was built.
  package static func look(in folder: String) { chosen.withLock { $0 = folder } }

  /// In the chosen folder where they are there, or else beside the program, or where it was built.
  static var folder: URL {
    if let chosen = chosen.withLock({ $0 }) {
      let found = URL(fileURLWithPath: chosen).appendingPathComponent(
        "PolyReLU_Datasets.resources")
      if FileManager.default.fileExists(atPath: found.path) { return found }
    }
    return Bundle.module.bundleURL
  }
}
