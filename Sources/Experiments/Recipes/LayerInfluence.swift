import Alignment
import DeepNetworks
import LinearCore
import Networks

/// Where the neurons of the first layer of a deep network point, and how much each matters.
///
/// The influence of neuron j is the mean of |h_j df/dh_j| over samples, with h_j its feature: at depth 1 the
/// mean contribution |v_j h_j|.
struct LayerInfluence {
  /// One number a neuron; they add up to 1, unless all are 0.
  let shares: [Double]
  /// cos(w_j, direction): (neurons, directions).
  let cosines: Matrix<Float>
  let directions: ReferenceDirections

  /// The influence on the single output of a network whose first layer is dense.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - directions: of the same dimension.
  init(
    _ network: DeepNetwork<Float>, inputs: Matrix<Float>, directions: ReferenceDirections
  ) throws(NetworkError) {
    let architecture = network.architecture
    let layers = architecture.layers.layers
    let hidden = try DeepNetwork(
      architecture: Architecture(inputShape: architecture.inputShape, layers: [layers[0]]),
      parameters: [network.parameters[0]])
    let rest = try DeepNetwork(
      architecture: Architecture(
        inputShape: architecture.shapes[1], layers: Array(layers.dropFirst())),
      parameters: Array(network.parameters.dropFirst()))
    let features = hidden.logits(inputs)
    let slopes = rest.logitsAndInputGradient(features) { logits, _ in
      Matrix(
        rows: logits.rows, columns: 1, elements: [Float](repeating: 1, count: logits.rows))
    }.gradient
    var sums = [Double](repeating: 0, count: features.columns)
    for i in 0..<features.rows {
      for j in sums.indices { sums[j] += Double(abs(features[i, j] * slopes[i, j])) }
    }
    let total = sums.reduce(0, +)
    shares = sums.map { total > 0 ? $0 / total : 0 }
    cosines = Matrix.product(
      network.parameters[0].rowsNormalized(), directions.vectors, transposeB: true)
    self.directions = directions
  }

  /// The fewest neurons that hold the share `mass` of all influence, largest first.
  func dominant(mass: Double = 0.99) -> [Int] {
    let order = shares.indices.sorted { (shares[$1], $0) < (shares[$0], $1) }
    var sum = 0.0
    return Array(
      order.prefix { neuron in
        defer { sum += shares[neuron] }
        return sum < mass
      })
  }

  /// The median over the dominant neurons of the largest cosine to a direction of `range`.
  func medianBestCosine(_ range: Range<Int>) -> Double {
    median(dominant().map { bestCosine($0, range) }) ?? .nan
  }

  /// The share of all influence that neurons have whose largest cosine to a direction of `range` is above
  /// `threshold`.
  func alignedShare(_ range: Range<Int>, above threshold: Double = 0.9) -> Double {
    shares.indices.reduce(0) { $0 + (bestCosine($1, range) > threshold ? shares[$1] : 0) }
  }

  /// How many directions of `range` some dominant neuron has a cosine above `threshold` to.
  func directionsFound(_ range: Range<Int>, above threshold: Float = 0.9) -> Int {
    let neurons = dominant()
    return range.count { k in neurons.contains { cosines[$0, k] > threshold } }
  }

  private func bestCosine(_ neuron: Int, _ range: Range<Int>) -> Double {
    range.map { Double(cosines[neuron, $0]) }.max() ?? .nan
  }
}
