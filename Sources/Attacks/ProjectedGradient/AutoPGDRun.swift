import LinearCore
import Networks

/// One run of Auto-PGD on a block of samples, on one thread.
struct AutoPGDRun<Scalar: LinearScalar> {
  let norm: Norm
  /// Values a coordinate may take; infinite bounds where there is no box.
  let box: BoxBounds<Scalar>
  let loss: any AttackLoss
  let steps: Int
  let dropsFooledSamples: Bool
  let skipsCoordinatesOnBounds: Bool
  let dimension: Int
  let outputs: Int
  /// Whether a point fools only where it is predicted as its target.
  let reachesTargets: Bool

  init(
    threat: ThreatModel<Scalar>, loss: any AttackLoss, steps: Int,
    dropsFooledSamples: Bool, skipsCoordinatesOnBounds: Bool, dimension: Int, outputs: Int,
    reachesTargets: Bool
  ) {
    norm = threat.norm
    box = threat.bounds(dimension)
    self.loss = loss
    self.steps = steps
    self.dropsFooledSamples = dropsFooledSamples
    self.skipsCoordinatesOnBounds = skipsCoordinatesOnBounds
    self.dimension = dimension
    self.outputs = outputs
    self.reachesTargets = reachesTargets
  }

  /// Steps in a ball of a multiple of the radius.
  struct Phase {
    let steps: Int
    let radiusFactor: Scalar
  }

  /// One phase; for l1 three with decreasing radius, of 30%, 30% and 40% of the steps.
  var phases: [Phase] {
    guard norm == .l1 else { return [Phase(steps: steps, radiusFactor: 1)] }
    let early = min((3 * steps + 9) / 10, (steps - 1) / 2)
    return [
      Phase(steps: early, radiusFactor: 3), Phase(steps: early, radiusFactor: 2),
      Phase(steps: steps - 2 * early, radiusFactor: 1),
    ]
  }

  /// Attacks the samples and writes what it finds to where they say.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func run(_ samples: [AutoPGDSample<Scalar>], _ pass: any InputGradientPass<Scalar>) {
    let phases = phases
    let iterates = AutoPGDIterates<Scalar>(samples: samples.count, dimension: dimension)
    defer { iterates.deallocate() }
    var states = samples.map {
      AutoPGDState(sample: $0, radius: $0.radius * phases[0].radiusFactor)
    }
    for row in states.indices { placeAtRandom(&states[row], row, iterates) }
    for (number, phase) in phases.enumerated() where !states.isEmpty {
      let isLast = number == phases.count - 1
      for row in states.indices {
        states[row].radius = states[row].sample.radius * phase.radiusFactor
        if number > 0 {
          iterates.returnToBest(row)
          enterBall(states[row], row, iterates)
        }
      }
      search(&states, iterates, steps: phase.steps, isLast: isLast, pass)
    }
    for (number, state) in states.enumerated() where state.witnessLoss == nil {
      write(iterates.bestPoint + number * dimension, of: state.sample)
    }
  }

  /// The ascent within one ball for each sample. Those that need no more work are removed.
  @inline(__always)
  private func search(
    _ states: inout [AutoPGDState<Scalar>], _ iterates: AutoPGDIterates<Scalar>, steps: Int,
    isLast: Bool,
    _ pass: any InputGradientPass<Scalar>
  ) {
    var evaluation = AutoPGDEvaluation<Scalar>(
      capacity: states.count, outputs: outputs, reachesTargets: reachesTargets)
    evaluation.run(states, iterates, loss, pass)
    for row in states.indices {
      let value = evaluation.values[row]
      states[row].loss = value
      states[row].bestLoss = value
      states[row].bestLossAtCheckpoint = value
      states[row].step = (norm == .l1 ? 1 : 2) * states[row].radius
      iterates.keepAsBest(row)
      (iterates.previous + row * dimension)
        .update(from: iterates.point + row * dimension, count: dimension)
      if norm == .l1 { adaptSparsity(&states[row], row, iterates, isFirst: true) }
    }
    if isLast { collect(&states, iterates, evaluation) }
    let checkpoints = norm == .l1 ? [] : AutoPGD.checkpoints(steps: steps)
    // Mind the box: every 4% of the steps.
    let interval = max(1, steps / 25)
    var lastCheckpoint = 0
    for done in 1..<(steps + 1) where !states.isEmpty {
      if Cancellation.isRequested { return }
      for row in states.indices { advance(states[row], row, iterates, isFirst: done == 1) }
      evaluation.run(states, iterates, loss, pass)
      for row in states.indices {
        let value = evaluation.values[row]
        if value > states[row].loss { states[row].improvements += 1 }
        states[row].loss = value
        if value > states[row].bestLoss {
          states[row].bestLoss = value
          iterates.keepAsBest(row)
        }
      }
      if isLast { collect(&states, iterates, evaluation) }
      if norm == .l1 && done % interval == 0 {
        for row in states.indices { adaptSparsity(&states[row], row, iterates, isFirst: false) }
      } else if checkpoints.contains(done) {
        for row in states.indices {
          adaptStep(&states[row], row, iterates, interval: done - lastCheckpoint)
        }
        lastCheckpoint = done
      }
    }
  }

  /// Halves the step where fewer than 75% of the last `interval` steps improved the loss, or where
  /// neither step nor best loss has changed since the last checkpoint; the search then goes on from the
  /// best point.
  @inline(__always)
  private func adaptStep(
    _ state: inout AutoPGDState<Scalar>, _ row: Int, _ iterates: AutoPGDIterates<Scalar>,
    interval: Int
  ) {
    let oscillates = 4 * state.improvements < 3 * interval
    let rests = !state.wasHalvedAtCheckpoint && state.bestLossAtCheckpoint >= state.bestLoss
    state.wasHalvedAtCheckpoint = oscillates || rests
    state.bestLossAtCheckpoint = state.bestLoss
    state.improvements = 0
    if !state.wasHalvedAtCheckpoint { return }
    state.step /= 2
    state.loss = state.bestLoss
    iterates.returnToBest(row)
  }

  /// Writes down the points that fool, and removes their samples where nothing more is asked for.
  @inline(__always)
  private func collect(
    _ states: inout [AutoPGDState<Scalar>], _ iterates: AutoPGDIterates<Scalar>,
    _ evaluation: AutoPGDEvaluation<Scalar>
  ) {
    for row in states.indices.reversed() where evaluation.isFooled[row] {
      let value = evaluation.values[row]
      if let known = states[row].witnessLoss, known >= value { continue }
      states[row].witnessLoss = value
      states[row].sample.isFooled.pointee = true
      write(iterates.point + row * dimension, of: states[row].sample)
      if !dropsFooledSamples { continue }
      // Rows behind this one have been looked at.
      iterates.move(states.count - 1, to: row)
      states.swapAt(row, states.count - 1)
      states.removeLast()
    }
  }

  @inline(__always)
  private func write(_ point: UnsafePointer<Scalar>, of sample: AutoPGDSample<Scalar>) {
    for j in 0..<dimension { sample.perturbation[j] = point[j] - sample.input[j] }
  }
}
