import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Studies

/// What the theorem asks for, as numbers of a run.
///
/// The theorem (Min and Vidal, ICML 2025, informally) speaks of gradient flow on pReLU networks with
/// p > 2, from small weights, on a balanced mixture of small variance. What "small" and "enough" mean for
/// a finite run is derived here: every condition below is one that the proof's picture needs, with the
/// number that decides it.
struct GMMAssumption: Sendable {
  /// The key of its number in ``SweepMeasurement/metrics``.
  let key: String
  /// What is asked.
  let statement: String
  /// What the number is.
  let quantity: String
  /// The bound, in words.
  let bound: String
  let isMet: @Sendable (Double) -> Bool
  /// Of several runs, whether the largest number is the worst.
  let isWorstLargest: Bool

  static let prefix = "assumption."

  static let all: [GMMAssumption] = [
    .init(
      key: "degree", statement: "the degree is above 2", quantity: "p", bound: "above 2",
      isMet: { $0 > 2 }, isWorstLargest: false),
    .init(
      key: "orthonormality", statement: "the centres are orthonormal",
      quantity: "largest entry of |M Mᵀ - I|", bound: "below 1e-5", isMet: { $0 < 1e-5 },
      isWorstLargest: true),
    .init(
      key: "mixtureBalance", statement: "all clusters have the same weight",
      quantity: "largest deviation of a cluster's count, in its standard deviations",
      bound: "below 4", isMet: { $0 < 4 }, isWorstLargest: true),
    .init(
      key: "noise", statement: "the variance is small",
      quantity: "largest noise along a centre, alpha sqrt(2 ln(nK) / D)", bound: "below 0.1",
      isMet: { $0 < 0.1 }, isWorstLargest: true),
    .init(
      key: "meanCosine", statement: "there are enough samples for the variance",
      quantity: "smallest cosine of a cluster's mean to its centre", bound: "at least 0.99",
      isMet: { $0 >= 0.99 }, isWorstLargest: false),
    .init(
      key: "initialOutput", statement: "the initial weights are small",
      quantity: "largest |f| of a sample before training", bound: "below 1e-3",
      isMet: { $0 < 1e-3 }, isWorstLargest: true),
    .init(
      key: "imbalance", statement: "the initial weights are balanced",
      quantity: "largest | ||w||² - v² | / ||w||²", bound: "below 1e-5", isMet: { $0 < 1e-5 },
      isWorstLargest: true),
    .init(
      key: "coverage", statement: "every centre has a neuron that will go to it",
      quantity: "fewest neurons of a centre's class that start closest to it", bound: "at least 1",
      isMet: { $0 >= 1 }, isWorstLargest: false),
    .init(
      key: "step", statement: "steps follow the flow",
      quantity: "growth of an aligned neuron in a step, step |loss'(0)| / K", bound: "below 0.1",
      isMet: { $0 < 0.1 }, isWorstLargest: true),
    .init(
      key: "batch", statement: "every step sees all samples", quantity: "share of the samples",
      bound: "1", isMet: { $0 == 1 }, isWorstLargest: false),
  ]

  /// The numbers of a run, by key with ``prefix``.
  ///
  /// - Parameters:
  ///   - network: before training.
  ///   - step: the step on the loss as the package defines it.
  static func numbers(
    network: PReLUNetwork<Float>, data: Dataset, mixture: OrthonormalMixture, loss: Loss,
    step: Double, batchSize: Int
  ) -> [String: Double] {
    guard let centers = data.groupCenters, let means = data.groupMeans(),
      let labels = data.groupLabels, let groups = data.groups
    else { return [:] }
    let (k, n) = (centers.rows, data.count)
    var gram = Matrix.product(centers, centers, transposeB: true)
    for i in 0..<k { gram[i, i] -= 1 }
    var counts = [Int](repeating: 0, count: k)
    for group in groups { counts[group] += 1 }
    let share = 1 / Double(k)
    let deviation = (Double(n) * share * (1 - share)).squareRoot()
    let unit = means.rowsNormalized()
    let cosines = Matrix.product(unit, centers, transposeB: true)
    let hidden = network.hiddenWeights.rowNorms().map { Double($0) }
    let output = network.outputWeights.row(0).map { Double($0) }
    // Scaled by the norm: squares of tiny numbers have no digits in single precision, ratios have.
    let imbalance = zip(hidden, output).map { abs(1 - ($1 / $0) * ($1 / $0)) }
    let slope = loss.valueAndDerivative(
      Matrix<Double>(rows: 1, columns: 1), labels: [1]
    ).derivative[0, 0].magnitude
    let largestOutput = network.referenceLogits(data.inputs.converted()).elements
      .reduce(0) { max($0, $1.magnitude) }
    let numbers: [String: Double] = [
      "degree": network.exponent,
      "orthonormality": gram.elements.reduce(0) { max($0, Double($1.magnitude)) },
      "mixtureBalance": counts.map { abs(Double($0) - Double(n) * share) / deviation }.max()!,
      "noise": mixture.alpha
        * (2 * log(Double(n * k)) / Double(mixture.dimension)).squareRoot(),
      "meanCosine": (0..<k).map { Double(cosines[$0, $0]) }.min()!,
      "initialOutput": largestOutput,
      "imbalance": imbalance.max()!,
      "coverage": Double(coverage(network, centers: centers, labels: labels).min()!),
      "step": step * slope / Double(k),
      "batch": Double(min(batchSize, n)) / Double(n),
    ]
    return Dictionary(uniqueKeysWithValues: numbers.map { (prefix + $0.key, $0.value) })
  }

  /// For every centre the neurons of its class that are closer to it than to other centres of the class,
  /// at a positive cosine.
  ///
  /// Without noise, and with f still 0, u_k = cos(w, mu_k) grows like p u_k^(p-1) for centres of the
  /// neuron's class: for p > 2 the largest one overtakes all others, and the neuron ends there.
  private static func coverage(
    _ network: PReLUNetwork<Float>, centers: Matrix<Float>, labels: [Int]
  ) -> [Int] {
    let products = Matrix.product(network.hiddenWeights, centers, transposeB: true)
    var counts = [Int](repeating: 0, count: centers.rows)
    for j in 0..<network.hiddenWidth {
      let label = network.outputWeights[0, j] > 0 ? 1 : 0
      let own = labels.indices.filter { labels[$0] == label }
      if let best = own.max(by: { products[j, $0] < products[j, $1] }), products[j, best] > 0 {
        counts[best] += 1
      }
    }
    return counts
  }

  /// One line: whether the worst of some numbers meets the condition.
  func verdict(_ numbers: [Double]) -> (isMet: Bool, line: String)? {
    guard let worst = isWorstLargest ? numbers.max() : numbers.min() else { return nil }
    let isMet = isMet(worst)
    return (
      isMet,
      "\(isMet ? "met" : "not met"): \(statement); \(quantity) is "
        + "\(String(format: "%.3g", worst)), asked \(bound)"
    )
  }
}
