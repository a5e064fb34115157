import Attacks
import LinearCore
import Runs
import Studies

extension SweepMeasurement {
  /// Radii 0, 0.01, ... 1.2 at which ``take(_:)`` stores the curve `robustAccuracy`.
  static let radii = (0...120).map { Double($0) / 100 }

  /// Takes over what an attack has found: the metrics `accuracy` and `medianRadius`, the curve
  /// `robustAccuracy` at ``radii``, and the flags.
  mutating func take(_ result: RobustnessResult<Float>) {
    metrics["accuracy"] = result.cleanAccuracy
    metrics["medianRadius"] = result.medianRadius
    curves["robustAccuracy"] = Self.radii.map { result.robustAccuracy(epsilon: $0) }
    flags += result.flags
  }
}
