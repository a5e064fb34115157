extension Matrix {
  /// The rows of several matrices, one below the other.
  public init(stacking parts: [Matrix]) {
    precondition(parts.allSatisfy { $0.columns == parts[0].columns }, "rows of equal length")
    self.init(
      rows: parts.reduce(0) { $0 + $1.rows }, columns: parts[0].columns,
      elements: parts.flatMap(\.elements))
  }

  /// The Euclidean norm of every row.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func rowNorms() -> [Scalar] {
    withPointer { base in
      (0..<rows).map { Scalar.euclideanNorm(columns, base + $0 * columns) }
    }
  }

  /// The mean of the rows: `columns` numbers. Zeros for a matrix without rows.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func columnMeans() -> [Scalar] {
    guard rows > 0 else { return [Scalar](repeating: 0, count: columns) }
    // Double sums, in row order: the mean of many Float rows keeps its digits.
    var sums = [Double](repeating: 0, count: columns)
    for i in 0..<rows {
      for j in 0..<columns { sums[j] += Double(elements[i * columns + j]) }
    }
    return sums.map { Scalar($0 / Double(rows)) }
  }

  /// Subtracts `vector` from every row.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func subtractFromRows(_ vector: [Scalar]) {
    precondition(vector.count == columns, "the vector has another length than a row")
    let (height, width) = (rows, columns)
    withMutablePointer { base in
      for i in 0..<height {
        for j in 0..<width { base[i * width + j] -= vector[j] }
      }
    }
  }

  /// Multiplies row `i` by a number.
  public mutating func scaleRow(_ i: Int, by factor: Scalar) {
    precondition(i >= 0 && i < rows, "index outside the matrix")
    let width = columns
    withMutablePointer { Scalar.scale(width, factor, $0 + i * width) }
  }

  /// Subtracts `other`, row from row: (rows, columns) both.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func subtract(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns, "shapes differ")
    let count = rows * columns
    withMutablePointer { target in
      other.withPointer { source in
        for i in 0..<count { target[i] -= source[i] }
      }
    }
  }

  /// Replaces row `i` by row `j` of another matrix of the same width.
  public mutating func copyRow(_ i: Int, from other: Matrix, row j: Int) {
    precondition(i >= 0 && i < rows && j >= 0 && j < other.rows && columns == other.columns)
    let width = columns
    withMutablePointer { target in
      other.withPointer { (target + i * width).update(from: $0 + j * width, count: width) }
    }
  }

  /// Divides every nonzero row by its norm.
  public func rowsNormalized() -> Matrix {
    var result = self
    let norms = rowNorms()
    for i in 0..<rows where norms[i] > 0 {
      if norms[i] >= Scalar.leastNormalMagnitude {
        result.scaleRow(i, by: 1 / norms[i])
      } else {
        // The reciprocal of a denormal norm may be infinite.
        result.setRow(i, row(i).map { $0 / norms[i] })
      }
    }
    return result
  }

  /// The square root of the sum of squared entries.
  public var frobeniusNorm: Scalar {
    withPointer { Scalar.euclideanNorm(elements.count, $0) }
  }

  /// The largest absolute difference of entries from another matrix of the same shape.
  public func largestDifference(from other: Matrix) -> Scalar {
    precondition(rows == other.rows && columns == other.columns, "shapes differ")
    return zip(elements, other.elements).reduce(0) { Swift.max($0, ($1.0 - $1.1).magnitude) }
  }
}

extension Matrix {
  /// The listed columns, in that order.
  package func columns(at indices: [Int]) -> Matrix {
    var result = Matrix(rows: rows, columns: indices.count)
    let (height, width) = (rows, columns)
    result.withMutablePointer { target in
      withPointer { source in
        for i in 0..<height {
          for (k, j) in indices.enumerated() {
            target[i * indices.count + k] = source[i * width + j]
          }
        }
      }
    }
    return result
  }
}
