/// Everything a library user needs with one import.
///
/// ```swift
/// import PolyReLU
///
/// let (train, test) = try OrthonormalMixture(dimension: 100, samples: 1000).trainAndTest(seed: 0)
/// var trainer = try Trainer(
///   data: train, model: .init(exponent: 3, hiddenWidth: 200), training: .init(epochs: 300))
/// try trainer.train()
/// let robustness = try RobustnessStudy().run(trainer.network, data: test, reference: train)
/// print("half of the samples withstand l2 attacks up to \(robustness.medianRadius)")
/// ```
@_exported import Alignment
@_exported import Attacks
@_exported import Certification
@_exported import Datasets
@_exported import DeepNetworks
@_exported import Formats
@_exported import LinearCore
@_exported import Networks
@_exported import Runs
@_exported import Studies
@_exported import Theory
@_exported import Training
