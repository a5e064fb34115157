import Alignment
import Attacks
import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Theory

/// What sweeps on mixtures measure of a trained network, whatever trained it.
struct NetworkMeasurement {
  /// Where the mixture's samples come from.
  var mixture: OrthonormalMixture
  /// Test samples that are attacked.
  var attackedSamples: Int

  /// The radius at which half of the attacked samples are fooled.
  static let medianRadius = SweepMetric("medianRadius", heading: "median radius", digits: 3)
  /// Accuracy on the attacked samples.
  static let accuracy = SweepMetric("accuracy", digits: 3)
  /// Neurons that hold 99% of all contributions.
  static let effectiveNeurons = SweepMetric("effectiveNeurons", heading: "neurons", digits: 1)
  /// Median cosine of these to the closest subclass centre.
  static let subclassCosine = SweepMetric("subclassCosine", heading: "cos subclass", digits: 3)
  /// The same to the closest class mean.
  static let classCosine = SweepMetric("classCosine", heading: "cos class", digits: 3)

  /// Subclass centres that some dominant neuron points at, with a cosine above 0.9.
  static let subclassesFound = SweepMetric("subclassesFound", heading: "subclasses", digits: 1)

  /// Training data and samples to attack, of one seed.
  func data(seed: UInt64) throws(ExperimentError) -> (train: Dataset, attacked: Dataset) {
    var test = mixture
    test.samples = attackedSamples
    let stream = RandomStream(seed: seed).child("data")
    do {
      return (
        try mixture.generate(stream: stream), try test.generate(stream: stream, part: "test")
      )
    } catch { throw ExperimentError(error) }
  }

  /// Inspects and attacks a network with the whole ensemble, in l2.
  func measure(
    _ network: PReLUNetwork<Float>, train: Dataset, attacked: Dataset, seed: UInt64
  ) throws(ExperimentError) -> SweepMeasurement {
    let inspection = try NetworkInspection(network, data: attacked)
    let alignment = NeuronAlignment(
      network: network, directions: attacked.referenceDirections(center: network.center))
    let found = alignment.directions.groupRange.count { k in
      alignment.neurons.indices.contains { alignment.cosines[$0, k] > 0.9 }
    }
    let robustness = try RobustnessStudy(seed: seed).run(
      network, data: attacked, reference: train)
    return SweepMeasurement(
      metrics: [
        Self.medianRadius.key: robustness.medianRadius,
        Self.accuracy.key: robustness.cleanAccuracy,
        Self.effectiveNeurons.key: Double(inspection.effectiveNeurons),
        Self.subclassCosine.key: inspection.medianBestCosine ?? .nan,
        Self.classCosine.key: inspection.medianBestClassCosine ?? .nan,
        Self.subclassesFound.key: Double(found),
      ], flags: robustness.flags)
  }
}
