import LinearCore
import Networks

/// The Square Attack of Andriushchenko, Croce, Flammarion and Hein, *Square attack: a query-efficient
/// black-box adversarial attack via random search*, ECCV 2020; for l1 the version that Croce and Hein
/// give in *Mind the box: l1-APGD for sparse adversarial attacks on image classifiers*, ICML 2021.
///
/// Random search on the margin, without gradients: each query changes a random set of coordinates, fewer
/// and fewer of them, and is kept where the margin falls. Gradients that vanish do not mislead it, which
/// makes it a check of the attacks that follow them; as an attack it is weaker than they are.
///
/// The paper's sets are squares of an image. What images are is said by the classifier (`ImageClassifier`); without
/// that, an input whose dimension is the square of a side of at least 8 is taken for an image of one channel, and for
/// other inputs sets are random ones of as many coordinates, and patterns are laid along their random order. Which pixels a set covers differs from sample to
/// sample, and the last row and column, which the published programs never reach, are covered.
public struct SquareAttack: Attack {
  /// "square", the name in catalogue and results.
  public var name: String { "square" }
  /// No: it searches the ball it is given.
  public var isMinimumNorm: Bool { false }

  /// False: it evaluates the classifier only.
  public var followsGradients: Bool { false }

  /// Evaluations of each sample in a run, besides the first point's; a sample is left alone as soon as
  /// it is fooled.
  public var queries: Int
  /// Queries where gradients mislead: if a run fools more than one sample in a hundred, and more than one,
  /// it is followed by one of that many on those that stand. For ensembles, where the attack sees only
  /// what all others have failed at. Nil for never.
  public var queriesWhereNeeded: Int?
  /// Runs with other random choices; each attacks the samples that none before has fooled.
  public var restarts: Int
  /// The share of the coordinates that the first queries change (p_init).
  public var initialShare = 0.8

  /// An attack with the published effort unless said otherwise.
  public init(queries: Int = 5000, restarts: Int = 1) {
    precondition(queries >= 1 && restarts >= 1, "an attack takes at least one step")
    self.queries = queries
    self.restarts = restarts
  }

  /// With twice the queries.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.queries *= 2
    attack.queriesWhereNeeded = queriesWhereNeeded.map { 2 * $0 }
    return attack
  }

  /// A perturbation of each sample that fools it, or else the one of smallest margin in the last run.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    precondition(radii.allSatisfy(\.isFinite), "Square needs a ball to search")
    var result = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var open = Array(0..<problem.count)
    for restart in 0..<restarts where !open.isEmpty {
      let stream = stream.child("restart", restart)
      func attack(_ queries: Int, _ stream: RandomStream) {
        open = run(
          problem, open, radii, queries,
          open.map { stream.child("sample", problem.sampleNumbers[$0]) }, &result)
      }
      let before = open.count
      attack(queries, stream)
      let fooled = before - open.count
      if let queriesWhereNeeded, fooled > 1, 100 * fooled > before, !open.isEmpty {
        attack(queriesWhereNeeded, stream.child("needed"))
      }
    }
    return result
  }

  /// One run on the open samples; returns those that stay open.
  private func run<C: Classifier>(
    _ problem: AttackProblem<C>, _ open: [Int], _ radii: [C.Scalar], _ queries: Int,
    _ streams: [RandomStream], _ result: inout Matrix<C.Scalar>
  ) -> [Int] {
    var proposals = SquareProposals<C.Scalar>(
      threat: problem.threat, dimension: problem.inputs.columns,
      image: (problem.classifier as? any ImageClassifier)?.imageAxes)
    proposals.use(size: proposals.tileSize)
    var search = SquareSearch(
      samples: open, inputs: problem.inputs.rows(at: open), radii: open.map { radii[$0] },
      streams: streams)
    var part = problem.subset(open)
    for query in -1..<queries where !search.samples.isEmpty {
      if Cancellation.isRequested { break }
      if query >= 0 {
        proposals.use(
          share: SquareWindows.share(query: query, of: queries, initial: initialShare))
      }
      search.propose(proposals, isFirst: query < 0)
      let fooled = search.keepBetter(part.margins(search.trial))
      if fooled.isEmpty { continue }
      search.remove(fooled, writingTo: &result)
      part = problem.subset(search.samples)
    }
    search.write(to: &result)
    return search.samples
  }
}

