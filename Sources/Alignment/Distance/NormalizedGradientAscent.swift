import LinearCore
import Networks

/// Normalised projected gradient ascent of (c f - F)^2 over the unit sphere from random starts: how the
/// paper measures the distance (Min and Vidal, ICML 2024, section 5.1).
///
/// Every point moves by ``stepLength`` along the gradient divided by its norm and is put back on the sphere.
/// Steps of fixed length never come to rest but circle around a maximum, so here the best iterate ever seen
/// counts; the paper reports the maximum over the last ones (``reportsBestIterate`` false).
///
/// The ascent is followed in the few dimensions that matter (``ReducedCoordinates``), which makes the same steps at
/// a hundredth of the cost.
package struct NormalizedGradientAscent: Sendable, Codable, Equatable {
  /// Batches of starts, each from a random stream of its own.
  package var batches = 10
  /// Starting points of one batch.
  package var points = 1000
  package var steps = 2000
  /// The length of a step.
  package var stepLength = 0.01
  /// Whether the best iterate counts rather than the last.
  package var reportsBestIterate = true
  /// The share of the contributions by which the functions that are climbed may differ from c f and F, where a
  /// hundredth of it does not leave few dimensions; 0 climbs in all of them, at a hundred times the cost. What
  /// is reported is always |c f - F| itself.
  package var tolerance = 1e-4

  /// The numbers of the paper, unless said otherwise.
  package init(
    batches: Int = 10, points: Int = 1000, steps: Int = 2000, stepLength: Double = 0.01,
    reportsBestIterate: Bool = true, tolerance: Double = 1e-4
  ) {
    precondition(batches > 0 && points > 0 && steps >= 0 && stepLength > 0 && tolerance >= 0)
    self.batches = batches
    self.points = points
    self.steps = steps
    self.stepLength = stepLength
    self.reportsBestIterate = reportsBestIterate
    self.tolerance = tolerance
  }

  /// The largest |c f - F| found: a lower estimate of the supremum. Evaluated anew in double precision at
  /// a witness of unit norm.
  ///
  /// - Parameters:
  ///   - scale: c.
  ///   - stream: Gaussian starts come from its children, one a batch.
  package func run<Scalar: LinearScalar>(
    _ difference: ClassifierDifference<Scalar>, scale: Double, stream: RandomStream
  ) -> DistanceEstimate {
    let space = ReducedCoordinates(difference, scale: scale, tolerance: tolerance)
    let dimension = space.pair.inputDimension
    // Small blocks: every one is a piece of work for a thread, with buffers that stay in cache.
    let block = 100
    var found = Matrix<Scalar>(
      rows: batches * Parallel.blockCount(of: points, size: block), columns: dimension)
    let blocksPerBatch = found.rows / batches
    found.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      for batch in 0..<batches {
        let starts = space.coordinates(
          Matrix<Scalar>.gaussian(
            rows: points, columns: difference.pair.inputDimension,
            stream: stream.child("batch", batch)
          ).rowsNormalized())
        Parallel.forEachBlock(of: points, size: block) { number, range in
          var ascent = AscentBlock(space.pair, starts: starts.rows(in: range))
          for _ in 0..<steps { ascent.step(stepLength) }
          ascent.finish(reportsBestIterate: reportsBestIterate)
          let row = target + (batch * blocksPerBatch + number) * dimension
          ascent.best.withUnsafeBufferPointer {
            row.update(from: $0.baseAddress!, count: dimension)
          }
        }
      }
    }
    let exact = ClassifierDifference(difference, convertedTo: Double.self)
    return exact.best(space.lift(found).rowsNormalized(), scale: scale)
  }
}

/// A block of points on their way up |f - F|.
private struct AscentBlock<Scalar: LinearScalar> {
  private let pass: any InputGradientPass<Scalar>
  private var points: Matrix<Scalar>
  private var gradient: Matrix<Scalar>
  private var values: [Scalar]
  private var largest: Scalar = -1
  /// The point with the largest |f - F| so far.
  private(set) var best: [Scalar]

  init(_ pair: PReLUNetwork<Scalar>, starts: Matrix<Scalar>) {
    pass = pair.inputGradientPass(capacity: starts.rows)
    points = starts
    gradient = Matrix(rows: starts.rows, columns: starts.columns)
    values = [Scalar](repeating: 0, count: starts.rows)
    best = starts.row(0)
  }

  /// |f - F| and the gradient of its square, up to a positive factor, at the present points.
  private mutating func evaluate() {
    let (count, pass, points) = (self.points.rows, pass, self.points)
    var sizes = values
    gradient.withMutablePointer { gradient in
      points.withPointer { points in
        pass.run(count: count, inputs: points, gradient: gradient) { logits in
          for i in 0..<count {
            let difference = logits[2 * i] - logits[2 * i + 1]
            sizes[i] = difference.magnitude
            let sign: Scalar = difference < 0 ? -1 : 1
            logits[2 * i] = sign
            logits[2 * i + 1] = -sign
          }
        }
      }
    }
    values = sizes
  }

  private mutating func remember() {
    for i in values.indices where values[i] > largest {
      largest = values[i]
      best = points.row(i)
    }
  }

  mutating func step(_ length: Double) {
    evaluate()
    remember()
    let (count, dimension, gradient) = (points.rows, points.columns, self.gradient)
    points.withMutablePointer { points in
      gradient.withPointer { gradient in
        for i in 0..<count {
          let (x, g) = (points + i * dimension, gradient + i * dimension)
          let slope = RowKernels.norm(dimension, g)
          if slope < Scalar.leastNormalMagnitude { continue }
          Scalar.add(dimension, Scalar(length) / slope, g, to: x)
          Scalar.scale(dimension, 1 / RowKernels.norm(dimension, x), x)
        }
      }
    }
  }

  mutating func finish(reportsBestIterate: Bool) {
    evaluate()
    if !reportsBestIterate { largest = -1 }
    remember()
  }
}

extension ClassifierDifference {
  /// The same pair in another precision.
  init<Other: LinearScalar>(_ other: ClassifierDifference<Other>, convertedTo: Scalar.Type) {
    pair = other.pair.converted(to: Scalar.self)
    networkWidth = other.networkWidth
  }

  /// The row where |c f - F| is largest.
  func best(_ points: Matrix<Scalar>, scale: Double) -> DistanceEstimate {
    let distances = values(points).map { $0.distance(scale: scale) }
    let index = distances.indices.max { distances[$0] < distances[$1] }!
    return DistanceEstimate(
      scale: scale, value: distances[index], witness: points.row(index).map { Double($0) })
  }
}
