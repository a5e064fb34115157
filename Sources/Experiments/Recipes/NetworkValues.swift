import Alignment
import Attacks
import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// What is measured of a network trained on a mixture, whatever trained it.
struct NetworkValues: Codable, Sendable, Equatable {
  /// The l2 radius at which half of the attacked samples are fooled.
  var medianRadius: Double
  /// Accuracy on the attacked samples.
  var accuracy: Double
  /// Neurons that hold 99% of all contributions: the dominant ones.
  var effectiveNeurons: Double
  /// Median cosine of dominant neurons to the closest subclass centre.
  var subclassCosine: Double
  /// The same to the closest class mean.
  var classCosine: Double
  /// Subclass centres that some dominant neuron points at, with a cosine above 0.9.
  var subclassesFound: Double

  static let medianRadius = Metric(\Self.medianRadius, "medianRadius", heading: "median radius")
  static let accuracy = Metric(\Self.accuracy, "accuracy")
  static let effectiveNeurons = Metric(
    \Self.effectiveNeurons, "effectiveNeurons", heading: "neurons", digits: 1)
  static let subclassCosine = Metric(
    \Self.subclassCosine, "subclassCosine", heading: "cos subclass")
  static let classCosine = Metric(\Self.classCosine, "classCosine", heading: "cos class")
  static let subclassesFound = Metric(
    \Self.subclassesFound, "subclassesFound", heading: "subclasses", digits: 1)

  /// Inspects and attacks a network with the whole ensemble, in l2.
  static func measure(
    _ network: PReLUNetwork<Float>, train: Dataset, attacked: Dataset, seed: UInt64
  ) throws(ExperimentError) -> Measured<NetworkValues> {
    let inspection = try NetworkInspection(network, data: attacked)
    let alignment = NeuronAlignment(
      network: network, directions: attacked.referenceDirections(center: network.center))
    let found = alignment.directions.groupRange.count { k in
      alignment.neurons.indices.contains { alignment.cosines[$0, k] > 0.9 }
    }
    let robustness = try RobustnessStudy(seed: seed).run(
      network, data: attacked, reference: train)
    return Measured(
      NetworkValues(
        medianRadius: robustness.medianRadius, accuracy: robustness.cleanAccuracy,
        effectiveNeurons: Double(inspection.effectiveNeurons),
        subclassCosine: inspection.medianBestCosine ?? .nan,
        classCosine: inspection.medianBestClassCosine ?? .nan, subclassesFound: Double(found)),
      flags: robustness.flags)
  }
}

extension OrthonormalMixture {
  /// Training data and samples to attack, of one seed.
  func data(seed: UInt64, attackedSamples: Int) throws(ExperimentError) -> (
    train: Dataset, attacked: Dataset
  ) {
    var test = self
    test.samples = attackedSamples
    let stream = RandomStream(seed: seed).child("data")
    do {
      return (try generate(stream: stream), try test.generate(stream: stream, part: "test"))
    } catch { throw ExperimentError(error) }
  }
}
