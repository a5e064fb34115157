import LinearCore

extension LinearMap {
  /// At least ‖M x‖ / ‖x‖ in l2 for every x.
  var normBound: Double {
    switch self {
    case .identity: 1
    case .centering: 1
    case .diagonal(let values): Self.largest(values)
    case .dense(let map): MapNorm.bound(map.entries)
    case .windows(let map): map.normBound
    case .sparse(let map): map.normBound
    }
  }

  private static func largest(_ values: [Double]) -> Double {
    values.reduce(0) { $1.isNaN ? .infinity : max($0, $1.magnitude) }
  }
}

extension WindowMap {
  /// No pixel is seen by more than `overlap` windows, so that ‖M x‖² <= ‖weights‖² sum of ‖window‖² <=
  /// ‖weights‖² overlap ‖x‖².
  fileprivate var normBound: Double {
    var counts = [Int32: Int]()
    for place in places where place >= 0 { counts[place, default: 0] += 1 }
    let overlap = Double(counts.values.max() ?? 0)
    let norms = (0..<groups).map {
      MapNorm.bound(weights.rows(in: $0 * filters..<($0 + 1) * filters))
    }
    return Rounding.up(Rounding.up(overlap.squareRoot()) * (norms.max() ?? 0))
  }
}

extension SparseMap {
  /// ‖M‖² is at most the largest sum of sizes of a row times that of a column.
  fileprivate var normBound: Double {
    var columns = [Double](repeating: 0, count: inputCount)
    var row = 0.0
    for i in 0..<starts.count - 1 {
      var sum = 0.0
      for k in starts[i]..<starts[i + 1] {
        sum += values[k].magnitude
        columns[Int(places[k])] += values[k].magnitude
      }
      row = sum.isNaN ? .infinity : max(row, sum)
    }
    let column = columns.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
    return Rounding.up(Rounding.up(row).squareRoot() * Rounding.up(column).squareRoot())
  }
}

/// Upper bounds of spectral norms.
enum MapNorm {
  /// Matrices whose Gram matrix has more rows get the root of the sum of all squares.
  private static let largestGram = 512
  private static let squarings = 5

  /// At least the largest singular value of A.
  ///
  /// The largest eigenvalue of G = A Aᵀ or Aᵀ A is at most ‖G^m‖^(1/m), in the norm of all entries, for m = 2^5. A
  /// product of two matrices is off by at most gamma_n times the product of their norms, which is added before every root.
  static func bound(_ a: Matrix<Double>) -> Double {
    guard a.rows > 0, a.columns > 0 else { return 0 }
    let largest = a.elements.reduce(0) { $1.isNaN ? .infinity : max($0, $1.magnitude) }
    guard largest < .infinity else { return .infinity }
    guard largest > 0 else { return 0 }
    // Entries of ordinary size; powers of two are exact, and what underflows is far below the error that is added.
    let unit = Double(sign: .plus, exponent: largest.exponent, significand: 1)
    let scaled = Matrix(
      rows: a.rows, columns: a.columns, elements: a.elements.map { $0 / unit })
    let whole = Rounding.up(norm(scaled))
    let size = min(a.rows, a.columns)
    guard size <= largestGram else { return Rounding.up(Rounding.up(whole) * unit) }
    let isWide = a.rows <= a.columns
    var power = Matrix.product(scaled, transposeA: !isWide, scaled, transposeB: isWide)
    mirror(&power)
    var doubts = [Rounding.up(2 * Rounding.gamma(max(a.rows, a.columns) + 4) * whole * whole)]
    var units = [1.0]
    for _ in 0..<squarings {
      let size = norm(power)
      let unit = Double(sign: .plus, exponent: size.exponent, significand: 1)
      units.append(unit)
      let factor = power.elements.map { $0 / unit }
      let base = Matrix(rows: power.rows, columns: power.columns, elements: factor)
      power = Matrix.product(base, base)
      mirror(&power)
      // The norm of what is squared is at most 2.
      doubts.append(Rounding.up(2 * Rounding.gamma(power.rows + 4) * 4))
    }
    var value = Rounding.up(norm(power))
    for (doubt, unit) in zip(doubts, units).reversed().dropLast() {
      value = Rounding.up(Rounding.up(value + doubt).squareRoot()) * unit
    }
    value = Rounding.up(Rounding.up(value + doubts[0]).squareRoot())
    return Rounding.up(min(value, whole) * unit)
  }

  private static func norm(_ a: Matrix<Double>) -> Double {
    a.withPointer { Double.dot(a.elements.count, $0, $0) }.squareRoot()
  }

  /// Makes a matrix symmetric: the entries above the diagonal count.
  private static func mirror(_ a: inout Matrix<Double>) {
    for i in 0..<a.rows { for j in 0..<i { a[i, j] = a[j, i] } }
  }
}
