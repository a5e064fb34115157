/// Something that happens when a function of time and state crosses zero.
///
/// The function is looked at at the ends of steps, or more often where `subdivisions` says so. Two crossings
/// between two looks cancel and are missed. A function that is zero where the integration begins does not
/// cross there.
package struct Event: Sendable {
  /// Which crossings count.
  package enum Direction: String, Sendable, Codable, CaseIterable {
    /// From below zero to zero or above.
    case rising
    /// From above zero to zero or below.
    case falling
    case either
  }

  /// What the solution calls it.
  package var name: String
  /// Which crossings count.
  package var direction: Direction
  /// Whether the integration ends with it.
  package var isTerminal: Bool
  /// The number of equal parts of every step at whose ends the function is looked at.
  package var subdivisions: Int
  /// A continuous function of the time and the state, all components of it; NaN where it has no sign.
  package var function: @Sendable (_ time: Double, _ state: UnsafeBufferPointer<Double>) -> Double

  /// An event at the zeros of `function`.
  package init(
    name: String, direction: Direction = .either, isTerminal: Bool = false, subdivisions: Int = 1,
    function:
      @escaping @Sendable (_ time: Double, _ state: UnsafeBufferPointer<Double>) -> Double
  ) {
    precondition(subdivisions >= 1, "a step has at least one part")
    self.name = name
    self.direction = direction
    self.isTerminal = isTerminal
    self.subdivisions = subdivisions
    self.function = function
  }

  /// Whether going from one value to the other crosses zero. It does not where it starts at zero.
  func happens(from before: Double, to after: Double) -> Bool {
    let rises = before < 0 && after >= 0
    let falls = before > 0 && after <= 0
    return switch direction {
    case .rising: rises
    case .falling: falls
    case .either: rises || falls
    }
  }
}
