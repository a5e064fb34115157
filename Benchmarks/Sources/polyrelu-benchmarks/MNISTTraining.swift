import Datasets
import Experiments
import Networks
import Runs
import Studies
import Training

/// The training of the paper's MNIST experiments (Section 5.2.1 and Appendix B), as two jobs use it: width
/// 500, logits with bias, mean image subtracted, input normalisation, Kaiming initialisation, Adam 1e-3,
/// batch 1,000, cross-entropy.
struct MNISTTraining {
  /// Where the images are.
  let folder: DataFolder
  /// The degree p.
  let exponent: Double
  /// Hidden neurons.
  let width: Int
  /// Samples a step.
  let batchSize: Int
  private let samples: Int
  private let rule: LabelRule
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 50_000, atLeast: 1)
    width = try options.take("width", default: 500, atLeast: 1)
    batchSize = try options.take("batch-size", default: 1_000, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
    do { rule = try LabelRule(parsing: options.take("labels") ?? "category") } catch {
      throw UsageError(message: "\(error)")
    }
  }

  /// The samples to train on.
  func trainingData() throws -> Dataset {
    try folder.mnist(.paperTrain, labels: rule, limit: samples)
  }

  /// The 10,000 samples to test on.
  func testData() throws -> Dataset { try folder.mnist(.paperTest, labels: rule) }

  /// A training that has not begun.
  func trainer(on data: Dataset) throws -> Trainer<Float> {
    try Trainer(
      data: data,
      model: ModelConfiguration(
        exponent: exponent, hiddenWidth: width, initialization: .kaiming, bias: true, center: true,
        normalizeInput: true),
      training: TrainingConfiguration(
        loss: .crossEntropy, optimizer: .adam(learningRate: 1e-3), batchSize: batchSize, seed: seed)
    )
  }

  /// What describes the job in its output.
  func description(of data: Dataset) -> Measurement {
    [
      "p": .number(exponent), "labels": .text("\(rule)"), "samples": .count(data.count),
      "width": .count(width), "batchSize": .count(batchSize),
    ]
  }
}
