/// Looks for events in the steps of an integrator.
struct EventWatch<System: DifferentialSystem> {
  private(set) var occurrences: [Solution.Occurrence] = []
  private let events: [Event]
  private let integrator: Integrator<System>
  /// The value of every event's function at the current time.
  private var values: [Double]

  private struct Found {
    var event: Int
    var time: Double
  }

  init(_ events: [Event], integrator: Integrator<System>) {
    self.events = events
    self.integrator = integrator
    values = integrator.withState { state in events.map { $0.function(integrator.time, state) } }
  }

  /// Notes the events of the last step, in the order of their times, up to the first terminal one, whose
  /// name is returned. There the step is cut short.
  mutating func lookAtLastStep() -> String? {
    if events.isEmpty { return nil }
    var found: [Found] = []
    for index in events.indices { found += crossings(index) }
    // Stable: events of the same time stay in the order of the list.
    found = found.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }.map(\.element)
    let terminal = found.first { events[$0.event].isTerminal }
    for occurrence in found where occurrence.time <= terminal?.time ?? .infinity {
      occurrences.append(
        Solution.Occurrence(name: events[occurrence.event].name, time: occurrence.time))
    }
    if let terminal { integrator.cutStep(at: terminal.time) }
    return terminal.map { events[$0.event].name }
  }

  /// The crossings of one event in the last step; its value at the end is remembered.
  private mutating func crossings(_ index: Int) -> [Found] {
    let event = events[index]
    let step = integrator.lastStep
    let length = step.upperBound - step.lowerBound
    var found: [Found] = []
    var (before, valueBefore) = (step.lowerBound, values[index])
    if valueBefore == 0 {
      // What sign it starts with shows a little later.
      before += length / Double(event.subdivisions) / 1024
      valueBefore = value(event, before)
    }
    for part in 1...event.subdivisions {
      let after =
        part == event.subdivisions
        ? step.upperBound
        : step.lowerBound + length * (Double(part) / Double(event.subdivisions))
      let valueAfter = value(event, after)
      if event.happens(from: valueBefore, to: valueAfter) {
        let time = BracketedRoot.find(
          from: before, value: valueBefore, to: after, value: valueAfter,
          tolerance: 2 * max(step.lowerBound.ulp, step.upperBound.ulp)
        ) { value(event, $0) }
        found.append(Found(event: index, time: time))
      }
      (before, valueBefore) = (after, valueAfter)
    }
    values[index] = valueBefore
    return found
  }

  private func value(_ event: Event, _ time: Double) -> Double {
    integrator.withInterpolated(at: time) { event.function(time, $0) }
  }
}
