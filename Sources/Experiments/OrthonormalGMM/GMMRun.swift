import Alignment
import Attacks
import Datasets
import DeepNetworks
import LinearCore
import Networks
import Runs
import Studies
import Theory
import Training

/// What is measured of a network trained on an orthonormal mixture; NaN and empty where nobody has looked.
struct GMMValues: Codable, Sendable {
  var accuracy = Double.nan
  var medianRadius = Double.nan
  /// With the squared loss the mean of (f - y)^2, twice the loss of the package.
  var loss = Double.nan
  /// Of the largest cosine of each neuron to a centre.
  var medianCosine = Double.nan
  /// At the end, see ``GMMCourse/distance``.
  var distance = Double.nan
  /// At ``radii``.
  var robustAccuracy: [Double] = []
  var course = GMMCourse()
  /// Of the theorem, for pReLU networks and ReLU.
  var conditions: [GMMCondition] = []

  static let radii = (0...120).map { Double($0) / 100 }
  static let medianRadius = Metric(
    \Self.medianRadius, "medianRadius", heading: "median radius", digits: 4)
  static let medianCosine = Metric(
    \Self.medianCosine, "medianCosine", heading: "median cosine", digits: 4)
}

/// What is seen on the way of gradient descent.
struct GMMCourse: Codable, Sendable {
  /// Quartiles over all neurons of the largest cosine to a centre.
  var lower: [Double] = []
  var median: [Double] = []
  var upper: [Double] = []
  /// The mean of (f - y)^2.
  var loss: [Double] = []
  /// To the ideal classifier F^(p) at its best scale.
  var distance: [Double] = []

  mutating func record(_ network: PReLUNetwork<Float>, _ train: Dataset) {
    let cosines = Matrix.product(
      network.hiddenWeights.rowsNormalized(), train.groupCenters!, transposeB: true)
    let closest = (0..<cosines.rows).map { Double(cosines.row($0).max()!) }
    lower.append(quantile(closest, 0.25) ?? .nan)
    median.append(quantile(closest, 0.5) ?? .nan)
    upper.append(quantile(closest, 0.75) ?? .nan)
    loss.append(2 * Loss.squared.mean(network.logits(train.inputs), labels: train.labels))
  }
}

/// One network, trained and attacked.
struct GMMRun {
  private let settings: OrthonormalGMMExperiment.Settings
  private let cell: OrthonormalGMMExperiment.Cell
  private let context: OrthonormalGMMExperiment.Context
  private let mixture: OrthonormalMixture
  private let train: Dataset
  private let attacked: Dataset
  private let training: TrainingConfiguration
  private var result = Measured(GMMValues())

  init(
    _ settings: OrthonormalGMMExperiment.Settings, _ cell: OrthonormalGMMExperiment.Cell,
    _ context: OrthonormalGMMExperiment.Context
  ) throws(ExperimentError) {
    (self.settings, self.cell, self.context) = (settings, cell, context)
    let isFirst = cell.part == .dynamics
    mixture = isFirst ? settings.dynamicsMixture : settings.robustnessMixture
    (train, attacked) = try mixture.data(
      seed: context.seed, attackedSamples: settings.attackedSamples)
    training = TrainingConfiguration(
      loss: cell.loss,
      optimizer: .sgd(learningRate: (cell.loss == .squared ? 2 : 1) * settings.learningRate),
      epochs: isFirst ? settings.iterations : settings.epochs,
      batchSize: isFirst ? train.count : settings.batchSize, seed: context.seed)
  }

  /// A training that diverges is a failure.
  consuming func measure() throws(ExperimentError) -> Measured<GMMValues> {
    do {
      switch (cell.part, cell.model) {
      case (.dynamics, _): try align()
      case (.robustness, .pReLU), (.robustness, .relu): try trainShallow()
      case (.robustness, _): try trainPerceptron()
      }
    } catch {
      guard case TrainingError.diverged = error else { throw ExperimentError(error) }
      result.failure = "\(error)"
    }
    return result
  }

  /// Appendix B.1: full-batch gradient descent, and where the neurons point on the way.
  private mutating func align() throws {
    let stream = RandomStream(seed: context.seed).child("dynamics")
    var trainer = try trainer(
      settings.exponent, width: settings.dynamicsWidth, stream.child("initialisation"))
    let ideal = IdealClassifiers.polynomialReLU(
      exponent: settings.exponent, centers: train.groupCenters!, labels: train.groupLabels!)
    var course = GMMCourse()
    for iteration in 0...training.epochs {
      if iteration > 0 { try trainer.runEpoch() }
      if iteration % settings.recordEvery == 0 { course.record(trainer.network, train) }
      if iteration > 0, iteration % settings.distanceEvery == 0 {
        let distance = try DistanceSearch().run(
          ClassifierDifference(trainer.network, ideal: ideal), samples: train.inputs,
          directions: train.groupCenters, stream: stream.child("distance"))
        course.distance.append(distance.optimised.value)
      }
      report(iteration)
    }
    try finish(trainer.network, trainer.record, exponent: settings.exponent)
    result.values.course = course
    result.values.loss = course.loss.last ?? .nan
    result.values.medianCosine = course.median.last ?? .nan
    result.values.distance = course.distance.last ?? .nan
  }

