import LinearCore
import Networks

/// Points and directions that tell an attack where other classes lie. They make attacks stronger and can
/// never make a result wrong: every perturbation is evaluated on the classifier itself.
public struct AttackReferences<Scalar: LinearScalar>: Sendable {
  /// Points that stand for a class (class means, subclass means): (count, inputDimension).
  public var points: Matrix<Scalar>
  /// The class of each point.
  public var pointLabels: [Int]
  /// Directions that speak for a class (dominant neurons, class directions): (count, inputDimension).
  public var directions: Matrix<Scalar>
  /// The class of each direction.
  public var directionLabels: [Int]
  /// Samples with known class, among which near neighbours of another class are looked for.
  public var samples: Matrix<Scalar>
  /// The class of each of `samples`.
  public var sampleLabels: [Int]

  /// References of any of the three kinds; each may be empty.
  public init(
    dimension: Int, points: Matrix<Scalar>? = nil, pointLabels: [Int] = [],
    directions: Matrix<Scalar>? = nil, directionLabels: [Int] = [],
    samples: Matrix<Scalar>? = nil, sampleLabels: [Int] = []
  ) {
    let none = Matrix<Scalar>(rows: 0, columns: dimension)
    self.points = points ?? none
    self.pointLabels = pointLabels
    self.directions = directions ?? none
    self.directionLabels = directionLabels
    self.samples = samples ?? none
    self.sampleLabels = sampleLabels
    precondition(self.points.rows == pointLabels.count)
    precondition(self.directions.rows == directionLabels.count)
    precondition(self.samples.rows == sampleLabels.count)
    for matrix in [self.points, self.directions, self.samples] {
      precondition(matrix.columns == dimension, "references of another dimension")
    }
  }

  /// For each input the numbers of the `count` nearest `samples` (Euclidean) of another class.
  func nearestOthers(to inputs: Matrix<Scalar>, labels: [Int], count: Int) -> [[Int]] {
    if samples.rows == 0 || count == 0 { return labels.map { _ in [] } }
    // ||x - s||^2 = ||x||^2 - 2 <x, s> + ||s||^2, and ||x||^2 is the same for all s.
    let products = Matrix.product(inputs, samples, transposeB: true)
    let squares = samples.rowNorms().map { $0 * $0 }
    var nearest = [[Int]](repeating: [], count: inputs.rows)
    for i in 0..<inputs.rows {
      var best: [(distance: Scalar, index: Int)] = []
      for s in 0..<samples.rows where sampleLabels[s] != labels[i] {
        let distance = squares[s] - 2 * products[i, s]
        if best.count == count && distance >= best[count - 1].distance { continue }
        best.insert((distance, s), at: best.firstIndex { $0.distance > distance } ?? best.count)
        if best.count > count { best.removeLast() }
      }
      nearest[i] = best.map(\.index)
    }
    return nearest
  }
}

extension AttackReferences {
  /// The references a network and labelled data offer: the data's class and subclass means as points,
  /// the network's dominant neurons as directions, and up to `sampleLimit` samples.
  ///
  /// - Parameters:
  ///   - neurons: dominant neurons, largest first; at most `neuronLimit` of each class (by
  ///     default 32 among all classes, but at least 2) are used, of
  ///     neurons that point the same way the first.
  ///   - means: class means and subclass means: (count, inputDimension), and their classes.
  public init(
    network: PReLUNetwork<Scalar>, neurons: [Int], neuronLimit: Int? = nil,
    means: (rows: Matrix<Scalar>, labels: [Int]), samples: (rows: Matrix<Scalar>, labels: [Int]),
    sampleLimit: Int = 5000
  ) {
    var used: [Int] = []
    var labels: [Int] = []
    var perClass = [Int](repeating: 0, count: network.classCount)
    let limit = neuronLimit ?? max(2, 32 / network.classCount)
    let unit = network.hiddenWeights.rows(at: neurons).rowsNormalized()
    for (row, j) in neurons.enumerated() {
      let label: Int
      if network.outputCount == 1 {
        label = network.outputWeights[0, j] > 0 ? 1 : 0
      } else {
        let column = network.outputWeights.column(j)
        label = column.indices.max { column[$0] < column[$1] }!
      }
      if perClass[label] == limit { continue }
      // Neurons that point the same way make the same line.
      let isNew = used.indices.allSatisfy { k in
        labels[k] != label || cosine(unit, row, used[k]) < 0.99
      }
      if !isNew { continue }
      perClass[label] += 1
      used.append(row)
      labels.append(label)
    }
    let kept = Array(0..<min(sampleLimit, samples.rows.rows))
    self.init(
      dimension: network.inputDimension, points: means.rows, pointLabels: means.labels,
      directions: unit.rows(at: used), directionLabels: labels,
      samples: samples.rows.rows(at: kept), sampleLabels: kept.map { samples.labels[$0] })
  }
}

/// The inner product of two rows.
private func cosine<Scalar: LinearScalar>(_ matrix: Matrix<Scalar>, _ i: Int, _ j: Int) -> Scalar {
  matrix.withPointer {
    Scalar.dot(matrix.columns, $0 + i * matrix.columns, $0 + j * matrix.columns)
  }
}
