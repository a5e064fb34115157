import Alignment
import Datasets
import LinearCore
import Networks
import Runs
import Studies
import Theory
import Training

/// Appendix B.1: full-batch gradient descent, and where the neurons point on the way.
struct GMMDynamics {
  let settings: OrthonormalGMMExperiment.Settings
  let start: OrthonormalGMMExperiment.Cell.Start

  /// Iterations at which neurons and loss are recorded.
  static func recorded(_ settings: OrthonormalGMMExperiment.Settings) -> [Int] {
    Array(stride(from: 0, through: settings.iterations, by: settings.recordEvery))
  }

  /// Iterations at which the distance is searched. At the start, where f is nothing but the draw of its
  /// weights, it says nothing.
  static func distances(_ settings: OrthonormalGMMExperiment.Settings) -> [Int] {
    Array(
      stride(from: settings.distanceEvery, through: settings.iterations, by: settings.distanceEvery)
    )
  }

  func measure(_ context: SweepContext) throws(ExperimentError) -> SweepMeasurement {
    let mixture = settings.dynamicsMixture
    let (train, test) = try mixture.parts(seed: context.seed, testCount: settings.attackedSamples)
    let stream = RandomStream(seed: context.seed).child("dynamics")
    let initial = try GMMStart(
      width: settings.dynamicsWidth, exponent: settings.exponent, scale: settings.initialScale,
      nudge: start == .nudged ? settings.nudge : 0
    ).network(train, stream: stream.child("initialisation"))
    // The step is that of the mean of (f - y)^2.
    let step = 2 * settings.learningRate
    let configuration = TrainingConfiguration(
      loss: .squared, optimizer: .sgd(learningRate: step), epochs: settings.iterations,
      batchSize: train.count, seed: context.seed)
    var measurement = SweepMeasurement(
      metrics: GMMAssumption.numbers(
        network: initial, data: train, mixture: mixture, loss: .squared, step: step,
        batchSize: train.count))
    do {
      var trainer = try Trainer<Float>(
        network: initial, inputs: train.inputs, labels: train.labels, configuration: configuration)
      var watch = GMMWatch(settings: settings, train: train, stream: stream)
      for iteration in 0...settings.iterations {
        try watch.look(trainer.network, iteration)
        if iteration == settings.iterations { break }
        try trainer.runEpoch()
        context.report(0.9 * Double(iteration) / Double(settings.iterations))
      }
      measurement.curves = watch.curves
      let network = trainer.network
      measurement.failure = trainer.record.stallWarning(
        loss: .squared, outputCount: 1, exponent: settings.exponent)
      measurement.metrics["loss"] = watch.curves["loss"]!.last
      measurement.metrics["medianCosine"] = watch.curves["median"]!.last
      measurement.metrics["distance"] = watch.curves["distance"]?.last
      let result = try RobustnessStudy(attack: settings.attack, seed: context.seed).run(
        network, data: test, reference: train)
      measurement.take(result)
    } catch { throw ExperimentError(error) }
    return measurement
  }
}

/// What is looked at between steps of gradient descent.
private struct GMMWatch {
  let settings: OrthonormalGMMExperiment.Settings
  let train: Dataset
  let stream: RandomStream
  private let ideal: PReLUNetwork<Float>
  private(set) var curves: [String: [Double]] = [:]

  init(settings: OrthonormalGMMExperiment.Settings, train: Dataset, stream: RandomStream) {
    self.settings = settings
    self.train = train
    self.stream = stream
    ideal = IdealClassifiers.polynomialReLU(
      exponent: settings.exponent, centers: train.groupCenters!, labels: train.groupLabels!)
  }

  mutating func look(_ network: PReLUNetwork<Float>, _ iteration: Int) throws {
    if iteration % settings.recordEvery == 0 {
      let cosines = closestCosines(network)
      for (name, position) in [("lower", 1), ("median", 2), ("upper", 3)] {
        curves[name, default: []].append(
          quantile(cosines, Double(position) / 4) ?? .nan)
      }
      // Twice the loss of the package: the mean of (f - y)^2.
      curves["loss", default: []].append(
        2 * Loss.squared.mean(network.logits(train.inputs), labels: train.labels))
    }
    if iteration > 0, iteration % settings.distanceEvery == 0 {
      let distance = try DistanceSearch().run(
        ClassifierDifference(network, ideal: ideal), samples: train.inputs,
        directions: train.groupCenters, stream: stream.child("distance"))
      curves["distance", default: []].append(distance.optimised.value)
    }
  }

  /// The largest cosine of every neuron to a centre.
  private func closestCosines(_ network: PReLUNetwork<Float>) -> [Double] {
    let cosines = Matrix.product(
      network.hiddenWeights.rowsNormalized(), train.groupCenters!, transposeB: true)
    return (0..<cosines.rows).map { Double(cosines.row($0).max()!) }
  }
}
