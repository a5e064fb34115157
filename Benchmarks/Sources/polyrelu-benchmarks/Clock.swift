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

  /// User and system time of this process so far.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// The most memory this process has held, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #endif
}

/// The median; the mean of the middle two for an even number of values.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
}
