import Datasets
import Runs
import Studies
import Synchronization

/// The images of ``MNISTDeepExperiment``, read once for all of its runs.
final class MNISTDigits: Sendable {
  /// Parts of the paper's protocol, ten classes.
  struct Parts: Sendable {
    /// The first training images.
    let train: Dataset
    /// Those behind them, for choices.
    let validation: Dataset
    /// The test images.
    let test: Dataset
  }

  private let loaded = Mutex<Parts?>(nil)

  /// The parts; every call asks for the same numbers.
  func load(training: Int, validation: Int) throws(ExperimentError) -> Parts {
    do {
      return try loaded.withLock { loaded in
        if let loaded { return loaded }
        let all = try MNIST.load(split: .paperTrain)
        let first = min(training, max(1, all.count - validation))
        let parts = Parts(
          train: all.prefix(first),
          validation: all.subset(Array(first..<min(all.count, first + validation))),
          test: try MNIST.load(split: .paperTest))
        loaded = parts
        return parts
      }
    } catch { throw ExperimentError(error) }
  }
}
