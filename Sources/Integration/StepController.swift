import Foundation

/// Proportional-integral control of the step size, as in DOPRI5 (Hairer, Norsett and Wanner, *Solving
/// Ordinary Differential Equations I*, section II.4; Hairer and Wanner, *II*, section IV.2).
///
/// With k = the embedded order + 1, after a step of error e (1 is the tolerance) that followed one of error
/// e_old, the next is h 0.9 e^(-(1/k - 0.75 beta)) e_old^beta, beta = 0.2/k (0.04 for k = 5), but between
/// h/5 and 10 h.
struct StepController {
  private static let safety = 0.9
  private static let smallestFactor = 0.2
  private static let largestFactor = 10.0
  /// What a step whose stages are not finite is multiplied with.
  static let factorAfterNonFinite = 0.25
  /// The memory does not go below, or one lucky step would forbid the next to grow.
  static let smallestMemory = 1e-4

  private let proportional: Double
  private let integral: Double
  /// The error of the last accepted step.
  var previousError: Double

  init(embeddedOrder: Int, previousError: Double = smallestMemory) {
    let k = Double(embeddedOrder + 1)
    integral = 0.2 / k
    proportional = 1 / k - 0.75 * integral
    self.previousError = previousError
  }

  /// What to multiply the step with after one of this error, which was rejected.
  func factor(rejected error: Double) -> Double {
    // Without memory: what counts is to get through.
    max(Self.smallestFactor, Self.safety * pow(error, -proportional))
  }

  /// What to multiply the step with after one of this error, which was accepted. Right after a rejection
  /// it does not grow.
  func factor(accepted error: Double, afterRejection: Bool) -> Double {
    if error == 0 { return afterRejection ? 1 : Self.largestFactor }
    let factor = Self.safety * pow(error, -proportional) * pow(previousError, integral)
    return max(Self.smallestFactor, min(factor, afterRejection ? 1 : Self.largestFactor))
  }
}
