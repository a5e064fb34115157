import Datasets
import LinearCore
import Networks
import Training

/// The training of the mixture experiment (Section 5.1 of the paper), as several jobs use it: SGD on the
/// exponential loss, learning rate 0.2, from weights of 1e-7.
struct MixtureTraining {
  /// The degree p.
  var exponent = 3.0
  /// Samples to train on.
  var samples = 20_000
  /// Coordinates of a sample.
  var dimension = 1_000
  /// Hidden neurons.
  var width = 2_000
  /// Subclasses, 60% of which are positive.
  var subclasses = 10
  /// Samples a step.
  var batchSize = 100
  /// The standard deviation of a subclass, in norm.
  var alpha = 0.1
  /// Root of all random choices.
  var seed: UInt64 = 0

  /// The experiment, with whatever a job's options change.
  init(_ options: inout Options) throws(UsageError) {
    exponent = try options.take("p", default: exponent, atLeast: 1)
    samples = try options.take("samples", default: samples, atLeast: 1)
    subclasses = try options.take("subclasses", default: subclasses, atLeast: 2)
    dimension = try options.take("dimension", default: dimension, atLeast: subclasses)
    width = try options.take("width", default: width, atLeast: 1)
    batchSize = try options.take("batch-size", default: batchSize, atLeast: 1)
    alpha = try options.take("alpha", default: alpha, atLeast: 0)
    seed = try options.take("seed", default: seed, atLeast: 0)
  }

  /// The experiment with other numbers.
  init(exponent: Double, samples: Int, width: Int, seed: UInt64) {
    self.exponent = exponent
    self.samples = samples
    self.width = width
    self.seed = seed
  }

  /// Where random numbers come from.
  var stream: RandomStream { RandomStream(seed: seed) }

  /// The samples to train on.
  func trainingData() throws -> Dataset { try data("data", count: samples) }

  /// So many samples to test with.
  func testData(_ count: Int) throws -> Dataset { try data("test", count: count) }

  private func data(_ name: String, count: Int) throws -> Dataset {
    try OrthonormalMixture(
      dimension: dimension, subclasses: subclasses,
      positive: max(1, (subclasses * 6 + 5) / 10), alpha: alpha, samples: count
    ).generate(stream: stream.child(name))
  }

  /// A training that has not begun. Without thinning every neuron takes part in every step.
  func trainer(on data: Dataset, epochs: Int, thinning: Thinning? = Thinning()) throws -> Trainer<
    Float
  > {
    let network = try PReLUNetwork<Float>(
      inputDimension: dimension, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: 1e-7), stream: stream.child("network"))
    return try Trainer(
      network: network, inputs: data.inputs, labels: data.labels,
      configuration: TrainingConfiguration(
        epochs: epochs, batchSize: batchSize, seed: seed, thinning: thinning))
  }

  /// The network after so many epochs, kept in the folder: it is trained once.
  func network(_ data: Dataset, epochs: Int, keptIn folder: SharedFolder) throws
    -> PReLUNetwork<Float>
  {
    try folder.network(named: name(epochs: epochs)) {
      var trainer = try trainer(on: data, epochs: epochs)
      try trainer.train()
      return trainer.network
    }
  }

  /// A file name that tells all settings.
  private func name(epochs: Int) -> String {
    "mixture-p\(exponent)-n\(samples)-d\(dimension)-w\(width)-k\(subclasses)-b\(batchSize)-a\(alpha)"
      + "-s\(seed)-e\(epochs)"
  }

  /// Billions of operations of the two dense products of an epoch: the forward pass and the gradient of the
  /// hidden weights.
  var productGigaflops: Double { 4 * Double(samples) * Double(dimension) * Double(width) / 1e9 }

  /// What describes the job in its output.
  var description: Measurement {
    [
      "p": .number(exponent), "samples": .count(samples), "dimension": .count(dimension),
      "width": .count(width), "subclasses": .count(subclasses), "batchSize": .count(batchSize),
      "alpha": .number(alpha),
    ]
  }
}
