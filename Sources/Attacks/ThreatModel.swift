import LinearCore

/// Perturbations an adversary may choose: measured in a norm, and keeping every input coordinate in a
/// box if there is one.
public struct ThreatModel<Scalar: LinearScalar>: Sendable, Equatable {
  /// The norm that measures perturbations.
  public var norm: Norm
  /// The values a coordinate of a valid input may take, such as 0...1 for pixels; nil for all.
  public var box: ClosedRange<Scalar>?

  /// A threat model; without a box coordinates may take any value.
  public init(norm: Norm, box: ClosedRange<Scalar>? = nil) {
    self.norm = norm
    self.box = box
  }

  /// The smallest and the largest value of a coordinate; infinite where there is no box.
  var bounds: (lower: Scalar, upper: Scalar) {
    (box?.lowerBound ?? -.infinity, box?.upperBound ?? .infinity)
  }
}
