import Foundation
import Runs
import Studies
import Testing

@testable import Experiments

/// The settings of every experiment, and of those that consist of others.
@Suite struct SettingsPartsTests {
  private func options(_ preset: Preset, _ texts: [String] = []) throws -> ExperimentOptions {
    var options = ExperimentOptions(preset: preset)
    options.changes = try texts.map { try #require(SettingChange(parsing: $0)) }
    return options
  }

  private func make(_ type: any Experiment.Type, _ preset: Preset) throws -> any Experiment {
    var options = try options(preset)
    if type.takesData { options.data = "features.npz" }
    return try ExperimentCatalog.make(named: type.name, options)
  }

  /// Encoded and decoded, settings are the same; the presets pass their own checks.
  private func check<Settings: ExperimentSettings>(_ settings: Settings) throws {
    try settings.validate()
    let root = try SettingEncoder.encode(settings)
    let text = Data(root.json.utf8)
    #expect(try JSONDecoder().decode(Settings.self, from: text) == settings)
    let stored = Data(JSONText.encode(settings).utf8)
    #expect(try JSONText.decoder.decode(Settings.self, from: stored) == settings)
    // Every value is what its own text says.
    for place in root.places {
      guard let text = place.node.text, !SettingChange.fixed.keys.contains(place.path) else {
        continue
      }
      let change = SettingChange(key: place.path, value: text)
      #expect(try settings.changed(by: [change]) == settings, "\(place.path) = \(text)")
    }
  }

  @Test(arguments: Preset.allCases) func settingsOfAllExperiments(preset: Preset) throws {
    for type in ExperimentCatalog.all {
      let experiment = try make(type, preset)
      for part in experiment.parts {
        try check(part.settings)
        #expect(part.settings.preset == preset)
      }
      let table = try experiment.settingsTable()
      for name in ["seed", "repeats", "preset"] {
        #expect(table.rows.contains { $0.name == name }, "\(type.name)")
      }
      #expect(table.text.contains("seed"))
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(table.json.utf8)) }
    }
  }

  private func overview(_ texts: String...) throws -> OverviewExperiment {
    let made = try ExperimentCatalog.make(named: "overview", options(.quick, texts))
    return try #require(made as? OverviewExperiment)
  }

  private func settings<Settings>(_ experiment: OverviewExperiment, _ type: Settings.Type) throws
    -> Settings
  { try #require(experiment.parts.compactMap { $0.settings as? Settings }.first) }

  @Test func changesReachThePartsThatKnowThem() throws {
    let changed = try overview("epochs=3", "mixture.alpha=0.2", "digits-parity.hiddenWidth=9")
    let mixture = try settings(changed, MixtureExperiment.Settings.self)
    let digits = try settings(changed, DigitsParityExperiment.Settings.self)
    let images = try settings(changed, RealDataSettings.self)
    #expect(mixture.epochs == 3 && digits.epochs == 3 && images.epochs == 3)
    #expect(mixture.mixture.alpha == 0.2)
    #expect(
      mixture.hiddenWidth == 200 && digits.hiddenWidth == 9 && images.hiddenWidth == 300)
    #expect(throws: ExperimentError.self) { try overview("nothing=1") }
    #expect(throws: ExperimentError.self) { try overview("epochs=0") }
  }

  @Test func bothLabellingsOfFeatures() throws {
    var options = try options(.laptop, ["epochs=3", "categories.twoSided=none"])
    options.data = "features.npz"
    let made = try ExperimentCatalog.make(named: "features", options)
    let parts = try #require(made as? FeaturesExperiment).parts
    #expect(parts.map(\.name) == ["binary", "categories"])
    let settings = try parts.map { try #require($0.settings as? RealDataSettings) }
    #expect(settings.map(\.labels) == [.parity, .category])
    #expect(settings.map(\.epochs) == [3, 3])
    #expect(settings[0].twoSided != nil && settings[1].twoSided == nil)
  }

  /// Networks of degrees between whole numbers have files of their own.
  @Test func namesTellDegreesApart() {
    #expect(ClusterRun.name(exponent: 2, seed: 1) == "p2-seed1")
    #expect(ClusterRun.name(exponent: 2.5, seed: 1) == "p2.5-seed1")
    #expect(1e3.degreeText == "1000" && 1.25.degreeText == "1.25")
  }
}
