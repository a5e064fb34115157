import LinearCore
import Networks

/// One run of Auto-PGD on a block of samples, on one thread.
struct AutoPGDRun<Scalar: LinearScalar> {
  let norm: Norm
  /// Values a coordinate may take; infinite bounds where there is no box.
  let box: (lower: Scalar, upper: Scalar)
  let loss: any AttackLoss
  let steps: Int
  let dropsFooledSamples: Bool
  let skipsCoordinatesOnBounds: Bool
  let dimension: Int
  let outputs: Int

  init(
    norm: Norm, box: ClosedRange<Scalar>?, loss: any AttackLoss, steps: Int,
    dropsFooledSamples: Bool, skipsCoordinatesOnBounds: Bool, dimension: Int, outputs: Int
  ) {
    self.norm = norm
    self.box = (box?.lowerBound ?? -.infinity, box?.upperBound ?? .infinity)
    self.loss = loss
    self.steps = steps
    self.dropsFooledSamples = dropsFooledSamples
    self.skipsCoordinatesOnBounds = skipsCoordinatesOnBounds
    self.dimension = dimension
    self.outputs = outputs
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
    let rows = AutoPGDRows<Scalar>(lanes: samples.count, dimension: dimension)
    defer { rows.deallocate() }
    var lanes = samples.map {
      AutoPGDLane(sample: $0, radius: $0.radius * phases[0].radiusFactor)
    }
    for lane in lanes.indices { placeAtRandom(&lanes[lane], lane, rows) }
    for (number, phase) in phases.enumerated() where !lanes.isEmpty {
      let isLast = number == phases.count - 1
      for lane in lanes.indices {
        lanes[lane].radius = lanes[lane].sample.radius * phase.radiusFactor
        if number > 0 {
          rows.returnToBest(lane)
          enterBall(lanes[lane], lane, rows)
        }
      }
      search(&lanes, rows, steps: phase.steps, isLast: isLast, pass)
    }
    for (number, lane) in lanes.enumerated() where lane.witnessLoss == nil {
      write(rows.bestPoint + number * dimension, of: lane.sample)
    }
  }

  /// The ascent within one ball for each lane. Lanes that need no more work disappear.
  @inline(__always)
  private func search(
    _ lanes: inout [AutoPGDLane<Scalar>], _ rows: AutoPGDRows<Scalar>, steps: Int, isLast: Bool,
    _ pass: any InputGradientPass<Scalar>
  ) {
    var evaluation = AutoPGDEvaluation<Scalar>(capacity: lanes.count, outputs: outputs)
    evaluation.run(lanes, rows, loss, pass)
    for lane in lanes.indices {
      let value = evaluation.values[lane]
      lanes[lane].loss = value
      lanes[lane].bestLoss = value
      lanes[lane].bestLossAtCheckpoint = value
      lanes[lane].step = (norm == .l1 ? 1 : 2) * lanes[lane].radius
      rows.keepAsBest(lane)
      (rows.previous + lane * dimension)
        .update(from: rows.point + lane * dimension, count: dimension)
      if norm == .l1 { adaptSparsity(&lanes[lane], lane, rows, isFirst: true) }
    }
    if isLast { collect(&lanes, rows, evaluation) }
    let checkpoints = norm == .l1 ? [] : AutoPGD.checkpoints(steps: steps)
    // Mind the box: every 4% of the steps.
    let interval = max(1, steps / 25)
    var lastCheckpoint = 0
    for done in 1..<(steps + 1) where !lanes.isEmpty {
      for lane in lanes.indices { advance(lanes[lane], lane, rows, isFirst: done == 1) }
      evaluation.run(lanes, rows, loss, pass)
      for lane in lanes.indices {
        let value = evaluation.values[lane]
        if value > lanes[lane].loss { lanes[lane].improvements += 1 }
        lanes[lane].loss = value
        if value > lanes[lane].bestLoss {
          lanes[lane].bestLoss = value
          rows.keepAsBest(lane)
        }
      }
      if isLast { collect(&lanes, rows, evaluation) }
      if norm == .l1 && done % interval == 0 {
        for lane in lanes.indices { adaptSparsity(&lanes[lane], lane, rows, isFirst: false) }
      } else if checkpoints.contains(done) {
        for lane in lanes.indices {
          adaptStep(&lanes[lane], lane, rows, interval: done - lastCheckpoint)
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
    _ lane: inout AutoPGDLane<Scalar>, _ number: Int, _ rows: AutoPGDRows<Scalar>, interval: Int
  ) {
    let oscillates = 4 * lane.improvements < 3 * interval
    let rests = !lane.wasHalvedAtCheckpoint && lane.bestLossAtCheckpoint >= lane.bestLoss
    lane.wasHalvedAtCheckpoint = oscillates || rests
    lane.bestLossAtCheckpoint = lane.bestLoss
    lane.improvements = 0
    if !lane.wasHalvedAtCheckpoint { return }
    lane.step /= 2
    lane.loss = lane.bestLoss
    rows.returnToBest(number)
  }

  /// Writes down the points that fool, and drops their lanes where nothing more is asked for.
  @inline(__always)
  private func collect(
    _ lanes: inout [AutoPGDLane<Scalar>], _ rows: AutoPGDRows<Scalar>,
    _ evaluation: AutoPGDEvaluation<Scalar>
  ) {
    for lane in lanes.indices.reversed() where evaluation.isFooled[lane] {
      let value = evaluation.values[lane]
      if let known = lanes[lane].witnessLoss, known >= value { continue }
      lanes[lane].witnessLoss = value
      lanes[lane].sample.isFooled.pointee = true
      write(rows.point + lane * dimension, of: lanes[lane].sample)
      if !dropsFooledSamples { continue }
      // Lanes behind this one have been looked at.
      rows.move(lanes.count - 1, to: lane)
      lanes.swapAt(lane, lanes.count - 1)
      lanes.removeLast()
    }
  }

  @inline(__always)
  private func write(_ point: UnsafePointer<Scalar>, of sample: AutoPGDSample<Scalar>) {
    for j in 0..<dimension { sample.perturbation[j] = point[j] - sample.input[j] }
  }
}