  /// Figure 2: pReLU and ReLU.
  private mutating func trainShallow() throws {
    let exponent = cell.model == .relu ? 1 : settings.exponent
    var trainer = try trainer(exponent, width: settings.robustnessWidth, robustnessStream)
    while !trainer.isFinished { report(try trainer.runEpoch().epoch) }
    try finish(trainer.network, trainer.record, exponent: exponent)
    guard result.failure == nil else { return }
    result.values.medianCosine =
      try NetworkInspection(trainer.network, data: train).medianBestCosine ?? .nan
  }

  /// Figure 2: the other networks.
  private mutating func trainPerceptron() throws {
    var trainer = try PerceptronTrainer(
      network: perceptron(), inputs: train.inputs, labels: train.labels, configuration: training)
    for epoch in 1...training.epochs {
      try trainer.runEpoch()
      report(epoch)
    }
    let exponent = trainer.network.activation.exponent ?? 1
    // The same function in a form that attacks can reduce, where there is one.
    if let same = trainer.network.asPReLUNetwork {
      try finish(same, trainer.record, exponent: exponent)
    } else {
      try finish(trainer.network, trainer.record, exponent: exponent)
    }
  }

  private func report(_ epoch: Int) { context.report(Double(epoch) / Double(training.epochs)) }

  /// Attacks what has been trained. Of figure 2 there is nothing to attack where training has stalled.
  private mutating func finish<Network: Classifier<Float>>(
    _ network: Network, _ record: TrainingRecord, exponent: Double
  ) throws(ExperimentError) {
    let scale = cell.loss == .squared ? 2.0 : 1
    result.values.loss = record.epochs.last.map { scale * $0.loss } ?? .nan
    result.failure = record.stallWarning(loss: cell.loss, outputCount: 1, exponent: exponent)
    if result.failure != nil, cell.part == .robustness { return }
    let study = RobustnessStudy(attack: settings.attack, seed: context.seed)
    let found =
      if let network = network as? PReLUNetwork<Float> {
        try study.run(network, data: attacked, reference: train)
      } else {
        try study.run(classifier: network, data: attacked, reference: train)
      }
    result.values.accuracy = found.cleanAccuracy
    result.values.medianRadius = found.medianRadius
    result.values.robustAccuracy = GMMValues.radii.map { found.robustAccuracy(epsilon: $0) }
    result.flags = found.flags
  }

  // MARK: - Initial weights

  private var robustnessStream: RandomStream {
    RandomStream(seed: context.seed).child("robustness").child("initialisation")
      .child(cell.model.rawValue)
  }

  /// A network of tiny weights before training, whose conditions are noted.
  private mutating func trainer(_ exponent: Double, width: Int, _ stream: RandomStream) throws
    -> Trainer<Float>
  {
    let (hidden, outputs): (Matrix<Double>, [Double]) = balancedWeights(width, stream)
    let network = try PReLUNetwork<Float>(
      exponent: exponent, hiddenWeights: hidden.converted(),
      outputWeights: Matrix(rows: 1, columns: width, elements: outputs.map { Float($0) }))
    result.values.conditions = GMMCondition.all(network, train, mixture, training)
    return try Trainer(
      network: network, inputs: train.inputs, labels: train.labels, configuration: training)
  }

  private func perceptron() throws(NetworkError) -> MultilayerPerceptron<Float> {
    let (inputs, width) = (train.dimension, settings.robustnessWidth)
    switch cell.model {
    case .fourLayers:
      return try MultilayerPerceptron(
        activation: .relu, widths: [inputs, width, width, width, 1], bias: true,
        stream: robustnessStream)
    case .powerReLU:
      return try MultilayerPerceptron(
        activation: .powerReLU(exponent: settings.exponent), widths: [inputs, width, 1],
        bias: false, scale: settings.powerScale, stream: robustnessStream)
    default:
      let (hidden, outputs): (Matrix<Float>, [Float]) = balancedWeights(width, robustnessStream)
      return try MultilayerPerceptron(
        activation: .tanh,
        weights: [hidden, Matrix(rows: 1, columns: width, elements: outputs)])
    }
  }

  /// Tiny weights with |v_j| = ||w_j|| and random signs of v, which theory of small initialisation assumes. From a nudged
  /// start neuron j moves towards a centre of the class that its sign speaks for, the centres of a class in turn.
  private func balancedWeights<Scalar: LinearScalar>(_ width: Int, _ stream: RandomStream)
    -> (hidden: Matrix<Scalar>, outputs: [Scalar])
  {
    let dimension = train.dimension
    var hidden = Matrix<Scalar>.gaussian(
      rows: width, columns: dimension, standardDeviation: settings.initialScale,
      stream: stream.child("hidden"))
    var generator = stream.child("signs")
    let signs = (0..<width).map { _ -> Scalar in Bool.random(using: &generator) ? 1 : -1 }
    if cell.start == .nudged, let centers = train.groupCenters, let labels = train.groupLabels {
      let length = settings.nudge * settings.initialScale * Double(dimension).squareRoot()
      var turn = [0, 0]
      for j in 0..<width {
        let label = signs[j] > 0 ? 1 : 0
        let own = labels.indices.filter { labels[$0] == label }
        let center = centers.row(own[turn[label] % own.count])
        turn[label] += 1
        for i in 0..<dimension { hidden[j, i] += Scalar(length * Double(center[i])) }
      }
    }
    return (hidden, zip(signs, hidden.rowNorms()).map { $0 * $1 })
  }
}
