import Formats
import LinearCore

/// Gaussian clusters around orthonormal centres, the data of the theory.
///
/// A sample is x = mu_k + e with k uniform over the subclasses and e ~ N(0, (alpha^2/D) I): `alpha`
/// is the standard deviation of a cluster in norm. The first `positive` subclasses have label 1,
/// the others 0. Source: Min and Vidal, ICML 2024, section 3.
public struct OrthonormalMixture: Sendable, Equatable, Codable {
  /// How the centres lie.
  public enum Rotation: String, Sendable, Equatable, Codable, CaseIterable {
    /// Centre k is basis vector k.
    case none
    /// The centres are a uniformly (Haar) distributed orthonormal frame.
    case random
  }

  /// The dimension of a sample, D.
  public var dimension = 1000
  /// The number of subclasses, K.
  public var subclasses = 10
  /// The number of subclasses with label 1, K1.
  public var positive = 6
  /// The standard deviation of a subclass, in norm.
  public var alpha = 0.1
  /// The number of samples.
  public var samples = 20_000
  /// How the centres lie.
  public var rotation = Rotation.none

  /// The mixture of the paper's section 5.1, with any parameter changed.
  public init(
    dimension: Int = 1000, subclasses: Int = 10, positive: Int = 6, alpha: Double = 0.1,
    samples: Int = 20_000, rotation: Rotation = .none
  ) {
    self.dimension = dimension
    self.subclasses = subclasses
    self.positive = positive
    self.alpha = alpha
    self.samples = samples
    self.rotation = rotation
  }

  /// Checks 1 <= positive < subclasses <= dimension, alpha >= 0 and samples >= 1.
  ///
  /// - Throws: `DatasetError.parameter` naming the field.
  public func validate() throws(DatasetError) {
    func check(_ condition: Bool, _ name: String, _ found: Any, _ expected: String)
      throws(DatasetError)
    {
      if !condition { throw .parameter(name: name, found: "\(found)", expected: expected) }
    }
    try check(dimension >= 2, "dimension", dimension, "at least 2")
    try check(
      subclasses >= 2 && subclasses <= dimension, "subclasses", subclasses,
      "between 2 and the dimension \(dimension)")
    try check(
      positive >= 1 && positive < subclasses, "positive", positive,
      "at least 1 and less than the \(subclasses) subclasses")
    // The upper bound keeps every coordinate finite in single precision.
    try check(alpha >= 0 && alpha <= 1e30, "alpha", alpha, "a number from 0 to 1e30")
    try check(samples >= 1, "samples", samples, "at least 1")
    let elements = samples.multipliedReportingOverflow(by: dimension)
    try check(
      !elements.overflow && elements.partialValue <= 1 << 33, "samples", samples,
      "samples x dimension to be at most 2^33")
    let centers = subclasses.multipliedReportingOverflow(by: dimension)
    try check(
      !centers.overflow && centers.partialValue <= 1 << 28, "subclasses", subclasses,
      "subclasses x dimension to be at most 2^28")
    let bytes = elements.partialValue * MemoryLayout<Float>.size
    if let problem = MemoryBudget.problem(bytes) {
      throw .invalid(source: "mixture", problem: "of \(samples) x \(dimension) \(problem)")
    }
  }

  /// Draws the samples.
  ///
  /// Centres come from the child `centers` of `stream`, everything else from the child `part`: the
  /// parts of one stream are independent samples of the same mixture. The result does not depend on
  /// the number of threads. Time and memory are O(samples x dimension).
  public func generate(
    stream: RandomStream, part: String = "train"
  ) throws(DatasetError) -> Dataset {
    try validate()
    let centers = try centers(stream: stream)
    var choice = stream.child(part).child("subclasses")
    let groups = (0..<samples).map { _ in Int.random(in: 0..<subclasses, using: &choice) }
    var inputs = Matrix<Float>.gaussian(
      rows: samples, columns: dimension,
      standardDeviation: alpha / Double(dimension).squareRoot(),
      stream: stream.child(part).child("noise"))
    inputs.withMutablePointer { target in
      if rotation == .none {
        for (row, group) in groups.enumerated() { target[row * dimension + group] += 1 }
      } else {
        centers.withPointer { centers in
          for (row, group) in groups.enumerated() {
            let (sample, center) = (target + row * dimension, centers + group * dimension)
            for column in 0..<dimension { sample[column] += center[column] }
          }
        }
      }
    }
    let groupLabels = (0..<subclasses).map { $0 < positive ? 1 : 0 }
    return Dataset(
      name: "mixture", inputs: inputs, labels: groups.map { groupLabels[$0] }, classCount: 2,
      groups: groups, groupLabels: groupLabels, groupCenters: centers)
  }

  /// Two independent samples of the same mixture: to train on, and to test with. They are those that
  /// ``DatasetCatalog`` gives for the splits `train` and `test` and this seed.
  public func trainAndTest(
    seed: UInt64 = 0
  ) throws(DatasetError) -> (train: Dataset, test: Dataset) {
    let stream = RandomStream(seed: seed).child("data")
    return (try generate(stream: stream), try generate(stream: stream, part: "test"))
  }

  /// The centres that ``generate(stream:part:)`` uses, (subclasses, dimension).
  public func centers(stream: RandomStream) throws(DatasetError) -> Matrix<Float> {
    try validate()
    switch rotation {
    case .none:
      var centers = Matrix<Float>(rows: subclasses, columns: dimension)
      for index in 0..<subclasses { centers[index, index] = 1 }
      return centers
    case .random:
      let gaussian = Matrix<Double>.gaussian(
        rows: subclasses, columns: dimension, stream: stream.child("centers"))
      do throws(FactorizationError) {
        var (frame, diagonal) = try gaussian.orthonormalizedRows()
        // QR is unique, and Q Haar distributed, once the diagonal of R is positive.
        for row in 0..<subclasses where diagonal[row] < 0 {
          frame.setRow(row, frame.row(row).map { -$0 })
        }
        return frame.converted()
      } catch {
        throw .invalid(source: "mixture", problem: "\(error)")
      }
    }
  }
}

extension OrthonormalMixture: NamedDataset {
  private enum Part: String, CaseIterable { case train, test }

  package static let name = "mixture"
  package static let summary = "Gaussian clusters around orthonormal centres, generated"
  package static let splits = Part.allCases.map(\.rawValue)

  package static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    if let rule = request.labels {
      throw .parameter(
        name: "labels", found: "'\(rule)'", expected: "none, as the mixture has its own labels")
    }
    let part: Part = try request.part(default: .train)
    return try request.mixture.generate(
      stream: RandomStream(seed: request.seed).child("data"), part: part.rawValue)
  }
}
