import Alignment
import LinearCore
import Networks
import Theory

/// The distance of a trained network to its ideal classifier, panel (a) of Section 5.1 of the paper; the
/// peer is the paper's gradient ascent over the sphere, `peers/distance.py`.
///
/// The network is trained untimed. Timed is the search of |c f - F| at the least-squares c and at the best
/// one; the peer measures the first only, and is told its c.
struct DistanceJob: BenchmarkJob {
  static let name = "distance"

  private let folder: SharedFolder
  private let training: MixtureTraining
  private let trainingEpochs: Int

  init(_ options: inout Options) throws(UsageError) {
    folder = try SharedFolder(&options)
    training = try MixtureTraining(&options)
    trainingEpochs = try options.take("training-epochs", default: 401, atLeast: 1)
  }

  func run() throws -> Measurement {
    let train = try training.trainingData()
    let network = try training.network(train, epochs: trainingEpochs, keptIn: folder)
    let fresh = try training.testData(training.samples)
    // A mixture knows its centres.
    let (centers, labels) = (fresh.groupCenters!, fresh.groupLabels!)
    let ideal = IdealClassifiers.learned(
      exponent: training.exponent, centers: centers, labels: labels)
    var found: IdealDistance?
    let timing = try Timing.measure {
      found = try DistanceSearch().run(
        ClassifierDifference(network, ideal: ideal), samples: fresh.inputs, directions: centers,
        stream: training.stream.child("distance"))
    }
    let distance = found!
    try folder.leave(
      network, fresh.prefix(0), for: Self.name,
      values: [
        "scale": .number(distance.leastSquares.scale),
        "positive": .count(labels.count { $0 == 1 }), "subclasses": .count(labels.count),
      ])
    let measured: Measurement = [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "distance": .number(distance.leastSquares.value),
      "bestDistance": .number(distance.optimised.value), "maxima": .count(distance.maxima),
      "reducedDimension": .count(distance.rank),
    ]
    return measured.merging(training.description) { own, _ in own }
  }
}
