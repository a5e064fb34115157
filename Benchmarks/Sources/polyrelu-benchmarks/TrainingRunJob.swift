import Training

/// A whole training run of the mixture experiment (Section 5.1 of the paper), 401 epochs; the peer is an
/// epoch of `peers/sgd_epoch.py`, as many times.
///
/// Ours is what `polyrelu train` does: neurons that need no step of their own get none (``Thinning``).
struct TrainingRunJob: BenchmarkJob {
  static let name = "training-run"

  private let training: MixtureTraining
  private let runEpochs: Int
  private let comparedEpoch: Int

  init(_ options: inout Options) throws(UsageError) {
    training = try MixtureTraining(&options)
    runEpochs = try options.take("run-epochs", default: 401, atLeast: 1)
    // So many does the peer go through.
    comparedEpoch = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    let data = try training.trainingData()
    var trainer = try training.trainer(on: data, epochs: runEpochs)
    let timing = try Timing.measure { try trainer.train() }
    let epochs = trainer.record.epochs
    let work = trainer.record.thinning?.epochsOfWork ?? Double(runEpochs)
    let measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      // Of all neurons in all steps; most of it is left out.
      "productGigaflops": .number(training.productGigaflops * Double(runEpochs)),
      "runEpochs": .count(runEpochs), "epochsOfWork": .number(work),
      "comparedLoss": .number(epochs[min(comparedEpoch, epochs.count) - 1].loss),
      "finalLoss": .number(epochs.last!.loss),
    ]
    return measured.merging(training.description) { own, _ in own }
  }
}
