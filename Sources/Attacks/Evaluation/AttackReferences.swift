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

  /// For each input the numbers of the `count` nearest `samples` (Euclidean) that are wanted.
  func nearest(
    to inputs: Matrix<Scalar>, count: Int, isWanted: (_ input: Int, _ sample: Int) -> Bool
  ) -> [[Int]] {
    if samples.rows == 0 || count == 0 { return [[Int]](repeating: [], count: inputs.rows) }
    // ||x - s||^2 = ||x||^2 - 2 <x, s> + ||s||^2, and ||x||^2 is the same for all s.
    let products = Matrix.product(inputs, samples, transposeB: true)
    let squares = samples.rowNorms().map { $0 * $0 }
    var nearest = [[Int]](repeating: [], count: inputs.rows)
    for i in 0..<inputs.rows {
      var best: [(distance: Scalar, index: Int)] = []
      for s in 0..<samples.rows where isWanted(i, s) {
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
  /// The references that a classifier and labelled data offer: class and subclass means as points, what
  /// in the classifier speaks for a class as directions, and up to `sampleLimit` samples.
  ///
  /// - Parameters:
  ///   - directions: (count, dimension) and their classes, such as dominant neurons, largest first; at
  ///     most `directionLimit` of each class (by default 32 among all classes, but at least 2) are used,
  ///     of those that point the same way the first.
  ///   - means: class means and subclass means: (count, dimension), and their classes.
  public init(
    dimension: Int, classCount: Int,
    directions: (rows: Matrix<Scalar>, labels: [Int])? = nil, directionLimit: Int? = nil,
    means: (rows: Matrix<Scalar>, labels: [Int]), samples: (rows: Matrix<Scalar>, labels: [Int]),
    sampleLimit: Int = 5000
  ) {
    var used: [Int] = []
    var perClass = [Int](repeating: 0, count: classCount)
    let limit = directionLimit ?? max(2, 32 / classCount)
    let labels = directions?.labels ?? []
    let unit = directions?.rows.rowsNormalized() ?? Matrix(rows: 0, columns: dimension)
    for (row, label) in labels.enumerated() where perClass[label] < limit {
      // What points the same way makes the same line.
      let isNew = used.allSatisfy { labels[$0] != label || cosine(unit, row, $0) < 0.99 }
      if !isNew { continue }
      perClass[label] += 1
      used.append(row)
    }
    let kept = Array(0..<min(sampleLimit, samples.rows.rows))
    self.init(
      dimension: dimension, points: means.rows, pointLabels: means.labels,
      directions: unit.rows(at: used), directionLabels: used.map { labels[$0] },
      samples: samples.rows.rows(at: kept), sampleLabels: kept.map { samples.labels[$0] })
  }
}

/// The inner product of two rows.
private func cosine<Scalar: LinearScalar>(_ matrix: Matrix<Scalar>, _ i: Int, _ j: Int) -> Scalar {
  matrix.withPointer {
    Scalar.dot(matrix.columns, $0 + i * matrix.columns, $0 + j * matrix.columns)
  }
}
