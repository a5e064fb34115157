extension Integrator {
  /// Takes steps until a time is reached, a terminal event occurs, or something stops it.
  ///
  /// The integrator is left at the time where the integration ended, a terminal event included, and may
  /// go on from there; also after too many steps.
  ///
  /// - Parameters:
  ///   - end: not before the current time; infinite is allowed where something else ends the integration.
  ///   - events: what to watch for. At a terminal event the state lies just behind the crossing.
  ///   - maximumSteps: the number of accepted steps allowed in this call.
  ///   - afterStep: called after every accepted step, when its events are known; the integrator can be
  ///     asked for all times of its ``lastStep``. False stops the integration.
  package func integrate<Failure: Error>(
    to end: Double, events: [Event] = [], maximumSteps: Int = 1_000_000,
    afterStep: (Integrator<System>) throws(Failure) -> Bool
  ) throws(Failure) -> Solution {
    precondition(end >= time, "integration goes forward in time")
    precondition(maximumSteps >= 0, "a number of steps cannot be negative")
    var watch = EventWatch(events, integrator: self)
    var steps = 0
    while time < end {
      if steps == maximumSteps { return solution(.tooManySteps, watch) }
      switch step(notBeyond: end) {
      case .accepted: break
      case .stepUnderflow: return solution(.stepUnderflow, watch)
      case .nonFinite: return solution(.nonFinite, watch)
      }
      steps += 1
      let terminal = watch.lookAtLastStep()
      let goesOn = try afterStep(self)
      if let terminal { return solution(.event(terminal), watch) }
      if !goesOn { return solution(.stopped, watch) }
    }
    return solution(.reached, watch)
  }

  /// Takes steps until a time is reached or a terminal event occurs; see
  /// ``integrate(to:events:maximumSteps:afterStep:)``.
  package func integrate(
    to end: Double, events: [Event] = [], maximumSteps: Int = 1_000_000
  ) -> Solution {
    integrate(to: end, events: events, maximumSteps: maximumSteps) { _ in true }
  }

  private func solution(_ ending: Solution.Ending, _ watch: EventWatch<System>) -> Solution {
    Solution(
      ending: ending, time: time, state: state, occurrences: watch.occurrences,
      statistics: statistics)
  }
}
