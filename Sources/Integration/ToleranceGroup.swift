/// The tolerances of a range of components of the state.
///
/// The error of a step is the maximum over the groups of the root mean square, within the group, of
/// error_i / (absolute + relative max(|y_i|, |y_new,i|)); a step is accepted where it is at most 1. Every
/// component of the state belongs to exactly one group.
package struct ToleranceGroup: Sendable, Codable, Equatable {
  /// The components of the group.
  package var range: Range<Int>
  /// The error a step may make in units of the component; may be 0.
  package var relative: Double
  /// The error a step may make at least, in the units of the component; positive.
  package var absolute: Double

  /// A group with the given tolerances.
  package init(range: Range<Int>, relative: Double, absolute: Double) {
    self.range = range
    self.relative = relative
    self.absolute = absolute
  }
}
