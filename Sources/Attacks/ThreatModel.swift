import LinearCore

/// Perturbations an adversary may choose: measured in a norm, and keeping every input coordinate in a
/// box if there is one.
public struct ThreatModel<Scalar: LinearScalar>: Sendable, Equatable {
  /// The norm that measures perturbations.
  public var norm: Norm
  /// The values a coordinate of a valid input may take, such as 0...1 for pixels; nil for all.
  public var box: InputBox<Scalar>?

  /// A threat model; without a box coordinates may take any value.
  public init(norm: Norm, box: ClosedRange<Scalar>? = nil) {
    self.norm = norm
    self.box = box.map { .uniform($0) }
  }

  /// A threat model whose box may have a range a coordinate.
  public init(norm: Norm, within box: InputBox<Scalar>?) {
    self.norm = norm
    self.box = box
  }

  /// The smallest and the largest value of each of `dimension` coordinates; infinite where there is no box.
  func bounds(_ dimension: Int) -> BoxBounds<Scalar> { BoxBounds(box, dimension: dimension) }
}
