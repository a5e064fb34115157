import Alignment
import Datasets
import LinearCore
import Networks
import Runs
import Theory
import Training

/// The distance of a flow's network to the ideal classifier, where there is one: data with known centres and
/// two classes, a network without center, biases and input normalisation.
struct FlowDistance {
  private let ideal: PReLUNetwork<Float>
  private let centers: Matrix<Float>
  private let samples: Matrix<Float>
  private let stream: RandomStream
  private let search: DistanceSearch

  init?(data: Dataset, state: FlowState, seed: UInt64) {
    guard let centers = data.groupCenters, let labels = data.groupLabels, data.classCount == 2,
      state.layout.outputCount == 1, !state.layout.hasBias, state.center == nil,
      !state.normalizeInput, !state.hasHiddenBias
    else { return nil }
    ideal = IdealClassifiers.learned(exponent: state.exponent, centers: centers, labels: labels)
    self.centers = centers
    samples = data.inputs
    stream = RandomStream(seed: seed).child("ideal-distance")
    // Fewer starts than for a single network: this is done many times.
    var search = DistanceSearch()
    search.randomStarts = 8
    search.bisectedDirections = 8
    search.neuronStarts = 16
    self.search = search
  }

  /// The distance at the best c of a network of any scale; nil where its output is 0 everywhere.
  func callAsFunction(_ network: PReLUNetwork<Float>) -> Double? {
    guard let difference = try? ClassifierDifference(network, ideal: ideal) else { return nil }
    return try? search.run(difference, samples: samples, directions: centers, stream: stream)
      .optimised.value
  }
}
