import ArgumentParser
import Datasets
import Experiments
import Formats
import LinearCore
import Networks
import Runs
import Studies

/// `polyrelu predict`.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Write the class, the logits and the margin of every sample.",
    discussion: """
      The margin is how far the logit of the predicted class is above the next one; of a network with one \
      output it is the size of that. The probability is that of cross-entropy.

      A CSV file has a row for each sample: index, the number of the predicted class, its label as the model \
      calls it, margin, logits, probability, and y, the label that the data state where they do. An npz file has \
      the same as arrays.

        polyrelu predict --model runs/digits --data digits --out predictions.csv
        polyrelu predict --model net.onnx --data test.npz --out predictions.npz
      """)

  @OptionGroup(title: "Network") var model: ModelOptions
  @OptionGroup(title: "Data") var data: DataOptions

  @Option(help: "The file to write (.csv or .npz).")
  var out: String

  @OptionGroup(title: "Common") var common: CommonOptions

  private struct Summary: Encodable {
    let path: String
    let samples: Int
    /// Absent for data without labels.
    let accuracy: Double?
  }

  func run() throws {
    common.apply()
    guard out.lowercased().hasSuffix(".csv") || out.lowercased().hasSuffix(".npz") else {
      throw ExperimentError.usage("--out \(out): expected a name ending in .csv or .npz")
    }
    try OutputFile.check(out, flag: "out")
    let loaded = try model.load()
    let run = try model.runDescription()
    let request = try data.request(seed: common.seed, run: run)
    let unlabelled: Dataset?
    do { unlabelled = try DatasetCatalog.unlabelled(request) } catch {
      throw CommandError.sorted(error)
    }
    let samples =
      try unlabelled.map { try loaded.checked($0) } ?? loaded.fitted(request.loadScaled())
    if unlabelled == nil { model.warn(of: samples, request, run) }
    let fitted = try loaded.network.fitted(to: samples)
    if let warning = fitted.warning { common.makeProgress().warn(warning) }
    let predictions = Predictions(
      fitted, classes: unlabelled == nil ? samples.classes : loaded.classValues,
      hasLabels: unlabelled == nil)
    do { try predictions.write(to: out) } catch { throw CommandError.sorted(error) }
    if common.json {
      return try Output.write(
        json: Summary(path: out, samples: samples.count, accuracy: predictions.accuracy))
    }
    let accuracy = predictions.accuracy.map { ", accuracy \(Format.share($0))" } ?? ""
    try Output.write("\(samples.count) predictions in \(out)\(accuracy)\n")
  }
}
