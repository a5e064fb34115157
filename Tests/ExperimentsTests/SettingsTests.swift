import Datasets
import Foundation
import LinearCore
import Runs
import Studies
import Testing
import Training

@testable import Experiments

/// Settings are changed by name, with the types they have.
@Suite struct SettingsTests {
  private let quick = ExperimentOptions(preset: .quick)

  private func change(_ text: String) throws -> SettingChange {
    try #require(SettingChange(parsing: text))
  }

  /// Settings after changes.
  private func changed<Settings: ExperimentSettings>(_ settings: Settings, _ texts: String...)
    throws -> Settings
  {
    try settings.changed(by: texts.map(change))
  }

  /// The message of a refusal.
  private func refusal(_ name: String, _ texts: [String], _ options: ExperimentOptions? = nil)
    throws -> String
  {
    var options = options ?? quick
    options.changes = try texts.map(change)
    let error = #expect(throws: ExperimentError.self, "\(name) \(texts)") {
      try ExperimentCatalog.make(named: name, options)
    }
    guard case .usage(let message)? = error else { return "" }
    #expect(!message.contains("\n") && message.count < 1000)
    return message
  }

  @Test func changesAreParsed() throws {
    #expect(try change("a=b=c") == SettingChange(key: "a", value: "b=c"))
    #expect(try change("a=") == SettingChange(key: "a", value: ""))
    #expect(SettingChange(parsing: "a") == nil && SettingChange(parsing: "=b") == nil)
  }

  @Test func valuesHaveTheirTypes() throws {
    let settings = DegreeSweepExperiment(quick).settings
    let result = try changed(
      settings, "degrees=1, 2.5,3", "alpha=0.05", "flow.hiddenWidth=7", "rotation=random",
      "seed=18446744073709551615", "flow.flow.stopLoss=none", "smallestStep=1e-3")
    var expected = settings
    expected.degrees = [1, 2.5, 3]
    expected.flow.mixture.alpha = 0.05
    expected.flow.hiddenWidth = 7
    expected.flow.mixture.rotation = .random
    expected.seed = .max
    expected.flow.flow.stopLoss = nil
    expected.flow.flow.smallestStep = 1e-3
    #expect(result == expected)
    #expect(result.flow.mixture.alpha == 0.05)
  }

  @Test func numbersAreExact() throws {
    let settings = DegreeSweepExperiment(quick).settings
    for value in [0.1, 1.0 / 3, .leastNonzeroMagnitude, 1e30, 0.05.nextUp, 2.0.nextDown] {
      #expect(try changed(settings, "alpha=\(value)").flow.mixture.alpha == value)
    }
    #expect(try changed(settings, "alpha=8/255").flow.mixture.alpha == 8.0 / 255)
  }

  @Test func textsAndTruthsAndRanges() throws {
    let settings = CIFAR10Experiment(quick).settings
    let result = try changed(
      settings, "flips=false", "attack=quick", "adversarial.norm=linf", "box=-1,2",
      "filters=4,4", "linfRadii=1/255,2/255")
    #expect(!result.augmentation.flips && result.attack == "quick")
    #expect(result.adversarial.norm == .linf && result.adversarial.box == -1...2)
    #expect(result.filters == [4, 4] && result.linfRadii == [1.0 / 255, 2.0 / 255])
    #expect(try changed(settings, "box=none").adversarial.box == nil)
    for text in ["box=2,1", "box=0,1,2", "box=1"] {
      #expect(throws: ExperimentError.self, "\(text)") { try changed(settings, text) }
    }
  }

  /// The names of how a network starts have commas themselves.
  @Test func listsOfNames() throws {
    let settings = DeepMixtureExperiment(quick).settings
    let result = try changed(
      settings, "starts=small, SGD,standard, Adam", "variants=residual,residual + layer norm")
    #expect(result.starts == [.small, .adam])
    #expect(result.variants == [.residual, .residualNormalization])
    for text in ["starts=small", "starts=small, SGD,", "variants=plain,nothing"] {
      #expect(throws: ExperimentError.self, "\(text)") { try changed(settings, text) }
    }
  }

  /// With a number one of a list of groups, without one all.
  @Test func elementsOfLists() throws {
    let settings = MNISTParityExperiment(quick).settings
    let one = try changed(settings, "curves.1.attack=ddn")
    #expect(one.curves.map(\.attack) == ["quick", "ddn", "quick"])
    let all = try changed(settings, "curves.attack=structural", "plainAttack=none")
    #expect(all.curves.allSatisfy { $0.attack == "structural" && $0.plainAttack == nil })
    #expect(all.twoSided?.attack == "quick")
    #expect(try changed(settings, "twoSided=none", "trainLimit=none").trainLimit == nil)
    #expect(try changed(settings, "twoSided=none").twoSided == nil)
    #expect(try changed(settings, "twoSided.seconds=2").twoSided?.seconds == 2)
  }

  /// A whole path goes before ends of others.
  @Test func wholePathsComeFirst() throws {
    let critical = try changed(CriticalRadiusExperiment(quick).settings, "attackedSamples=3")
    #expect(critical.attackedSamples == 3)
    let digits = try changed(DigitsParityExperiment(quick).settings, "attack=quick")
    #expect(digits.attack == "quick" && digits.twoSided.attack == "quick")
    let flow = try changed(FlowComparisonExperiment(quick).settings, "compared.momentum=0.5")
    #expect(flow.compared.momentum == 0.5 && flow.momenta == [0, 0.9])
  }

  @Test func refusalsNameTheKey() throws {
    for (name, texts, parts) in [
      (
        "p-sweep", ["width=3"], ["--set width: ", "no such setting", "flow.hiddenWidth", "degrees"]
      ),
      ("mixture", ["samples=3"], ["mixture.samples", "twoSided.smoothing.samples"]),
      ("p-sweep", ["hiddenWidth=2.5"], ["--set hiddenWidth is '2.5'", "a whole number"]),
      ("p-sweep", ["degrees=1,x"], ["--set degrees is '1,x'", "numbers separated by commas"]),
      ("p-sweep", ["degrees="], ["--set degrees is ''"]),
      ("p-sweep", ["rotation=left"], ["one of none, random"]),
      ("p-sweep", ["alpha=inf"], ["--set alpha is 'inf'", "a number"]),
      ("p-sweep", ["alpha=1e999"], ["--set alpha"]),
      ("p-sweep", ["seed=18446744073709551616"], ["2^64 - 1"]),
      ("p-sweep", ["flow=3"], ["flow is a group", "flow.hiddenWidth"]),
      ("p-sweep", ["preset=paper"], ["cannot be set", "--preset"]),
      ("p-sweep", ["experiment=mixture"], ["cannot be set"]),
      ("mnist-parity", ["labels=mod:3"], ["cannot be set"]),
      ("p-sweep", ["alpha=0.1", "mixture.alpha=0.2"], ["--set alpha", "--set mixture.alpha"]),
      ("cifar10", ["flips=yes"], ["true or false"]),
    ] {
      let message = try refusal(name, texts)
      for part in parts { #expect(message.contains(part), "\(texts): \(message)") }
    }
  }

  @Test func flagsAndChangesMustAgree() throws {
    var options = ExperimentOptions(preset: .quick, seed: 3, repeats: 2)
    options.isSeedGiven = true
    #expect(try refusal("p-sweep", ["seed=4"], options).contains("--seed is 3"))
    #expect(try refusal("p-sweep", ["repeats=4"], options).contains("--repeats is 2"))
    options.changes = [SettingChange(key: "seed", value: "3")]
    #expect(throws: Never.self) { try ExperimentCatalog.make(named: "p-sweep", options) }
  }

  /// What would end the program, or never let it end.
  @Test(arguments: [
    ("p-sweep", "repeats=0"), ("p-sweep", "repeats=1000000000"), ("p-sweep", "degrees=0.5"),
    ("p-sweep", "degrees=1001"), ("p-sweep", "degrees=1,1"), ("p-sweep", "hiddenWidth=-1"),
    ("p-sweep", "hiddenWidth=1000000000"), ("p-sweep", "attackedSamples=0"),
    ("p-sweep", "samples=1000000000"), ("p-sweep", "subclasses=51"), ("p-sweep", "endTime=0"),
    ("p-sweep", "loss=cross-entropy"), ("p-sweep", "method=euler"), ("p-sweep", "initialScale=0"),
    ("init-scale", "logScales=-400"), ("init-scale", "logScales=-1.51,-1.52"),
    ("k-scaling", "subclassCounts=1"), ("k-scaling", "samplesPerSubclass=1000000000"),
    ("critical-radius", "gap=0"), ("critical-radius", "nodes=0"),
    ("critical-radius", "attack=pgd"), ("flow-vs-sgd", "endTime=0.01"),
    ("flow-vs-sgd", "momenta=1"), ("mixture", "distance.alphas=0.3,0.1"),
    ("mixture", "distance.alphas=0.10001,0.10002"), ("mixture", "ascentRepeats=-1"),
    ("mixture", "ascent.batches=0"), ("mixture", "smoothing.sigma=0"),
    ("digits-parity", "failureProbability=0"), ("digits-parity", "epochs=0"),
    ("digits-parity", "twoSided.seconds=0"), ("mnist-parity", "tabulated=0.3"),
    ("mnist-parity", "curves.0.attack=ddn"), ("mnist-parity", "trainLimit=0"),
    ("mnist-parity", "curves.1.norm=linf"),
    ("deep-mixture", "depths=0"), ("deep-mixture", "adamRates=-1"),
    ("deep-mixture", "twoSided.samples=-1"), ("deep-mixture", "twoSided.nodes=0"),
    ("deep-mixture", "twoSided.seconds=0"), ("mnist-deep", "twoSided.gap=1"),
    ("mnist-deep", "twoSided.seconds=-2"), ("cifar10", "twoSided.nodes=-1"),
    ("mnist-deep", "validationSamples=50000"), ("orthonormal-gmm", "recordEvery=0"),
    ("orthonormal-gmm", "distanceEvery=601"), ("cifar10", "rankSamples=9001"),
    ("cifar10", "repeats=751"), ("cifar10", "adversarial.steps=0"), ("cifar10", "padding=32"),
    ("cifar10", "filters=8,8,8,8,8,8"), ("cifar10", "adversarialDegrees=0"),
  ]) func impossibleSettingsAreRefused(name: String, text: String) throws {
    let message = try refusal(name, [text])
    let leaf = try #require(text.split(separator: "=").first?.split(separator: ".").last)
    #expect(message.hasPrefix("--"), "\(message)")
    #expect(message.contains(leaf) || message.contains("1e-1.5"), "\(message)")
  }
}