/// The samples that a run of the Square Attack still works on.
struct SquareSearch<Scalar: LinearScalar> {
  /// Their numbers.
  private(set) var samples: [Int]
  /// The perturbations tried last, and those of smallest margin: (samples, inputDimension) both.
  private(set) var trial: Matrix<Scalar>
  private var best: Matrix<Scalar>
  private var margins: [Scalar]
  private var inputs: Matrix<Scalar>
  private var radii: [Scalar]
  private var streams: [RandomStream]

  init(samples: [Int], inputs: Matrix<Scalar>, radii: [Scalar], streams: [RandomStream]) {
    self.samples = samples
    self.inputs = inputs
    self.radii = radii
    self.streams = streams
    trial = Matrix(rows: inputs.rows, columns: inputs.columns)
    best = trial
    margins = [Scalar](repeating: .infinity, count: samples.count)
  }

  /// Fills ``trial`` with first or next points.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func propose(_ proposals: SquareProposals<Scalar>, isFirst: Bool) {
    let (count, dimension) = (samples.count, inputs.columns)
    trial.withMutablePointer { trial in
      best.withPointer { best in
        inputs.withPointer { inputs in
          streams.withUnsafeMutableBufferPointer { streams in
            nonisolated(unsafe) let (trial, streams) = (trial, streams)
            nonisolated(unsafe) let (best, inputs) = (best, inputs)
            Parallel.forEachBlock(of: count, size: 32) { _, range in
              let scratch = UnsafeMutablePointer<Scalar>.allocate(capacity: proposals.scratchSize)
              let indices = UnsafeMutablePointer<Int32>.allocate(capacity: 3 * dimension)
              defer {
                scratch.deallocate()
                indices.deallocate()
              }
              for j in 0..<dimension { indices[j] = Int32(j) }
              for i in range {
                let row = trial + i * dimension
                let input = inputs + i * dimension
                if isFirst {
                  proposals.start(
                    row, input: input, radius: radii[i], &streams[i], scratch: scratch)
                } else {
                  row.update(from: best + i * dimension, count: dimension)
                  proposals.next(
                    row, input: input, radius: radii[i], &streams[i], order: indices,
                    sets: indices + dimension, scratch: scratch)
                }
              }
            }
          }
        }
      }
    }
  }

  /// Keeps trials of smaller margin; returns the rows that are fooled, in increasing order.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func keepBetter(_ found: [Scalar]) -> [Int] {
    let dimension = inputs.columns
    var fooled: [Int] = []
    best.withMutablePointer { best in
      trial.withPointer { trial in
        for i in found.indices where found[i] < margins[i] {
          margins[i] = found[i]
          (best + i * dimension).update(from: trial + i * dimension, count: dimension)
          if found[i] < 0 { fooled.append(i) }
        }
      }
    }
    return fooled
  }

  /// Writes the best perturbations of all samples.
  func write(to result: inout Matrix<Scalar>) {
    for (row, i) in samples.enumerated() { result.copyRow(i, from: best, row: row) }
  }

  /// Writes the best perturbations of some rows, and goes on without them.
  mutating func remove(_ rows: [Int], writingTo result: inout Matrix<Scalar>) {
    for row in rows { result.copyRow(samples[row], from: best, row: row) }
    let gone = Set(rows)
    let kept = samples.indices.filter { !gone.contains($0) }
    samples = kept.map { samples[$0] }
    best = best.rows(at: kept)
    trial = Matrix(uninitializedRows: kept.count, columns: inputs.columns)
    inputs = inputs.rows(at: kept)
    margins = kept.map { margins[$0] }
    radii = kept.map { radii[$0] }
    streams = kept.map { streams[$0] }
  }
}
