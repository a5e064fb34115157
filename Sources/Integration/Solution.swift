/// How an integration ended, and what happened on the way.
package struct Solution: Sendable, Codable, Equatable {
  /// Why it ended.
  package enum Ending: Sendable, Codable, Equatable {
    /// The time asked for is reached.
    case reached
    /// A terminal event of this name occurred.
    case event(String)
    /// The caller wanted no further steps.
    case stopped
    /// The number of steps allowed was not enough.
    case tooManySteps
    /// The tolerance asks for steps too short for the numbers to tell the times apart.
    case stepUnderflow
    /// However short the step, the derivative is not a finite number.
    case nonFinite
  }

  /// An event and when it was.
  package struct Occurrence: Sendable, Codable, Equatable {
    /// The event's name.
    package var name: String
    package var time: Double

    /// An event of this name at this time.
    package init(name: String, time: Double) {
      self.name = name
      self.time = time
    }
  }

  /// Why it ended.
  package var ending: Ending
  package var time: Double
  package var state: [Double]
  /// The events, in the order of their times.
  package var occurrences: [Occurrence]
  /// What the integrator has counted since it was made.
  package var statistics: StepStatistics

  /// A solution with the given parts.
  package init(
    ending: Ending, time: Double, state: [Double], occurrences: [Occurrence],
    statistics: StepStatistics
  ) {
    self.ending = ending
    self.time = time
    self.state = state
    self.occurrences = occurrences
    self.statistics = statistics
  }
}
