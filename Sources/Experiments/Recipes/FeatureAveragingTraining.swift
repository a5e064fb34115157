import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Data and training of the experiment `feature-averaging`, by default those of Li, Pan, Lyu and Li (arXiv
/// 2410.10322): orthogonal centres of length sqrt(D), noise N(0, I), full-batch gradient descent of the hidden layer.
struct FeatureAveragingTraining: Codable, Sendable, Equatable {
  /// What networks are trained on.
  enum Labels: String, Codable, Sendable {
    /// The two classes, by the logistic loss.
    case classes
    /// The clusters, by cross-entropy.
    case clusters
  }

  var dimension: Int
  var samples: Int
  /// Half of them have label 1; of an odd number one more.
  var clusterCount = 10
  /// The standard deviation of the noise in every coordinate.
  var noise = 1.0
  var initialScale = 1e-5
  /// The learning rate at dimension 3072. Growth goes with the squared length of samples, so at other dimensions the
  /// product of the two is kept.
  var learningRate = 0.001
  /// Steps of networks of ``stepsWidth`` neurons. A neuron's share of the output falls with the width, and its pace
  /// too: others take as many more steps.
  var steps = 100
  var stepsWidth = 10

  func validate(_ check: SettingsCheck, attackedSamples: Int) throws(ExperimentError) {
    try check.count("clusterCount", clusterCount, in: 2...100)
    try check.count("dimension", dimension, in: max(2, clusterCount)...100_000)
    try check.count("samples", samples)
    try check.number("noise", noise, in: 0...1e3)
    let names = ["alpha": "noise", "subclasses": "clusterCount"]
    for count in [samples, attackedSamples] {
      try check.own(names) { try mixture(count).validate() }
    }
    try check.initialScale("initialScale", initialScale)
    try check.positive("learningRate", learningRate)
    try check.count("steps", steps, in: 1...1_000_000)
    try check.count("stepsWidth", stepsWidth, in: 1...100_000)
  }

  /// In words, for a report.
  var sizes: String {
    "D = \(dimension), \(clusterCount) clusters, noise \(noise.formatted()), \(samples) samples, "
      + "initialisation \(initialScale), \(steps) steps"
  }

  /// Half of the distance between two centres.
  var halfDistance: Double { (Double(dimension) / 2).squareRoot() }

  func steps(width: Int) -> Int { max(steps, steps * width / stepsWidth) }

  private func mixture(_ samples: Int) -> OrthonormalMixture {
    OrthonormalMixture(
      dimension: dimension, subclasses: clusterCount, positive: (clusterCount + 1) / 2,
      alpha: noise, samples: samples, rotation: .random)
  }

  /// Training data and samples to attack, in the two classes.
  func data(seed: UInt64, attackedSamples: Int) throws(ExperimentError) -> (
    train: Dataset, attacked: Dataset
  ) {
    let (train, attacked) = try mixture(samples).data(seed: seed, attackedSamples: attackedSamples)
    return (stretched(train), stretched(attacked))
  }

  /// The data with centres of length sqrt(D).
  private func stretched(_ data: Dataset) -> Dataset {
    let factor = Float(Double(dimension).squareRoot())
    func stretched(_ rows: Matrix<Float>) -> Matrix<Float> {
      Matrix(rows: rows.rows, columns: rows.columns, elements: rows.elements.map { factor * $0 })
    }
    return Dataset(
      name: data.name, inputs: stretched(data.inputs), labels: data.labels, classCount: 2,
      groups: data.groups, groupLabels: data.groupLabels,
      groupCenters: data.groupCenters.map(stretched))
  }

  /// A trained network that tells the two classes apart by one output.
  ///
  /// Output weights are frozen at ±1/m, m the neurons of a class. For p > 1 they are divided by sqrt(D)^(p-1): that
  /// measures features in lengths of a centre, so that the same learning rate serves all degrees.
  func train(exponent: Double, width: Int, labels: Labels, data: Dataset, seed: UInt64)
    throws(ExperimentError) -> PReLUNetwork<Float>
  {
    do {
      var network = try PReLUNetwork<Float>(
        inputDimension: dimension, hiddenWidth: width,
        outputCount: labels == .classes ? 1 : clusterCount, exponent: exponent,
        initialization: .gaussian(scale: initialScale), hasHiddenBias: true,
        hasConstantOutput: true, stream: RandomStream(seed: seed).child("initialisation"))
      let factor = Float(2 * pow(Double(dimension), (1 - exponent) / 2))
      network.outputWeights.elements = network.outputWeights.elements.map { factor * $0 }
      var trainer = try Trainer(
        network: network, inputs: data.inputs,
        labels: labels == .classes ? data.labels : data.groups!,
        configuration: TrainingConfiguration(
          loss: labels == .classes ? .logistic : .crossEntropy,
          optimizer: .sgd(learningRate: learningRate * 3072 / Double(dimension)),
          epochs: steps(width: width), batchSize: data.count, seed: seed, freezesOutput: true))
      try trainer.train()
      return labels == .classes
        ? trainer.network : try Self.readOut(trainer.network, clusterLabels: data.groupLabels!)
    } catch { throw ExperimentError(error) }
  }

  /// The sum of the logits of the clusters of class 1, less that of the others.
  static func readOut(_ network: PReLUNetwork<Float>, clusterLabels: [Int]) throws(NetworkError)
    -> PReLUNetwork<Float>
  {
    var output = Matrix<Float>(rows: 1, columns: network.hiddenWidth)
    for j in 0..<network.hiddenWidth {
      for (c, label) in clusterLabels.enumerated() {
        output[0, j] += (label == 1 ? 1 : -1) * network.outputWeights[c, j]
      }
    }
    return try PReLUNetwork(
      exponent: network.exponent, hiddenWeights: network.hiddenWeights, outputWeights: output,
      hasHiddenBias: network.hasHiddenBias)
  }
}

/// What is measured of a network that tells the classes of clusters apart.
struct FeatureAveragingValues: Codable, Sendable, Equatable {
  var accuracy: Double
  /// The medians of the radii over all attacked samples, misclassified ones counted as 0.
  var medianAttacked: Double
  var medianProved: Double
  /// The mean, over neurons and the centres of the class each speaks for, of the cosine between the two.
  var classCosine: Double
  /// The mean over neurons of the largest cosine to a centre.
  var bestCosine: Double
  /// Centres that some neuron of their class has its largest cosine to.
  var clustersFound: Double
  /// Robust accuracy by radius: what attacks leave, and what is proved.
  var attackedAccuracy: [Double]
  var provedAccuracy: [Double]
  /// Cosines between neurons, in the order of their closest centres, and centres.
  var cosines: [[Double]]

  static let metrics: [Metric<Self>] = [
    Metric(\Self.accuracy, "accuracy"), medianAttacked, medianProved, classCosine, bestCosine,
    Metric(\Self.clustersFound, "clustersFound", heading: "clusters found", digits: 1),
  ]
  static let medianAttacked = Metric(
    \Self.medianAttacked, "medianAttacked", heading: "median attacked", digits: 2)
  static let medianProved = Metric(
    \Self.medianProved, "medianProved", heading: "median proved", digits: 2)
  static let classCosine = Metric(\Self.classCosine, "classCosine", heading: "cos class centres")
  static let bestCosine = Metric(\Self.bestCosine, "bestCosine", heading: "largest cos")

  /// - Parameters:
  ///   - centers: of the clusters, (clusters, dimension).
  ///   - labels: the class of every cluster.
  init(
    _ network: PReLUNetwork<Float>, radii: TwoSidedRadii, centers: Matrix<Float>, labels: [Int],
    epsilons: [Double]
  ) {
    accuracy =
      Double(radii.samples.count { $0.status != .misclassified })
      / Double(max(1, radii.samples.count))
    (medianAttacked, medianProved) = (radii.medianUpper, radii.medianLower)
    attackedAccuracy = epsilons.map(radii.attackedAccuracy)
    provedAccuracy = epsilons.map(radii.certifiedAccuracy)
    let products = Matrix.product(
      network.inputWeights.rowsNormalized(), centers.rowsNormalized(), transposeB: true)
    let rows = (0..<products.rows).map { products.row($0).map { Double($0) } }
    let own = rows.indices.map { j in
      labels.indices.filter { (labels[$0] == 1) == (network.outputWeights[0, j] > 0) }
    }
    let closest = rows.map { row in row.indices.max { row[$0] < row[$1] }! }
    let means = rows.indices.map { j in
      own[j].reduce(0) { $0 + rows[j][$1] } / Double(max(1, own[j].count))
    }
    classCosine = means.reduce(0, +) / Double(rows.count)
    bestCosine = rows.indices.reduce(0) { $0 + rows[$1][closest[$1]] } / Double(rows.count)
    clustersFound = Double(
      Set(rows.indices.filter { own[$0].contains(closest[$0]) }.map { closest[$0] }).count)
    cosines = rows.indices.sorted { (closest[$0], $0) < (closest[$1], $1) }.map { rows[$0] }
  }
}
