import Alignment
import LinearCore
import Networks
import Theory

/// Networks for tests of distances, in double precision.
enum DistanceExamples {
  static let labels = [1, 1, 1, 0, 0]

  /// Orthonormal centres, (5, dimension), along the axes or in a random frame.
  static func centers(_ dimension: Int, rotated: Bool = false) -> Matrix<Double> {
    var centers = Matrix<Double>(rows: labels.count, columns: dimension)
    for k in labels.indices { centers[k, k] = 1 }
    return rotated ? Matrix.product(centers, rotation(dimension)) : centers
  }

  static func rotation(_ dimension: Int) -> Matrix<Double> {
    try! Matrix.gaussian(
      rows: dimension, columns: dimension, stream: RandomStream(seed: 3).child("rotation")
    ).orthonormalizedRows().basis
  }

  /// F for p = 1 and F^(p) otherwise.
  static func ideal(_ p: Double, centers: Matrix<Double>) -> PReLUNetwork<Double> {
    p == 1
      ? IdealClassifiers.relu(centers: centers, labels: labels)
      : IdealClassifiers.polynomialReLU(exponent: p, centers: centers, labels: labels)
  }

  /// Every ideal neuron four times, with noise, and small neurons of any direction.
  static func noisy(
    _ ideal: PReLUNetwork<Double>, noise: Double, seed: UInt64
  ) -> PReLUNetwork<Double> {
    let stream = RandomStream(seed: seed)
    let (width, dimension) = (ideal.hiddenWidth, ideal.inputDimension)
    var hidden = Matrix<Double>.gaussian(
      rows: 4 * width + 3, columns: dimension, standardDeviation: noise,
      stream: stream.child("noise"))
    var output = Matrix<Double>.gaussian(
      rows: 1, columns: hidden.rows, standardDeviation: noise, stream: stream.child("output"))
    for j in 0..<4 * width {
      for i in 0..<dimension { hidden[j, i] += ideal.hiddenWeights[j % width, i] }
      output[0, j] += ideal.outputWeights[0, j % width]
    }
    return try! PReLUNetwork(
      exponent: ideal.exponent, hiddenWeights: hidden, outputWeights: output)
  }

  /// A network of the same function with every hidden weight multiplied by a matrix.
  static func rotated(_ network: PReLUNetwork<Double>, by frame: Matrix<Double>)
    -> PReLUNetwork<Double>
  {
    try! PReLUNetwork(
      exponent: network.exponent, hiddenWeights: .product(network.hiddenWeights, frame),
      outputWeights: network.outputWeights)
  }

  static func samples(_ centers: Matrix<Double>, alpha: Double) -> Matrix<Double> {
    var samples = Matrix<Double>.gaussian(
      rows: 200, columns: centers.columns,
      standardDeviation: alpha / Double(centers.columns).squareRoot(),
      stream: RandomStream(seed: 8).child("samples"))
    for i in 0..<samples.rows {
      for j in 0..<samples.columns { samples[i, j] += centers[i % centers.rows, j] }
    }
    return samples
  }

  static func distance(
    _ network: PReLUNetwork<Double>, _ ideal: PReLUNetwork<Double>, samples: Matrix<Double>,
    directions: Matrix<Double>? = nil, tolerance: Double = 1e-10
  ) throws -> IdealDistance {
    var search = DistanceSearch()
    search.tolerance = tolerance
    return try search.run(
      ClassifierDifference(network, ideal: ideal), samples: samples, directions: directions,
      stream: RandomStream(seed: 1))
  }
}
