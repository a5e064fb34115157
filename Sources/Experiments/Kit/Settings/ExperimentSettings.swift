import Runs

/// Everything that determines the results of an experiment; stored as `config.json`.
///
/// Every stored property may be changed by its name, see ``SettingChange``.
package protocol ExperimentSettings: Codable, Equatable, Sendable {
  /// The name of the experiment.
  var experiment: String { get }
  /// How much is done.
  var preset: Preset { get }
  /// The first seed.
  var seed: UInt64 { get }
  /// How many seeds, one after the other.
  var repeats: Int { get }

  /// Refuses what would end the program, or never let it end.
  /// - Throws: ``ExperimentError/usage(_:)`` that names the first setting out of range.
  func validate() throws(ExperimentError)
}

extension ExperimentSettings {
  /// Checks the repeats, which all settings have.
  package func validate() throws(ExperimentError) { try SettingsCheck().repeats(repeats) }
}

/// The settings of an experiment, or of one of the parts that it consists of.
package struct SettingsPart: Sendable {
  /// The name of the part, and of its directory; that of the experiment where it has no parts.
  package let name: String
  /// The settings.
  package var settings: any ExperimentSettings

  /// A part.
  package init(_ name: String, _ settings: any ExperimentSettings) {
    self.name = name
    self.settings = settings
  }
}

/// An experiment that does not consist of others.
package protocol SingleExperiment: Experiment {
  /// Everything that determines the results.
  associatedtype Settings: ExperimentSettings
  /// Everything that determines the results.
  var settings: Settings { get set }
}

extension SingleExperiment {
  /// The settings alone.
  package var parts: [SettingsPart] {
    get { [SettingsPart(Self.name, settings)] }
    set { if let changed = newValue.first?.settings as? Settings { settings = changed } }
  }
}
