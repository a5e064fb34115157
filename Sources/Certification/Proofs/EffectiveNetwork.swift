import LinearCore
import Networks

/// The network that certificates speak about: unit directions in few dimensions, where there are few, with a
/// bound of how far its outputs may be from those of the original in exact arithmetic.
///
/// With Q the rows of `basis` (or the identity) and X = Q (x - center),
///
///     |sum_j a_j phi(<u_j, X>) - (f(x) - bias)| <= errorBound ||x - center||^p
///
/// for every output. With hidden biases all of this is about (x - center, 1) in the place of x - center: directions,
/// and rows and columns of the basis, have one more coordinate, which the basis leaves as it is. The adversary does
/// not move it; see ``problem(label:opponent:input:unit:)``. ``ReducedNetwork`` finds it; what dropping, projecting and merging changed is bounded
/// anew from the result, rounding included, and can be bounded again by whoever doubts it
/// (``check(against:)``).
package struct EffectiveNetwork: Sendable, Equatable, Codable {
  /// p.
  package let exponent: Double
  /// u_j: unit rows, (neurons, rank); with hidden biases (neurons, rank + 1).
  package let directions: Matrix<Double>
  /// a_j as rows: (neurons, outputs).
  package let contributions: Matrix<Double>
  /// One number an output.
  package let bias: [Double]
  /// Whether the outputs without bias are divided by ||x - center||^(p-1).
  package let normalizeInput: Bool
  /// Subtracted from every input; nil for nothing.
  package let center: [Double]?
  /// Orthonormal rows up to rounding, (rank, inputDimension); nil for the identity. With hidden biases one row and
  /// one column more, which are 0 but for a 1 in the corner.
  package let basis: Matrix<Double>?
  /// Whether neurons have biases.
  package let hasHiddenBias: Bool
  /// In units of an output, at ||x - center|| = 1; see above.
  package let errorBound: Double

  package var neurons: Int { directions.rows }
  /// The dimension certificates work in.
  package var rank: Int { directions.columns - (hasHiddenBias ? 1 : 0) }
  /// 1 for two classes, otherwise one a class.
  package var outputCount: Int { contributions.columns }
  /// Coordinates of an input.
  package var inputDimension: Int {
    (basis?.columns ?? directions.columns) - (hasHiddenBias ? 1 : 0)
  }
  /// The basis of the coordinates that an adversary can move: (rank, inputDimension), nil for the identity.
  package var inputBasis: Matrix<Double>? {
    hasHiddenBias
      ? basis.map { $0.rows(in: 0..<rank).columns(in: 0..<inputDimension) } : basis
  }

  /// A network as certificates see it: with as small an error as few neurons allow.
  ///
  /// - Parameter isReduced: false takes the neurons and the coordinates as they are.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  package init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>, isReduced: Bool = true)
    throws(NetworkError)
  {
    let original = network.converted(to: Double.self)
    exponent = network.exponent
    normalizeInput = network.normalizeInput && network.exponent > 1
    hasHiddenBias = network.hasHiddenBias
    center = original.center
    bias = original.outputBias ?? [Double](repeating: 0, count: network.outputCount)
    // Normalisation divides all outputs by the same number, which reduction need not know.
    let plain = try PReLUNetwork<Double>(
      exponent: exponent, hiddenWeights: original.hiddenWeights,
      outputWeights: original.outputWeights, hasHiddenBias: hasHiddenBias)
    let bound = ReductionBound(plain)
    var chosen: Candidate?
    for reduction in isReduced ? Self.fewNeurons(plain) : [] {
      guard let next = Candidate(reduction, bound: bound) else { continue }
      if chosen.map({ next.isSimpler(than: $0) }) ?? true { chosen = next }
    }
    // A large error costs more than many neurons do.
    if chosen.map({ $0.errorBound > Self.largestError * bound.total }) ?? true {
      for reduction in (isReduced ? Self.allNeurons(plain) : []) + [(plain, nil)] {
        guard let next = Candidate(reduction, bound: bound) else { continue }
        if chosen.map({ next.errorBound < $0.errorBound }) ?? true { chosen = next }
        if next.errorBound <= Self.largestError * bound.total { break }
      }
    }
    guard let chosen else { throw NetworkError("all hidden weights are 0") }
    directions = chosen.directions
    contributions = chosen.contributions
    basis = chosen.basis
    errorBound = chosen.errorBound
  }

  /// The error that is accepted without looking further, as a share of all contributions.
  private static var largestError: Double { 1e-3 }

  /// A network that might be the effective one.
  private struct Candidate {
    let directions: Matrix<Double>
    let contributions: Matrix<Double>
    let basis: Matrix<Double>?
    let errorBound: Double

    /// Nil where all hidden weights are 0.
    init?(_ reduction: Reduction, bound: ReductionBound) {
      let (network, basis) = reduction
      let norms = network.hiddenWeights.rowNorms()
      // Merged neurons whose contributions cancel stay: they say what has become of the ones they stand
      // for.
      let active = norms.indices.filter { norms[$0] >= .leastNormalMagnitude }
      if active.isEmpty { return nil }
      let found = network.hiddenWeights.rows(at: active).rowsNormalized()
      var contributions = network.outputWeights.transposed.rows(at: active)
      for (row, j) in active.enumerated() { contributions.scaleRow(row, by: norms[j]) }
      self.basis = basis
      let error = bound.bound(directions: found, contributions: contributions, basis: basis)
      // Neurons that lie close together may be shared out better.
      let means = bound.nearestMeans(directions: found, basis: basis)
      let meanError =
        basis == nil
        ? .infinity
        : bound.bound(
          directions: means.directions, contributions: means.contributions, basis: basis)
      (directions, self.contributions, errorBound) =
        meanError < error
        ? (means.directions, means.contributions, meanError) : (found, contributions, error)
    }

    /// Fewer neurons at much the same error: every one is a term of all evaluations, and may have to be cut.
    func isSimpler(than other: Candidate) -> Bool {
      directions.rows < other.directions.rows && errorBound <= 1.25 * other.errorBound
    }
  }

  /// A network and the rows Q that its inputs are multiplied by; nil for the identity.
  private typealias Reduction = (network: PReLUNetwork<Double>, basis: Matrix<Double>?)

  /// Reductions that leave few neurons, the finest first. Coarse ones, which may cost a visible part of a radius,
  /// only where all neurons would take milliseconds for every evaluation.
  private static func fewNeurons(_ plain: PReLUNetwork<Double>) -> [Reduction] {
    let few = 24
    var found: [Reduction] = []
    let isLarge = plain.hiddenWidth * plain.inputDimension > 200_000
    for tolerance in (isLarge ? [1e-3, 5e-4, 2e-4] : []) + [1e-4, 1e-5, 1e-6, 1e-7, 1e-8] {
      guard
        let next = try? ReducedNetwork(plain, tolerance: tolerance, halvesDimension: false),
        next.summary.neurons <= few
      else { break }
      found.insert((next.network, next.augmentedBasis), at: 0)
    }
    return found
  }

  /// Next to nothing given up, and parallel neurons merged.
  private static func allNeurons(_ plain: PReLUNetwork<Double>) -> [Reduction] {
    let merged = try? ReducedNetwork(plain, tolerance: 1e-9, halvesDimension: false)
    return merged.map { [($0.network, $0.augmentedBasis)] } ?? []
  }

  /// A bound of the relative errors that a product of length `dimension` and a few more operations make,
  /// with room for the constants of matrix factorisations.
  static func rounding(dimension: Int) -> Double { 64 * Double(dimension + 32) * 0x1p-53 }

  private enum CodingKeys: String, CodingKey {
    case exponent, directions, contributions, bias, normalizeInput, center, basis, errorBound
    case hasHiddenBias
  }

  /// Matrices are lists of rows.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    func rows(_ matrix: Matrix<Double>) -> [[Double]] { (0..<matrix.rows).map(matrix.row) }
    try container.encode(exponent, forKey: .exponent)
    try container.encode(rows(directions), forKey: .directions)
    try container.encode(rows(contributions), forKey: .contributions)
    try container.encode(bias, forKey: .bias)
    try container.encode(normalizeInput, forKey: .normalizeInput)
    try container.encodeIfPresent(center, forKey: .center)
    try container.encodeIfPresent(basis.map(rows), forKey: .basis)
    try container.encode(errorBound, forKey: .errorBound)
    if hasHiddenBias { try container.encode(true, forKey: .hasHiddenBias) }
  }

  /// Reads what ``encode(to:)`` writes. Whether it is right for a network, ``check(against:)`` tells.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func matrix(_ key: CodingKeys, _ rows: [[Double]]) throws -> Matrix<Double> {
      guard let width = rows.first?.count, rows.allSatisfy({ $0.count == width }) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "expected rows of equal length")
      }
      return Matrix(rows)
    }
    exponent = try container.decode(Double.self, forKey: .exponent)
    directions = try matrix(
      .directions, container.decode([[Double]].self, forKey: .directions))
    contributions = try matrix(
      .contributions, container.decode([[Double]].self, forKey: .contributions))
    bias = try container.decode([Double].self, forKey: .bias)
    normalizeInput = try container.decode(Bool.self, forKey: .normalizeInput)
    center = try container.decodeIfPresent([Double].self, forKey: .center)
    basis = try container.decodeIfPresent([[Double]].self, forKey: .basis).map {
      try matrix(.basis, $0)
    }
    errorBound = try container.decode(Double.self, forKey: .errorBound)
    hasHiddenBias = try container.decodeIfPresent(Bool.self, forKey: .hasHiddenBias) ?? false
    guard !hasHiddenBias || directions.columns > 1 && (basis?.columns ?? 2) > 1 else {
      throw DecodingError.dataCorruptedError(
        forKey: .directions, in: container,
        debugDescription: "expected a coordinate besides the hidden bias")
    }
    guard basis.map({ $0.rows == directions.columns }) ?? true else {
      throw DecodingError.dataCorruptedError(
        forKey: .basis, in: container, debugDescription: "expected one row a dimension")
    }
  }

  /// Q (x - center).
  func reduce(_ input: [Double]) -> (point: [Double], length: Double) {
    let shifted = center.map { zip(input, $0).map { $0 - $1 } } ?? input
    return (inputBasis?.times(shifted) ?? shifted, Norm.l2.length(shifted))
  }

  /// Q^T d.
  func lift(_ perturbation: [Double]) -> [Double] {
    guard let basis = inputBasis else { return perturbation }
    return basis.transposed.times(perturbation)
  }

  /// The value of `label` less that of `opponent`; a single output f is that of class 1 less that of class 0.
  func difference(of label: Int, from opponent: Int, values: (Int) -> Double) -> Double {
    outputCount == 1
      ? (label == 1 ? values(0) : -values(0)) : values(label) - values(opponent)
  }

  /// The problem of keeping `label` above `opponent`, at an input; for one output the two classes are 1
  /// (f > 0) and 0.
  ///
  /// - Parameter unit: what lengths are measured in; nil for ||x - center||.
  func problem(label: Int, opponent: Int, input: [Double], unit: Double? = nil) -> DecisionProblem {
    let (point, length) = reduce(input)
    let one = outputCount == 1
    if hasHiddenBias {
      let neurons = AffineNeurons(
        self,
        contributions: (0..<neurons).map { j in
          difference(of: label, from: opponent) { contributions[j, $0] }
        })
      return DecisionProblem(
        exponent: exponent, directions: neurons.directions, contributions: neurons.contributions,
        bias: difference(of: label, from: opponent) { bias[$0] } + neurons.constant,
        biasDegree: 0, errorBound: (one ? errorBound : 2 * errorBound) + neurons.error,
        point: point, length: length, unit: unit, terms: inputDimension, offsets: neurons.offsets)
    }
    return DecisionProblem(
      exponent: exponent, directions: directions,
      contributions: (0..<neurons).map { j in
        difference(of: label, from: opponent) { contributions[j, $0] }
      },
      bias: difference(of: label, from: opponent) { bias[$0] },
      biasDegree: normalizeInput ? exponent - 1 : 0,
      errorBound: one ? errorBound : 2 * errorBound, point: point, length: length, unit: unit,
      terms: inputDimension)
  }

  /// What of a radius certified in the reduced space holds for the network: rounding may have moved the
  /// point by a little and stretched the basis.
  func radius(fromReduced radius: Double, length: Double) -> Double {
    let rounding = Self.rounding(dimension: inputDimension)
    // Every coordinate of Q (x - center) may be off by the error of one inner product.
    return max(0, radius * (1 - rounding) - length * rounding * Double(rank).squareRoot())
  }
}

extension ReducedNetwork<Double> {
  /// The basis with a row and a column for the constant coordinate, where there are hidden biases.
  fileprivate var augmentedBasis: Matrix<Double> {
    guard network.hasHiddenBias else { return basis }
    var corner = [Double](repeating: 0, count: basis.columns + 1)
    corner[basis.columns] = 1
    let rows = basis.appendingColumn([Double](repeating: 0, count: basis.rows))
    return Matrix(stacking: [rows, Matrix([corner])])
  }
}
