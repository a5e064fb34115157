import LinearCore
import Networks

/// Reference directions of a clustered data set, as the hidden layer sees them: class means first, then
/// subclass means (or known centres), all relative to the network's center.
public struct ReferenceDirections: Sendable {
  /// A name for each direction, such as "class 1" or "subclass 7".
  public let names: [String]
  /// The class of each direction.
  public let labels: [Int]
  /// Unit rows: (classes + subclasses, dimension).
  public let vectors: Matrix<Float>
  /// How many of the directions are class means; the rest are subclass means.
  public let classCount: Int

  /// Directions from means of shape (classes, D) and (subclasses, D), with the class of every subclass.
  ///
  /// - Parameters:
  ///   - classLabels: the class of every row of `classMeans`; nil where row k is that of class k.
  ///   - classNames: what the rows of `classMeans` are called; nil for their classes' numbers.
  ///   - groupNames: what the rows of `groupMeans` are called; nil for their numbers.
  public init(
    classMeans: Matrix<Float>, classLabels: [Int]? = nil, classNames: [String]? = nil,
    groupMeans: Matrix<Float>?, groupLabels: [Int]?, groupNames: [String]? = nil, center: [Float]?
  ) {
    var rows = classMeans
    classCount = classMeans.rows
    var labels = classLabels ?? Array(0..<classMeans.rows)
    var names = (classNames ?? labels.map(String.init)).map { "class \($0)" }
    if let groupMeans, let groupLabels {
      rows = Matrix(
        rows: classMeans.rows + groupMeans.rows, columns: classMeans.columns,
        elements: classMeans.elements + groupMeans.elements)
      names += (groupNames ?? (0..<groupMeans.rows).map(String.init)).map { "subclass \($0)" }
      labels += groupLabels
    }
    if let center { rows.subtractFromRows(center) }
    vectors = rows.rowsNormalized()
    self.names = names
    self.labels = labels
  }

  /// The rows that are class means.
  public var classRange: Range<Int> { 0..<classCount }
  /// The rows that are subclass means.
  public var groupRange: Range<Int> { classCount..<vectors.rows }
}

/// Where the neurons of a network point.
public struct NeuronAlignment: Sendable {
  /// The neurons looked at, from the largest contribution to the smallest.
  public let neurons: [Int]
  /// cos(w_j, direction): (neurons.count, directions).
  public let cosines: Matrix<Float>
  /// What the columns of ``cosines`` stand for.
  public let directions: ReferenceDirections

  /// The cosines of the dominant neurons to reference directions.
  ///
  /// - Parameter limit: at most this many neurons, the most contributing ones.
  public init(
    network: PReLUNetwork<Float>, directions: ReferenceDirections, mass: Double = 0.99,
    limit: Int? = nil
  ) {
    let dominant = NeuronContributions(network).dominant(mass: mass)
    neurons = Array(dominant.prefix(limit ?? dominant.count))
    cosines = Matrix.product(
      network.inputWeights.rows(at: neurons).rowsNormalized(), directions.vectors,
      transposeB: true)
    self.directions = directions
  }

  /// The median over neurons of the largest cosine to a class mean; nil without neurons.
  public var medianBestClassCosine: Double? { medianBest(directions.classRange) }

  /// The median over neurons of the largest cosine to a subclass mean; nil without subclasses.
  public var medianBestGroupCosine: Double? { medianBest(directions.groupRange) }

  /// For each neuron the direction of a range it is closest to.
  public func closest(in range: Range<Int>) -> [Int] {
    (0..<neurons.count).map { i in range.max { cosines[i, $0] < cosines[i, $1] } ?? 0 }
  }

  private func medianBest(_ range: Range<Int>) -> Double? {
    if neurons.isEmpty || range.isEmpty { return nil }
    return median((0..<neurons.count).map { i in range.map { Double(cosines[i, $0]) }.max()! })
  }
}
