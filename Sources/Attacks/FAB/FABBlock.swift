import LinearCore
import Networks

/// One run of FAB on one sample.
struct FABRun<Scalar: LinearScalar> {
  let sample: Int
  /// The classes whose boundaries are linearised.
  let targets: [Int]
  /// Its row among the present perturbations.
  let row: Int
  /// The size of the smallest perturbation it has fooled with.
  var best: Scalar = .infinity
  /// That size when it last fell by more than a thousandth, and the step it was noticed at.
  var milestone: (size: Scalar, step: Int) = (.infinity, 0)

  init(sample: Int, targets: [Int], row: Int) {
    self.sample = sample
    self.targets = targets
    self.row = row
  }
}

/// Some runs side by side, on one thread. Matrices have `dimension` columns.
struct FABBlock<Scalar: LinearScalar> {
  let step: FABStep<Scalar>
  let backwardStep: Scalar
  let dimension: Int
  let outputs: Int
  let labels: [Int]
  /// Whether a run has to reach its target, not only to leave its label.
  let reachesTargets: Bool
  /// A row a run.
  let current: UnsafeMutablePointer<Scalar>
  /// A row a sample, as are the others.
  let inputs: UnsafePointer<Scalar>
  let best: UnsafeMutablePointer<Scalar>
  let sizes: UnsafeMutablePointer<Scalar>
  let passes: UnsafeMutablePointer<Int>

  /// Moves the runs by some steps; after the last step of all looks once more whether they fool.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func run(
    _ runs: UnsafeMutableBufferPointer<FABRun<Scalar>>, steps: Int, isLast: Bool,
    _ pass: any InputGradientPass<Scalar>
  ) {
    let size = runs.count * dimension
    let storage = UnsafeMutablePointer<Scalar>.allocate(
      capacity: 3 * size + FABStep<Scalar>.scratchSize(dimension))
    defer { storage.deallocate() }
    let (points, gradients, others) = (storage, storage + size, storage + 2 * size)
    let scratch = storage + 3 * size
    var (leads, otherLeads) = (runs.map { _ in Scalar(0) }, runs.map { _ in Scalar(0) })
    var (fooled, ignored) = (runs.map { _ in false }, runs.map { _ in false })
    for number in 0...steps where number < steps || isLast {
      if Cancellation.isRequested { return }
      for (i, run) in runs.enumerated() {
        addClipped(
          dimension, inputs + run.sample * dimension, current + run.row * dimension,
          into: points + i * dimension)
      }
      evaluate(runs, rank: 0, points, pass, &leads, gradients, &fooled)
      for rank in 1..<max(runs[0].targets.count, 1) {
        evaluate(runs, rank: rank, points, pass, &otherLeads, others, &ignored)
        for i in runs.indices {
          let (own, other) = (gradients + i * dimension, others + i * dimension)
          let point = points + i * dimension
          if step.isNearer((otherLeads[i], other), than: (leads[i], own), point, dimension, scratch)
          {
            leads[i] = otherLeads[i]
            own.update(from: other, count: dimension)
          }
        }
      }
      for i in runs.indices {
        let run = runs[i]
        let delta = current + run.row * dimension
        let gradient = gradients + i * dimension
        if fooled[i] {
          keep(&runs[i], delta)
          // Back towards the sample, with the linearisation that is at hand.
          leads[i] -= (1 - backwardStep) * Scalar.dot(dimension, gradient, delta)
          Scalar.scale(dimension, backwardStep, delta)
        }
        if number == steps { continue }
        step.advance(
          delta, dimension, input: inputs + run.sample * dimension, lead: leads[i],
          gradient: gradient, scratch: scratch)
      }
    }
  }

  /// Leads of the runs' targets of some rank over the labels, or over the strongest other class where the
  /// target has to be reached; their gradients, and which points fool.
  @inline(__always)
  private func evaluate(
    _ runs: UnsafeMutableBufferPointer<FABRun<Scalar>>, rank: Int,
    _ points: UnsafePointer<Scalar>, _ pass: any InputGradientPass<Scalar>,
    _ leads: inout [Scalar], _ gradients: UnsafeMutablePointer<Scalar>, _ fooled: inout [Bool]
  ) {
    pass.run(count: runs.count, inputs: points, gradient: gradients) { logits in
      for (i, run) in runs.enumerated() {
        let row = logits + i * outputs
        var label = labels[run.sample]
        passes[run.sample] += 1
        if reachesTargets {
          fooled[i] = !isMisclassified(row, outputs, label: run.targets[rank])
          label = strongestOther(row, outputs, run.targets[rank])
        } else {
          fooled[i] = isMisclassified(row, outputs, label: label)
        }
        if outputs == 1 {
          leads[i] = label == 1 ? -row[0] : row[0]
          row[0] = label == 1 ? -1 : 1
        } else {
          leads[i] = row[run.targets[rank]] - row[label]
          for c in 0..<outputs { row[c] = 0 }
          row[run.targets[rank]] = 1
          row[label] = -1
        }
      }
    }
  }

  @inline(__always)
  private func keep(_ run: inout FABRun<Scalar>, _ delta: UnsafePointer<Scalar>) {
    let size = step.norm.length(dimension, delta)
    run.best = Swift.min(run.best, size)
    if size >= sizes[run.sample] { return }
    sizes[run.sample] = size
    (best + run.sample * dimension).update(from: delta, count: dimension)
  }

  @inline(__always)
  private func addClipped(
    _ count: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafePointer<Scalar>,
    into z: UnsafeMutablePointer<Scalar>
  ) {
    let (lower, upper) = (step.box.lower, step.box.upper)
    for i in 0..<count { z[i] = Swift.min(Swift.max(x[i] + y[i], lower[i]), upper[i]) }
  }
}
