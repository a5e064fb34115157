import LinearCore
import Networks

/// The neurons that wait for their update, and what has come together for it.
struct WaitingNeurons<Scalar: LinearScalar>: Sendable, Equatable {
  /// The sum over steps of learning rate x derivative of the loss with respect to each sample's outputs:
  /// (outputs, samples).
  var impulses: Matrix<Scalar>
  /// When they are moved.
  var schedule: Schedule

  /// Which neurons, and when they are moved.
  struct Schedule: Sendable, Equatable, Codable {
    /// In ascending order.
    let neurons: [Int]
    /// Epochs between updates.
    let interval: Int
    /// Epochs since the last update.
    var elapsed = 0
  }

  var neurons: [Int] { schedule.neurons }
  var isDue: Bool { schedule.elapsed >= schedule.interval }

  /// Adds a step on some samples.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func record(_ derivative: Matrix<Scalar>, samples: [Int], rate: Scalar) {
    for c in 0..<derivative.rows {
      for (i, sample) in samples.enumerated() {
        impulses[c, sample] += rate * derivative[c, i]
      }
    }
  }

  /// Intervals tried.
  private static var intervals: [Int] { [3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128] }

  /// The neurons that are to wait, and for how long, so that the least work is left; nil where waiting does
  /// not pay.
  ///
  /// - Parameters:
  ///   - epoch: the epochs done.
  ///   - motion: how fast each neuron moves.
  ///   - margins: the most that each neuron adds to a margin.
  ///   - costs: the work of a step for each neuron: 1, or its part of that where neurons are merged.
  ///   - samples: the number of training samples.
  init?(
    after epoch: Int, motion: [NeuronMotion], margins: [Double], costs: [Double], outputs: Int,
    samples: Int, tolerances: Thinning
  ) {
    var (silent, sum) = ([Int](), 0.0)
    for j in margins.indices.sorted(by: { (margins[$0], $0) < (margins[$1], $1) }) {
      sum += margins[j]
      if sum > tolerances.waitingMargin { break }
      silent.append(j)
    }
    let total = costs.reduce(0, +)
    var best: (work: Double, interval: Int, neurons: [Int]) = (0.9 * total, 0, [])
    for interval in Self.intervals {
      let slow = silent.filter {
        motion[$0].isSlow(
          from: Double(epoch), for: Double(interval), change: tolerances.waitingChange)
      }
      let saved = slow.reduce(0) { $0 + costs[$1] }
      let updates = ThinnedRun<Scalar>.updateCost * Double(slow.count) / Double(interval)
      let work = total - saved + updates
      if work < best.work { best = (work, interval, slow) }
    }
    // Somebody has to step: the one that moves most.
    if best.neurons.count == margins.count {
      let fastest = best.neurons.max { (motion[$0].rate, $0) < (motion[$1].rate, $1) }
      best.neurons.removeAll { $0 == fastest }
    }
    guard !best.neurons.isEmpty else { return nil }
    schedule = Schedule(neurons: best.neurons.sorted(), interval: best.interval)
    impulses = Matrix(rows: outputs, columns: samples)
  }

  /// Neurons that wait already, as a checkpoint has them.
  init(schedule: Schedule, impulses: Matrix<Scalar>) {
    self.schedule = schedule
    self.impulses = impulses
  }
}
