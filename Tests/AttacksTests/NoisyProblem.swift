import Attacks
import LinearCore
import Networks
import Theory

/// Samples of an orthonormal mixture with noise of norm about alpha, and networks to attack on them.
struct NoisyProblem: Sendable {
  /// Orthonormal: (10, 40).
  let centers: Matrix<Float>
  let centerLabels: [Int]
  let inputs: Matrix<Float>
  let labels: [Int]

  init(
    alpha: Double, count: Int = 40, subclasses: Int = 10, dimension: Int = 40, classes: Int = 2
  ) {
    let stream = RandomStream(seed: 53)
    centers = try! Matrix<Float>.gaussian(
      rows: subclasses, columns: dimension, stream: stream.child("centers")
    ).orthonormalizedRows().basis
    centerLabels = (0..<subclasses).map {
      classes == 2 ? ($0 < 6 ? 1 : 0) : $0 % classes
    }
    var inputs = Matrix<Float>.gaussian(
      rows: count, columns: dimension,
      standardDeviation: alpha / Double(dimension).squareRoot(), stream: stream.child("noise"))
    for i in 0..<count {
      inputs.setRow(i, zip(inputs.row(i), centers.row(i % subclasses)).map { $0 + $1 })
    }
    self.inputs = inputs
    labels = (0..<count).map { [centerLabels] in centerLabels[$0 % subclasses] }
  }

  /// F for p = 1, and F^(p) as its sum over centres for every other p.
  func ideal(_ exponent: Double) -> PReLUNetwork<Float> {
    exponent == 1
      ? IdealClassifiers.relu(centers: centers, labels: centerLabels)
      : IdealClassifiers.polynomialReLU(
        exponent: exponent, centers: centers, labels: centerLabels)
  }

  /// A plain ReLU network of random weights with a logit a class, and the samples it classifies itself.
  static func random(classes: Int, width: Int = 24, dimension: Int = 12, count: Int = 40) throws
    -> (network: PReLUNetwork<Float>, inputs: Matrix<Float>, labels: [Int])
  {
    let stream = RandomStream(seed: 54)
    let network = try PReLUNetwork<Float>(
      exponent: 1,
      hiddenWeights: .gaussian(rows: width, columns: dimension, stream: stream.child("hidden")),
      outputWeights: .gaussian(rows: classes, columns: width, stream: stream.child("output")),
      outputBias: (0..<classes).map { 0.5 * Float($0) })
    let inputs = Matrix<Float>.gaussian(rows: count, columns: dimension, stream: stream.child("x"))
    return (network, inputs, network.predictions(inputs))
  }

  /// An evaluation that knows the means and the network's neurons.
  func evaluation(
    _ network: PReLUNetwork<Float>, norm: Norm = .l2, named name: String = "standard",
    epsilons: [Double] = [0.1, 0.3, 0.5, 0.7, 0.9]
  ) throws -> RobustnessEvaluation<PReLUNetwork<Float>> {
    RobustnessEvaluation(
      threat: ThreatModel(norm: norm),
      attacks: try AttackCatalog.attacks(
        named: name, norm: norm, classCount: network.classCount),
      references: AttackReferences(
        dimension: network.inputDimension, classCount: network.classCount,
        directions: network.classDirections(of: Array(0..<network.hiddenWidth)),
        means: (centers, centerLabels),
        samples: (inputs, labels)),
      epsilons: epsilons, stream: RandomStream(seed: 1))
  }
}

extension PReLUNetwork where Scalar == Float {
  /// The network with all logits multiplied by a number.
  func scaled(by factor: Float) -> PReLUNetwork {
    var network = self
    network.outputWeights.elements = outputWeights.elements.map { $0 * factor }
    network.outputBias = outputBias?.map { $0 * factor }
    return network
  }
}
