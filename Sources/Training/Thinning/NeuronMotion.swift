import Foundation

/// How fast a neuron moves, and whether it is getting faster.
struct NeuronMotion: Sendable, Equatable {
  /// ||d(w_j, v_j)|| / ||(w_j, v_j)|| in an epoch.
  private(set) var rate = 0.0
  /// When that was measured, in epochs; negative before the first time.
  private(set) var time = -1.0
  /// d log(rate) / d epoch between the last two measurements; very large before there are two.
  private(set) var acceleration = Self.unknown

  private static let unknown = 1e30
  /// By how much the logarithm of the rate may grow until the next update, which is exact to second order in
  /// it.
  private static let largestGrowth = 0.2

  /// Not measured yet.
  init() {}

  /// A motion as a checkpoint has it.
  init(rate: Double, time: Double, acceleration: Double) {
    self.rate = rate
    self.time = time
    self.acceleration = acceleration
  }

  mutating func observe(rate new: Double, at now: Double) {
    if time >= 0 {
      acceleration =
        new == 0 ? 0 : rate == 0 ? Self.unknown : log(new / rate) / (now - time)
    }
    (rate, time) = (new, now)
  }

  /// Whether the neuron will hardly move: by at most half of `change`, as a share of its size, within
  /// `duration` epochs from `start` on, if it goes on getting faster as it did.
  ///
  /// A neuron on its way to a cluster turns by an angle that grows in proportion to itself, or faster. It is
  /// slow at first, so its rate alone does not show it.
  func isSlow(from start: Double, for duration: Double, change: Double) -> Bool {
    let growth = max(0, acceleration) * (start + duration - time)
    return growth <= Self.largestGrowth && rate * exp(growth) * duration <= change / 2
  }

  /// Whether the neuron moves by less than `change` in an epoch.
  func isSettled(change: Double) -> Bool { time >= 0 && rate <= change }
}
