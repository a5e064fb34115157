import Foundation

/// How the learning rate changes in the course of training: a factor that depends on the step.
public enum LearningRateSchedule: Sendable, Equatable, Codable {
  /// The same rate throughout.
  case constant
  /// Half a cosine from 1 at the first step to 0 behind the last, (1 + cos(pi t / T)) / 2 at step t of T
  /// (Loshchilov and Hutter, *SGDR*, ICLR 2017), after a linear rise over the first `warmupEpochs`.
  case cosine(warmupEpochs: Int = 0)
  /// Multiplied by `factor` every `epochs` epochs.
  case step(epochs: Int, factor: Double = 0.1)

  /// What the learning rate is multiplied by.
  ///
  /// - Parameters:
  ///   - step: counted from 0 over the whole run.
  ///   - stepsPerEpoch: at least 1.
  ///   - epochs: of the whole run.
  public func factor(step: Int, stepsPerEpoch: Int, epochs: Int) -> Double {
    switch self {
    case .constant: return 1
    case .cosine(let warmupEpochs):
      let warmup = warmupEpochs * stepsPerEpoch
      if step < warmup { return Double(step + 1) / Double(warmup) }
      let share = Double(step - warmup) / Double(max(1, epochs * stepsPerEpoch - warmup))
      return (1 + cos(.pi * min(1, share))) / 2
    case .step(let epochs, let factor):
      return pow(factor, Double(step / stepsPerEpoch / epochs))
    }
  }

  /// - Throws: ``TrainingError`` naming the setting that is out of range.
  func validate() throws(TrainingError) {
    switch self {
    case .constant: break
    case .cosine(let warmupEpochs):
      guard warmupEpochs >= 0 else {
        throw .invalid(
          field: "warmup-epochs", found: "\(warmupEpochs)",
          expected: "a whole number of at least 0")
      }
    case .step(let epochs, let factor):
      guard epochs >= 1 else {
        throw .invalid(
          field: "schedule-epochs", found: "\(epochs)", expected: "a whole number of at least 1")
      }
      guard factor > 0, factor <= 1 else {
        throw .invalid(
          field: "schedule-factor", found: "\(factor)", expected: "a number in (0, 1]")
      }
    }
  }
}
