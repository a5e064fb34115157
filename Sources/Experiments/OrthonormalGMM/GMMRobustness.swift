import Attacks
import Datasets
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Figure 2: one network trained on minibatches, and attacked.
struct GMMRobustness {
  let settings: OrthonormalGMMExperiment.Settings
  let cell: OrthonormalGMMExperiment.Cell

  private var step: Double { (cell.loss == .squared ? 2 : 1) * settings.learningRate }

  private func configuration(seed: UInt64) -> TrainingConfiguration {
    TrainingConfiguration(
      loss: cell.loss, optimizer: .sgd(learningRate: step), epochs: settings.epochs,
      batchSize: settings.batchSize, seed: seed)
  }

  func measure(_ context: SweepContext) throws(ExperimentError) -> SweepMeasurement {
    let (train, test) = try settings.robustnessMixture.parts(
      seed: context.seed, testCount: settings.attackedSamples)
    let stream = RandomStream(seed: context.seed).child("robustness")
      .child("initialisation").child(cell.model.rawValue)
    switch cell.model {
    case .pReLU, .relu:
      return try measureShallow(train: train, test: test, stream: stream, context)
    case .tanh, .powerReLU, .fourLayers:
      return try measurePerceptron(train: train, test: test, stream: stream, context)
    }
  }

  private func measureShallow(
    train: Dataset, test: Dataset, stream: RandomStream, _ context: SweepContext
  ) throws(ExperimentError) -> SweepMeasurement {
    let initial = try GMMStart(
      width: settings.robustnessWidth, exponent: cell.model == .relu ? 1 : settings.exponent,
      scale: settings.initialScale, nudge: 0
    ).network(train, stream: stream)
    var measurement = SweepMeasurement(
      metrics: GMMAssumption.numbers(
        network: initial, data: train, mixture: settings.robustnessMixture, loss: cell.loss,
        step: step, batchSize: settings.batchSize))
    do {
      var trainer = try Trainer<Float>(
        network: initial, inputs: train.inputs, labels: train.labels,
        configuration: configuration(seed: context.seed))
      while !trainer.isFinished {
        let epoch = try trainer.runEpoch().epoch
        context.report(0.5 * Double(epoch) / Double(settings.epochs))
      }
      if !measurement.describe(trainer.record, cell, exponent: initial.exponent) {
        return measurement
      }
      measurement.metrics["medianCosine"] =
        try NetworkInspection(trainer.network, data: train).medianBestCosine
      measurement.take(
        try study(context).run(trainer.network, data: test, reference: train))
    } catch {
      return try measurement.failed(error)
    }
    return measurement
  }

  private func measurePerceptron(
    train: Dataset, test: Dataset, stream: RandomStream, _ context: SweepContext
  ) throws(ExperimentError) -> SweepMeasurement {
    var measurement = SweepMeasurement()
    do {
      var trainer = try PerceptronTrainer(
        network: perceptron(inputs: train.dimension, stream: stream), inputs: train.inputs,
        labels: train.labels, configuration: configuration(seed: context.seed))
      for epoch in 1...settings.epochs {
        try trainer.runEpoch()
        context.report(0.5 * Double(epoch) / Double(settings.epochs))
      }
      let network = trainer.network
      let exponent = network.activation.exponent ?? 1
      if !measurement.describe(trainer.record, cell, exponent: exponent) { return measurement }
      // The same function in a form that attacks can reduce, where there is one.
      let result =
        if let same = network.asPReLUNetwork {
          try study(context).run(same, data: test, reference: train)
        } else {
          try study(context).run(classifier: network, data: test, reference: train)
        }
      measurement.take(result)
    } catch {
      return try measurement.failed(error)
    }
    return measurement
  }

  private func study(_ context: SweepContext) -> RobustnessStudy {
    RobustnessStudy(attack: settings.attack, seed: context.seed)
  }

  private func perceptron(inputs: Int, stream: RandomStream) throws(NetworkError)
    -> MultilayerPerceptron<Float>
  {
    let width = settings.robustnessWidth
    switch cell.model {
    case .fourLayers:
      return try MultilayerPerceptron(
        activation: .relu, widths: [inputs, width, width, width, 1], bias: true, stream: stream)
    case .powerReLU:
      return try MultilayerPerceptron(
        activation: .powerReLU(exponent: settings.exponent), widths: [inputs, width, 1],
        bias: false, scale: settings.powerScale, stream: stream)
    default:
      // Tiny and balanced, like the pReLU network.
      let hidden = Matrix<Float>.gaussian(
        rows: width, columns: inputs, standardDeviation: settings.initialScale,
        stream: stream.child("hidden"))
      var generator = stream.child("signs")
      let outputs = hidden.rowNorms().map { Bool.random(using: &generator) ? $0 : -$0 }
      return try MultilayerPerceptron(
        activation: .tanh,
        weights: [hidden, Matrix(rows: 1, columns: width, elements: outputs)])
    }
  }
}

extension SweepMeasurement {
  /// Takes over the loss, and why there is nothing to attack.
  ///
  /// - Returns: whether the network has learned anything.
  fileprivate mutating func describe(
    _ record: TrainingRecord, _ cell: OrthonormalGMMExperiment.Cell, exponent: Double
  ) -> Bool {
    metrics["loss"] = record.epochs.last.map { (cell.loss == .squared ? 2 : 1) * $0.loss }
    failure = record.stallWarning(loss: cell.loss, outputCount: 1, exponent: exponent)
    return failure == nil
  }

  /// The measurement of a run that diverged; other errors go on.
  fileprivate func failed(_ error: any Error) throws(ExperimentError) -> SweepMeasurement {
    guard case TrainingError.diverged = error else { throw ExperimentError(error) }
    var result = self
    result.failure = "\(error)"
    return result
  }
}
