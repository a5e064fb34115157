import ArgumentParser
import Datasets
import Experiments
import Foundation
import Runs
import Studies

/// Labelled data and the options that go with their name.
struct DataOptions: ParsableArguments {
  @Option(
    help: """
      mixture, digits, mnist, fashion-mnist, cifar10, or a .npz, .safetensors, .npy or .csv file.
      """
  )
  var data: String

  @OptionGroup var details: DataDetails

  /// The data, with what is not said taken from `run`, where that run has used the same data.
  func request(
    seed: UInt64, run: RunDescription? = nil
  ) throws(ExperimentError) -> DatasetRequest {
    try details.request(data, seed: seed, run: run)
  }
}

/// The options that go with the name of data.
struct DataDetails: ParsableArguments {
  @Option(
    help: "How categories become labels: category (or digit), parity or mod:N. (default: category)")
  var labels: String?

  @Option(help: "The part of the data, see `polyrelu data list`.")
  var split: String?

  @Option(
    help: "Files: the array of samples. (default: X, or the only one that fits, such as x_test)")
  var xKey: String?

  @Option(
    help: "Files: the array or CSV column of labels. (default: y, or what goes with the samples)")
  var yKey: String?

  @Option(
    help: """
      Files: how colour images lie in the array, nchw (channels first) or nhwc (channels last).
      """)
  var inputLayout: InputLayout?

  @Option(
    parsing: .unconditional, help: "mixture: coordinates of a sample. (default: 1000)",
    transform: ArgumentText.count)
  var dimension: Int?

  @Option(
    parsing: .unconditional, help: "mixture: subclasses, K. (default: 10)",
    transform: ArgumentText.count)
  var subclasses: Int?

  @Option(
    parsing: .unconditional, help: "mixture: subclasses of the positive class, K1. (default: 6)",
    transform: ArgumentText.count)
  var positive: Int?

  @Option(
    parsing: .unconditional,
    help: "mixture: standard deviation of a subclass, in norm. (default: 0.1)",
    transform: ArgumentText.amount)
  var alpha: Double?

  @Option(
    parsing: .unconditional, help: "mixture: samples. (default: 20000)",
    transform: ArgumentText.count)
  var samples: Int?

  @Option(help: "mixture: none (centre k is basis vector k) or random. (default: none)")
  var rotation: OrthonormalMixture.Rotation?

  @Option(
    parsing: .unconditional, help: "mixture: seed of the samples. (default: the seed)",
    transform: ArgumentText.seed)
  var dataSeed: UInt64?

  /// The request; see ``DataOptions/request(seed:run:)``.
  func request(
    _ data: String, seed: UInt64, run: RunDescription?
  ) throws(ExperimentError) -> DatasetRequest {
    try refuseMixtureOptions(for: data)
    try refuseFileOptions(for: data)
    let known = run.flatMap { $0.isTrained(on: data) ? $0.data : nil }
    var request = known ?? DatasetRequest(data: data)
    request.data = data
    request.split = split
    request.seed = dataSeed ?? known?.seed ?? seed
    do {
      if let labels { request.labels = try LabelRule(parsing: labels) }
    } catch { throw CommandError.sorted(error) }
    if xKey != nil || yKey != nil || inputLayout != nil {
      request.file = FeatureOptions(xKey: xKey, yKey: yKey, layout: inputLayout)
    }
    if let dimension { request.mixture.dimension = dimension }
    if let subclasses { request.mixture.subclasses = subclasses }
    if let positive { request.mixture.positive = positive }
    if let alpha { request.mixture.alpha = alpha }
    if let samples { request.mixture.samples = samples }
    if let rotation { request.mixture.rotation = rotation }
    do {
      if data == "mixture" { try request.mixture.validate() }
    } catch { throw CommandError.sorted(error) }
    return request
  }

  private func refuseFileOptions(for data: String) throws(ExperimentError) {
    guard DatasetCatalog.all.contains(where: { $0.name == data }) else { return }
    let given = [
      ("x-key", xKey != nil), ("y-key", yKey != nil), ("input-layout", inputLayout != nil),
    ]
    if let name = given.first(where: \.1)?.0 {
      throw .usage("--\(name): only data in files have this option, the data are '\(data)'")
    }
  }

  private func refuseMixtureOptions(for data: String) throws(ExperimentError) {
    if data == "mixture" { return }
    let given: [(String, Bool)] = [
      ("dimension", dimension != nil), ("subclasses", subclasses != nil),
      ("positive", positive != nil), ("alpha", alpha != nil), ("samples", samples != nil),
      ("rotation", rotation != nil), ("data-seed", dataSeed != nil),
    ]
    if let name = given.first(where: \.1)?.0 {
      throw .usage("--\(name): only --data mixture has this option, the data are '\(data)'")
    }
  }
}

extension OrthonormalMixture.Rotation: ExpressibleByArgument {}
extension InputLayout: ExpressibleByArgument {}

extension DatasetRequest {
  /// Loads the data in the user's units, with errors in the words of the command line.
  func load() throws(ExperimentError) -> Dataset {
    do { return try loadScaled().inUserUnits() } catch { throw CommandError.sorted(error) }
  }

  /// Loads the data in their own unit of length, ``Dataset/unit``.
  func loadScaled() throws(ExperimentError) -> Dataset {
    do {
      let data = try DatasetCatalog.load(self).validated()
      for note in data.notes { ProgressReporter().note("\(data.name): \(note)") }
      return data
    } catch { throw CommandError.sorted(error) }
  }

  /// The same data, another part.
  func part(_ split: String?) -> DatasetRequest {
    var other = self
    other.split = split
    return other
  }

  /// The parts that belong together: what to train on by default and what to test it on. Nil where the
  /// whole is used, or nothing is held out.
  static func defaultSplits(of data: String) -> (train: String?, test: String?) {
    switch data {
    case "mixture", "digits": ("train", "test")
    case "mnist", "fashion-mnist": ("paper-train", "paper-test")
    case "cifar10": ("train", "heldout")
    default: (nil, nil)
    }
  }

  /// The part to test on what was trained on the part of this request.
  var heldOutSplit: String? {
    switch (data, split) {
    case ("mixture", "train"), ("digits", "train"): "test"
    case ("mnist", "paper-train"), ("fashion-mnist", "paper-train"): "paper-test"
    case ("mnist", "train"), ("fashion-mnist", "train"): "test"
    case ("cifar10", "train"): "heldout"
    case ("mixture", _), ("digits", _), ("mnist", _), ("fashion-mnist", _), ("cifar10", _): nil
    case (_, "train"): "test"
    default: nil
    }
  }
}
