import Foundation

/// Where the files of downloaded data sets are looked for.
enum DataFolders {
  /// The folders for the data set `name`, first to last: `$POLYRELU_DATA/name`, `$POLYRELU_DATA`,
  /// and the user's cache, `$XDG_CACHE_HOME/polyrelu/name` or `~/.cache/polyrelu/name`.
  static func search(_ name: String, _ environment: [String: String]) -> [String] {
    var folders: [String] = []
    if let root = environment["POLYRELU_DATA"], !root.isEmpty {
      folders += ["\(root)/\(name)", root]
    }
    if let cache = cache(name, environment) { folders.append(cache) }
    return folders
  }

  /// Where the user's cache holds the data set `name`; nil without a home.
  static func cache(_ name: String, _ environment: [String: String]) -> String? {
    // An empty or relative XDG_CACHE_HOME is to be ignored (XDG base directory specification).
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return "\(cache)/polyrelu/\(name)"
    }
    guard let home = environment["HOME"], !home.isEmpty else { return nil }
    return "\(home)/.cache/polyrelu/\(name)"
  }

  /// The path of the first of `names` that exists, folder by folder.
  static func find(_ names: [String], in folders: [String]) -> String? {
    for folder in folders {
      for name in names where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }
}
