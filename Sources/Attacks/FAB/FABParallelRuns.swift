import LinearCore
import Networks

/// The runs of ``FastAdaptiveBoundary`` on all samples, each from one start and with the classes it aims at,
/// side by side and with early stopping.
///
/// After every tenth of the steps a run ends
/// - whose best fooling point is farther than the nearest known of its sample by a factor of 1.5, of 1.2
///   from a fifth of the steps on, and of 1.1 from two fifths on, or
/// - that has come no nearer by a thousandth for a fifth of the steps, at least ten, where some
///   perturbation of its sample is known.
///
/// Runs of a sample are in one block, which is one thread's, so that nothing depends on threads.
struct FABParallelRuns<C: Classifier> {
  typealias Scalar = C.Scalar

  private let problem: AttackProblem<C>
  private let steps: Int
  private let backwardStep: Scalar
  private let step: FABStep<Scalar>
  /// The smallest radius known of each sample.
  private(set) var known: [Scalar]
  /// The size of the smallest perturbation found for each sample; infinite where there is none.
  private(set) var sizes: [Scalar]
  /// These perturbations.
  private(set) var perturbations: Matrix<Scalar>
  /// Gradient passes spent on each sample.
  private(set) var passes: [Int]
  private var runs: [FABRun<Scalar>] = []
  /// The present perturbations: a row a run.
  private var current: Matrix<Scalar>

  init(_ problem: AttackProblem<C>, known: [Scalar], attack: FastAdaptiveBoundary) {
    self.problem = problem
    self.known = known
    steps = attack.steps
    backwardStep = Scalar(attack.backwardStep)
    step = FABStep(
      threat: problem.threat, dimension: problem.inputs.columns,
      largestBias: Scalar(attack.largestBias), overshoot: Scalar(attack.overshoot))
    sizes = [Scalar](repeating: .infinity, count: problem.count)
    passes = [Int](repeating: 0, count: problem.count)
    perturbations = Matrix(rows: problem.count, columns: problem.inputs.columns)
    current = Matrix(rows: 0, columns: problem.inputs.columns)
  }

  /// Steps between comparisons.
  private var interval: Int { max(1, steps / 10) }
  /// Steps without progress after which a run ends.
  private var patience: Int { max(10, steps / 5) }

  /// By what factor a run may lie behind.
  private func tolerance(after done: Int) -> Scalar {
    10 * done < 2 * steps ? 1.5 : 10 * done < 4 * steps ? 1.2 : 1.1
  }

  /// Forgets all runs.
  mutating func begin() {
    runs = []
    current = Matrix(rows: 0, columns: problem.inputs.columns)
  }

  /// Adds a run of a sample.
  mutating func add(_ sample: Int, targets: [Int]) {
    runs.append(FABRun(sample: sample, targets: targets, row: runs.count))
  }

  /// Says where the runs added last, one a sample, start; nil for the samples themselves.
  mutating func place(_ start: Matrix<Scalar>?) {
    let zeros = [Scalar](repeating: 0, count: problem.count * current.columns)
    current = Matrix(
      rows: current.rows + problem.count, columns: current.columns,
      elements: current.elements + (start?.elements ?? zeros))
  }

  /// Takes the steps of all runs, to their ends.
  mutating func run() {
    runs.sort { ($0.sample, $0.row) < ($1.sample, $1.row) }
    for done in stride(from: 0, to: steps, by: interval) where !runs.isEmpty {
      let many = min(interval, steps - done)
      move(by: many, isLast: done + many == steps)
      for run in runs { known[run.sample] = min(known[run.sample], run.best) }
      drop(after: done + many)
    }
  }

  private mutating func drop(after done: Int) {
    let (limit, patience) = (tolerance(after: done), patience)
    for i in runs.indices {
      if runs[i].best < runs[i].milestone.size * 0.999 {
        runs[i].milestone = (runs[i].best, done)
      }
    }
    runs.removeAll { run in
      if done - run.milestone.step >= patience { return known[run.sample].isFinite }
      return run.best.isFinite && run.best > limit * known[run.sample]
    }
  }

  /// Ranges of runs, of whole samples each.
  private var blocks: [Range<Int>] {
    let blockSize = problem.classifier.passBlockSize
    var result: [Range<Int>] = []
    var start = 0
    for i in runs.indices {
      let isLastOfSample = i + 1 == runs.count || runs[i + 1].sample != runs[i].sample
      if !isLastOfSample || (i + 1 - start < blockSize && i + 1 < runs.count) { continue }
      result.append(start..<i + 1)
      start = i + 1
    }
    return result
  }

  private mutating func move(by steps: Int, isLast: Bool) {
    let (blocks, dimension) = (blocks, current.columns)
    let (problem, backwardStep, step) = (problem, backwardStep, step)
    current.withMutablePointer { current in
      perturbations.withMutablePointer { best in
        problem.inputs.withPointer { inputs in
          withPointers(&runs, &sizes, &passes) { runs, sizes, passes in
            nonisolated(unsafe) let (current, best, inputs) = (current, best, inputs)
            nonisolated(unsafe) let (runs, sizes, passes) = (runs, sizes, passes)
            Parallel.forEach(blocks.count) { number in
              let range = blocks[number]
              let block = FABBlock(
                step: step, backwardStep: backwardStep, dimension: dimension,
                outputs: problem.classifier.outputCount, labels: problem.labels,
                reachesTargets: problem.targets != nil, current: current, inputs: inputs,
                best: best, sizes: sizes, passes: passes)
              block.run(
                UnsafeMutableBufferPointer(start: runs + range.lowerBound, count: range.count),
                steps: steps, isLast: isLast,
                problem.classifier.inputGradientPass(capacity: range.count))
            }
          }
        }
      }
    }
  }
}

private func withPointers<A, B, C>(
  _ a: inout [A], _ b: inout [B], _ c: inout [C],
  _ body: (UnsafeMutablePointer<A>, UnsafeMutablePointer<B>, UnsafeMutablePointer<C>) -> Void
) {
  a.withUnsafeMutableBufferPointer { a in
    b.withUnsafeMutableBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
        body(a, b, c)
      }
    }
  }
}
