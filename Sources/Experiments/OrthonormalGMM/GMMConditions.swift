import Datasets
import Foundation
import LinearCore
import Networks
import Training

/// A condition of the theorem, and the number of a run that decides it.
///
/// The theorem (Min and Vidal, ICML 2025, informally) speaks of gradient flow on pReLU networks with p > 2, from small
/// weights, on a balanced mixture of small variance. What "small" and "enough" mean for a finite run is derived here:
/// every condition is one that the proof's picture needs.
struct GMMCondition: Codable, Sendable {
  enum Relation: String, Codable {
    case above, below
    case atLeast = "at least"
  }

  let statement: String
  let quantity: String
  let number: Double
  let relation: Relation
  let bound: Double

  private init(
    _ statement: String, _ quantity: String, _ number: Double, _ relation: Relation, _ bound: Double
  ) {
    (self.statement, self.quantity, self.number) = (statement, quantity, number)
    (self.relation, self.bound) = (relation, bound)
  }

  var isMet: Bool {
    switch relation {
    case .above: number > bound
    case .below: number < bound
    case .atLeast: number >= bound
    }
  }

  /// "met: the degree is above 2; p is 3, asked above 2".
  var verdict: String {
    "\(isMet ? "met" : "not met"): \(statement); \(quantity) is "
      + String(format: "%.3g, asked \(relation.rawValue) %g", number, bound)
  }

  /// The conditions with the worst number of several runs.
  static func worst(_ runs: [[GMMCondition]]) -> [GMMCondition] {
    (runs.first ?? []).indices.map { i in
      runs.map { $0[i] }.max {
        $0.relation == .below ? $0.number < $1.number : $0.number > $1.number
      }!
    }
  }

  /// All conditions for a network before training.
  static func all(
    _ network: PReLUNetwork<Float>, _ data: Dataset, _ mixture: OrthonormalMixture,
    _ training: TrainingConfiguration
  ) -> [GMMCondition] {
    let (centers, means, labels) = (data.groupCenters!, data.groupMeans()!, data.groupLabels!)
    let (k, n) = (centers.rows, data.count)
    var gram = Matrix.product(centers, centers, transposeB: true)
    for i in 0..<k { gram[i, i] -= 1 }
    var counts = [Int](repeating: 0, count: k)
    for group in data.groups! { counts[group] += 1 }
    let share = 1 / Double(k)
    let deviation = (Double(n) * share * (1 - share)).squareRoot()
    let cosines = Matrix.product(means.rowsNormalized(), centers, transposeB: true)
    let outputs = network.referenceLogits(data.inputs.converted()).elements
    // Scaled by the norm: squares of tiny numbers have no digits in single precision, ratios have.
    let ratios = zip(network.outputWeights.row(0), network.hiddenWeights.rowNorms())
      .map { Double($0) / Double($1) }
    let slope = training.loss.valueAndDerivative(
      Matrix<Double>(rows: 1, columns: 1), labels: [1]
    ).derivative[0, 0].magnitude
    return [
      .init("the degree is above 2", "p", network.exponent, .above, 2),
      .init(
        "the centres are orthonormal", "largest entry of |M Mᵀ - I|",
        gram.elements.reduce(0) { max($0, Double($1.magnitude)) }, .below, 1e-5),
      .init(
        "all clusters have the same weight",
        "largest deviation of a cluster's count, in its standard deviations",
        counts.map { abs(Double($0) - Double(n) * share) / deviation }.max()!, .below, 4),
      .init(
        "the variance is small", "largest noise along a centre, alpha sqrt(2 ln(nK) / D)",
        mixture.alpha * (2 * log(Double(n * k)) / Double(mixture.dimension)).squareRoot(), .below,
        0.1),
      .init(
        "there are enough samples for the variance",
        "smallest cosine of a cluster's mean to its centre",
        (0..<k).map { Double(cosines[$0, $0]) }.min()!, .atLeast, 0.99),
      .init(
        "the initial weights are small", "largest |f| of a sample before training",
        outputs.reduce(0) { max($0, $1.magnitude) }, .below, 1e-3),
      .init(
        "the initial weights are balanced", "largest | ||w||² - v² | / ||w||²",
        ratios.map { abs(1 - $0 * $0) }.max()!, .below, 1e-5),
      .init(
        "every centre has a neuron that will go to it",
        "fewest neurons of a centre's class that start closest to it",
        Double(coverage(network, centers: centers, labels: labels).min()!), .atLeast, 1),
      .init(
        "steps follow the flow", "growth of an aligned neuron in a step, step |loss'(0)| / K",
        training.optimizer.learningRate * slope / Double(k), .below, 0.1),
      .init(
        "every step sees all samples", "share of the samples",
        Double(min(training.batchSize, n)) / Double(n), .atLeast, 1),
    ]
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
}
