import LinearCore
import Networks

/// How a network is smoothed and with what confidence radii are stated.
public struct SmoothingSettings: Codable, Sendable, Equatable {
  /// The standard deviation of the noise, a coordinate: N(0, sigma^2 I).
  public var sigma: Double
  /// Noisy copies of a sample that choose its class.
  public var selectionSamples = 100
  /// Noisy copies of a sample that estimate the probability of that class. Their number limits the radius:
  /// it cannot exceed sigma Phi^-1(failureProbability^(1 / samples)).
  public var samples: Int
  /// The probability, for each sample, with which the radius of a sample may be wrong.
  public var failureProbability = 0.001

  /// Settings; 99.9% confidence by default, as Cohen et al. take.
  public init(sigma: Double, samples: Int = 10_000, failureProbability: Double = 0.001) {
    self.sigma = sigma
    self.samples = samples
    self.failureProbability = failureProbability
  }

  /// The probability with which a stated radius holds: 1 - failureProbability.
  public var confidence: Double { 1 - failureProbability }

  /// The largest radius that can be stated: that of a sample whose copies all have one class.
  public var largestRadius: Double {
    sigma
      * NormalDistribution.quantile(
        BinomialConfidence.lowerBound(
          successes: samples, trials: samples, failureProbability: failureProbability))
  }
}

/// What randomised smoothing states about one sample.
public struct SmoothedRadius: Codable, Sendable, Equatable {
  /// How a sample ended.
  public enum Status: String, Codable, Sendable {
    /// The smoothed classifier has the sample's class, within the radius.
    case certified
    /// No class is more likely than the others together, with the confidence asked for.
    case abstained
    /// The smoothed classifier has another class.
    case misclassified
  }

  /// The row of the data.
  public let index: Int
  /// The class of the sample in the data.
  public let label: Int
  /// Whether a radius is stated, and if not, why.
  public let status: Status
  /// With the confidence of the settings, the *smoothed* classifier gives the sample's class for every
  /// perturbation smaller than this; 0 unless certified.
  public let radius: Double
  /// Copies, of those that estimate the probability, that the network gave the chosen class.
  public let successes: Int
}

/// Randomised smoothing: l2 radii of another classifier.
///
/// The smoothed classifier g(x) is the class that f(x + e) has most often, e ~ N(0, sigma^2 I). Where this
/// happens with a probability of at least p > 1/2, g does not change within sigma Phi^-1(p). The algorithm is
/// CERTIFY of J. Cohen, E. Rosenfeld, Z. Kolter, *Certified Adversarial Robustness via Randomized Smoothing*,
/// ICML 2019: some noisy copies choose the class, others bound its probability from below, and it abstains
/// where the bound is not above 1/2. Nothing follows for f itself, which ``RadiusCertifier`` speaks about.
public struct RandomizedSmoothing<Scalar: LinearScalar>: Sendable {
  /// The network under the noise.
  public let network: PReLUNetwork<Scalar>
  /// Noise, copies and confidence.
  public let settings: SmoothingSettings
  /// Sample i draws from its child "sample", i.
  private let stream: RandomStream
  /// Copies that are evaluated together.
  private static var batchSize: Int { 512 }

  /// A smoothed network; `stream` is the root of its noise.
  public init(
    _ network: PReLUNetwork<Scalar>, settings: SmoothingSettings, stream: RandomStream
  ) {
    precondition(settings.sigma > 0, "noise")
    precondition(settings.selectionSamples >= 1 && settings.samples >= 1, "noisy copies")
    self.network = network
    self.settings = settings
    self.stream = stream
  }

  /// States radii of samples, several at a time; the result does not depend on the number of threads.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension).
  ///   - labels: their classes.
  ///   - firstIndex: the row of the data that the first of them is.
  ///   - progress: called as samples finish, from any thread.
  public func certify(
    _ inputs: Matrix<Scalar>, labels: [Int], firstIndex: Int = 0,
    progress: (@Sendable (SmoothedRadius) -> Void)? = nil
  ) -> [SmoothedRadius] {
    precondition(inputs.rows == labels.count, "one label a row")
    precondition(inputs.columns == network.inputDimension, "inputs of another dimension")
    var results = [SmoothedRadius?](repeating: nil, count: labels.count)
    results.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let target = target
      Parallel.forEach(labels.count) { row in
        let result = certify(inputs.row(row), label: labels[row], index: firstIndex + row)
        target[row] = result
        progress?(result)
      }
    }
    return results.map { $0! }
  }

  /// States the radius of one sample.
  public func certify(_ input: [Scalar], label: Int, index: Int = 0) -> SmoothedRadius {
    let own = stream.child("sample", index)
    let selection = counts(input, settings.selectionSamples, own.child("selection"))
    // The first of equally frequent classes.
    let chosen = selection.indices.max { selection[$0] < selection[$1] }!
    let successes = counts(input, settings.samples, own.child("estimation"))[chosen]
    let probability = BinomialConfidence.lowerBound(
      successes: successes, trials: settings.samples,
      failureProbability: settings.failureProbability)
    let status: SmoothedRadius.Status =
      probability <= 0.5 ? .abstained : chosen == label ? .certified : .misclassified
    return SmoothedRadius(
      index: index, label: label, status: status,
      radius: status == .certified
        ? max(0, settings.sigma * NormalDistribution.quantile(probability)) : 0,
      successes: successes)
  }

  /// How often each class is predicted among `total` noisy copies.
  private func counts(_ input: [Scalar], _ total: Int, _ stream: RandomStream) -> [Int] {
    var counts = [Int](repeating: 0, count: network.classCount)
    for batch in 0..<Parallel.blockCount(of: total, size: Self.batchSize) {
      var copies = Matrix<Scalar>.gaussian(
        rows: min(Self.batchSize, total - batch * Self.batchSize), columns: input.count,
        standardDeviation: settings.sigma, stream: stream.child("batch", batch))
      copies.subtractFromRows(input.map { -$0 })
      for prediction in network.predictions(copies) { counts[prediction] += 1 }
    }
    return counts
  }
}
