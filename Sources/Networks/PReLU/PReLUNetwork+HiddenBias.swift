import LinearCore

extension PReLUNetwork {
  /// A network from its weights, with a hidden bias b_j for every neuron.
  ///
  /// - Parameters:
  ///   - hiddenWeights: w_1 ... w_h as rows, (hiddenWidth, inputDimension).
  ///   - hiddenBias: hiddenWidth numbers.
  /// - Throws: ``NetworkError`` when shapes do not fit together, p is out of range, or a number is not finite.
  public init(
    exponent: Double, hiddenWeights: Matrix<Scalar>, hiddenBias: [Scalar],
    outputWeights: Matrix<Scalar>, outputBias: [Scalar]? = nil, center: [Scalar]? = nil
  ) throws(NetworkError) {
    guard hiddenBias.count == hiddenWeights.rows else {
      throw NetworkError(
        "\(hiddenBias.count) hidden biases for \(hiddenWeights.rows) hidden neurons")
    }
    try self.init(
      exponent: exponent, hiddenWeights: hiddenWeights.appendingColumn(hiddenBias),
      outputWeights: outputWeights, outputBias: outputBias, center: center, hasHiddenBias: true)
  }

  /// b_1 ... b_h; nil for a network without hidden biases.
  public var hiddenBias: [Scalar]? {
    hasHiddenBias ? hiddenWeights.column(hiddenWeights.columns - 1) : nil
  }

  /// w_1 ... w_h as rows, without biases: (hiddenWidth, inputDimension).
  public var inputWeights: Matrix<Scalar> {
    hasHiddenBias ? hiddenWeights.columns(in: 0..<inputDimension) : hiddenWeights
  }

  /// The same function of (x - center, 1) instead of x: no center, no hidden biases, one coordinate more. The
  /// network itself where it has no hidden biases.
  ///
  /// Its last coordinate is not the adversary's to move.
  package var augmented: PReLUNetwork {
    if !hasHiddenBias { return self }
    return PReLUNetwork(
      fitting: exponent, hiddenWeights: hiddenWeights, outputWeights: outputWeights,
      outputBias: outputBias)
  }

  /// x, or (x, 1) with hidden biases, of every row: (n, inputDimension) to (n, columns of the hidden weights).
  package func augment(_ rows: Matrix<Scalar>) -> Matrix<Scalar> {
    hasHiddenBias ? rows.appendingOnes() : rows
  }
}

extension Matrix {
  /// The matrix with one more column, a number a row.
  package func appendingColumn(_ column: [Scalar]) -> Matrix {
    precondition(column.count == rows, "a number a row")
    var elements: [Scalar] = []
    elements.reserveCapacity(rows * (columns + 1))
    for i in 0..<rows {
      elements += row(i)
      elements.append(column[i])
    }
    return Matrix(rows: rows, columns: columns + 1, elements: elements)
  }

  /// The matrix with one more column of ones.
  package func appendingOnes() -> Matrix {
    appendingColumn([Scalar](repeating: 1, count: rows))
  }

  /// Some neighbouring columns.
  package func columns(in range: Range<Int>) -> Matrix {
    var elements: [Scalar] = []
    elements.reserveCapacity(rows * range.count)
    for i in 0..<rows { elements += row(i)[range] }
    return Matrix(rows: rows, columns: range.count, elements: elements)
  }
}
