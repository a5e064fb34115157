import Foundation

/// Wall-clock and processor time of a piece of work, in seconds.
///
/// On a machine that others use too, processor time is the steadier of the two.
struct Timing {
  let wall: Double
  let processor: Double

  /// Runs `work` once.
  static func measure(_ work: () throws -> Void) rethrows -> Timing {
    let clock = ContinuousClock()
    let before = processorTime()
    let wall = try clock.measure(work)
    return Timing(wall: wall / .seconds(1), processor: processorTime() - before)
  }

  /// User and system time of this process so far, and of processes it started that have ended.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    let children = resourceUsage(ofChildren: true)
    return [children.ru_utime, children.ru_stime].reduce(
      Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    ) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }
}

/// The most memory this process has held, or any single one of the processes it started, in bytes.
func peakMemory(ofChildren: Bool = false) -> Int {
  let usage = resourceUsage(ofChildren: ofChildren)
  #if canImport(Darwin)
    return usage.ru_maxrss
  #else
    return usage.ru_maxrss * 1024
  #endif
}

private func resourceUsage(ofChildren: Bool) -> rusage {
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(ofChildren ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage)
  #else
    let whose = ofChildren ? RUSAGE_CHILDREN : RUSAGE_SELF
    getrusage(__rusage_who_t(whose.rawValue), &usage)
  #endif
  return usage
}

/// The median; the mean of the middle two for an even number of values.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
}
