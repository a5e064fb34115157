import LinearCore

/// What one run of Auto-PGD is told about a sample, and where its findings go.
struct AutoPGDSample<Scalar: LinearScalar> {
  let input: UnsafePointer<Scalar>
  let label: Int
  let target: Int
  let radius: Scalar
  var stream: RandomStream
  /// `dimension` numbers.
  let perturbation: UnsafeMutablePointer<Scalar>
  let isFooled: UnsafeMutablePointer<Bool>
  /// Counts gradient passes.
  let passes: UnsafeMutablePointer<Int>
}

/// The state of the ascent on one sample.
struct AutoPGDState<Scalar: LinearScalar> {
  var sample: AutoPGDSample<Scalar>
  /// The radius of the present phase.
  var radius: Scalar
  var step: Scalar = 0
  /// The loss at the present point.
  var loss: Scalar = 0
  var bestLoss: Scalar = 0
  /// Of the fooling point that was stored last.
  var witnessLoss: Scalar?
  /// Steps since the last checkpoint that improved the loss.
  var improvements = 0
  var bestLossAtCheckpoint: Scalar = 0
  var wasHalvedAtCheckpoint = true
  /// l1: how many coordinates a step moves.
  var activeCoordinates = 0
  /// l1: nonzero coordinates of the best perturbation at the last checkpoint.
  var sparsity = 0
}

/// The iterates of all samples that are still attacked, a row a sample: each matrix is (samples, dimension).
struct AutoPGDIterates<Scalar: LinearScalar> {
  let dimension: Int
  /// Perturbed samples; the present point, the one before it, and the one of largest loss.
  let point: UnsafeMutablePointer<Scalar>
  let previous: UnsafeMutablePointer<Scalar>
  let bestPoint: UnsafeMutablePointer<Scalar>
  /// Gradients of the loss at the present and the best point.
  let gradient: UnsafeMutablePointer<Scalar>
  let bestGradient: UnsafeMutablePointer<Scalar>
  /// Three rows for the step of one sample.
  let scratch: UnsafeMutablePointer<Scalar>

  init(samples: Int, dimension: Int) {
    self.dimension = dimension
    let size = samples * dimension
    point = .allocate(capacity: 5 * size + 3 * dimension)
    previous = point + size
    bestPoint = previous + size
    gradient = bestPoint + size
    bestGradient = gradient + size
    scratch = bestGradient + size
  }

  func deallocate() { point.deallocate() }

  /// Moves row `source` of every matrix to row `target`.
  func move(_ source: Int, to target: Int) {
    if source == target { return }
    for matrix in [point, previous, bestPoint, gradient, bestGradient] {
      (matrix + target * dimension).update(from: matrix + source * dimension, count: dimension)
    }
  }

  /// Makes the present point of a row its best one.
  func keepAsBest(_ row: Int) {
    (bestPoint + row * dimension).update(from: point + row * dimension, count: dimension)
    (bestGradient + row * dimension).update(from: gradient + row * dimension, count: dimension)
  }

  /// Takes a row back to its best point.
  func returnToBest(_ row: Int) {
    (point + row * dimension).update(from: bestPoint + row * dimension, count: dimension)
    (gradient + row * dimension).update(from: bestGradient + row * dimension, count: dimension)
  }
}
