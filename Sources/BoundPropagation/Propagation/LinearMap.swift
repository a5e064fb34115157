import LinearCore

/// A linear map M between vectors, of numbers that are taken as they are: y = M x.
package enum LinearMap: Sendable {
  /// Every number as it is.
  case identity(count: Int)
  /// y_i = d_i x_i.
  case diagonal([Double])
  /// y_i = x_i less the mean of all x.
  case centering(count: Int)
  case dense(DenseMap)
  /// A convolution.
  case windows(WindowMap)
  /// Few entries in every row.
  case sparse(SparseMap)

  /// Numbers of x.
  package var inputCount: Int {
    switch self {
    case .identity(let count), .centering(let count): count
    case .diagonal(let values): values.count
    case .dense(let map): map.entries.columns
    case .windows(let map): map.inputCount
    case .sparse(let map): map.inputCount
    }
  }

  /// Numbers of y.
  package var outputCount: Int {
    switch self {
    case .identity(let count), .centering(let count): count
    case .diagonal(let values): values.count
    case .dense(let map): map.entries.rows
    case .windows(let map): map.outputCount
    case .sparse(let map): map.starts.count - 1
    }
  }

  /// M x as computed: each number is off by at most gamma times (|M| |x|), see ``Rounding``.
  func applied(_ x: [Double]) -> [Double] {
    switch self {
    case .identity: return x
    case .diagonal(let values): return zip(values, x).map { $0 * $1 }
    case .centering: return Self.mean(x).map { mean in x.map { $0 - mean } } ?? x
    case .dense(let map): return map.entries.times(x)
    case .windows(let map): return map.applied(x, map.weights)
    case .sparse(let map): return map.applied(x)
    }
  }

  /// |M| x for x >= 0, as computed.
  func appliedMagnitudes(_ x: [Double]) -> [Double] {
    switch self {
    case .identity: return x
    case .diagonal(let values): return zip(values, x).map { $0.magnitude * $1 }
    case .centering: return Self.mean(x).map { mean in x.map { $0 + mean } } ?? x
    case .dense(let map): return map.magnitudes.times(x)
    case .windows(let map): return map.applied(x, map.magnitudes)
    case .sparse(let map): return map.magnitudes.applied(x)
    }
  }

  /// The mean of numbers, nil of none.
  private static func mean(_ x: [Double]) -> Double? {
    x.isEmpty ? nil : x.reduce(0, +) / Double(x.count)
  }

  /// target <- target + A M for the rows of A, (rows, outputs), as computed.
  func accumulate(_ a: Matrix<Double>, into target: inout Matrix<Double>) {
    switch self {
    case .identity: RowArithmetic.add(a, to: &target)
    case .diagonal(let values): RowArithmetic.add(a, times: values, to: &target)
    case .centering: RowArithmetic.addCentered(a, to: &target)
    case .dense(let map): RowArithmetic.multiply(a, map.entries, addingTo: &target)
    case .windows(let map): map.accumulate(a, into: &target)
    case .sparse(let map): map.accumulate(a, into: &target)
    }
  }

  /// The chosen rows of M, exactly.
  func rows(at chosen: [Int]) -> Matrix<Double> {
    if case .dense(let map) = self { return map.entries.rows(at: chosen) }
    var result = Matrix<Double>(rows: chosen.count, columns: inputCount)
    result.withMutablePointer { target in
      for (row, i) in chosen.enumerated() {
        let line = target + row * inputCount
        switch self {
        case .identity: line[i] = 1
        case .diagonal(let values): line[i] = values[i]
        case .centering(let count):
          for j in 0..<count { line[j] = -1 / Double(count) }
          line[i] += 1
        case .dense: break
        case .windows(let map): map.forEachEntry(ofRow: i) { line[$0] += $1 }
        case .sparse(let map):
          for k in map.starts[i]..<map.starts[i + 1] { line[Int(map.places[k])] += map.values[k] }
        }
      }
    }
    return result
  }
}

/// A matrix by rows, each with few entries. No place occurs twice in a row.
package struct SparseMap: Sendable {
  package let inputCount: Int
  /// Row i has the entries starts[i]..<starts[i + 1].
  package let starts: [Int]
  package let places: [Int32]
  package let values: [Double]

  /// A matrix from its rows, each a list of places and numbers; numbers of one place are to be added before.
  package init(inputCount: Int, starts: [Int], places: [Int32], values: [Double]) {
    precondition(places.count == values.count && starts.last == places.count)
    precondition(places.allSatisfy { $0 >= 0 && $0 < inputCount }, "a place outside of the matrix")
    self.inputCount = inputCount
    self.starts = starts
    self.places = places
    self.values = values
  }

  var magnitudes: SparseMap {
    SparseMap(
      inputCount: inputCount, starts: starts, places: places, values: values.map(\.magnitude))
  }

  func applied(_ x: [Double]) -> [Double] {
    (0..<starts.count - 1).map { i in
      var sum = 0.0
      for k in starts[i]..<starts[i + 1] { sum += values[k] * x[Int(places[k])] }
      return sum
    }
  }

  func accumulate(_ a: Matrix<Double>, into target: inout Matrix<Double>) {
    let (rows, outputs) = (a.rows, starts.count - 1)
    a.withPointer { a in
      target.withMutablePointer { target in
        places.withUnsafeBufferPointer { places in
          values.withUnsafeBufferPointer { values in
            for row in 0..<rows {
              let (source, line) = (a + row * outputs, target + row * inputCount)
              for i in 0..<outputs where source[i] != 0 {
                for k in starts[i]..<starts[i + 1] {
                  line[Int(places[k])] += source[i] * values[k]
                }
              }
            }
          }
        }
      }
    }
  }
}
