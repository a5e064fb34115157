import Synchronization

/// A setting in a message, in the words of whoever reads it: init-scale for a user of the library, with two hyphens
/// before it on a command line, init_scale in Python.
package struct SettingName: Sendable, Hashable, CustomStringConvertible {
  /// How settings are written.
  package enum Style: Sendable {
    case plain, flag, python
  }

  private static let shared = Mutex(Style.plain)
  /// That of this process, set once by the program that runs.
  package static var style: Style {
    get { shared.withLock { $0 } }
    set { shared.withLock { $0 = newValue } }
  }

  /// In lower case, with hyphens.
  package let name: String

  package init(_ name: String) { self.name = name }

  package var description: String {
    switch Self.style {
    case .plain: name
    case .flag: "--\(name)"
    case .python: name.replacing("-", with: "_")
    }
  }
}
