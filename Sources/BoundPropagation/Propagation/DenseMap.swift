import LinearCore

extension LinearMap {
  /// The map of a matrix (outputs, inputs).
  package static func dense(_ matrix: Matrix<Double>) -> LinearMap { .dense(DenseMap(matrix)) }
}

/// A matrix with all its entries.
package struct DenseMap: Sendable {
  /// (outputs, inputs).
  let entries: Matrix<Double>
  let magnitudes: Matrix<Double>
  /// The entries rounded to single precision, where they are of ordinary size; products are twice as quick with them.
  let single: Matrix<Float>?

  /// The sizes that entries and coefficients have to be of for products in single precision.
  static let ordinary = 1e-12...1e12
  /// Entries from which on a matrix is worth the conversions.
  private static let fewestEntries = 1 << 13

  /// - Parameter isSingleAllowed: false for products in double precision alone.
  init(_ entries: Matrix<Double>, isSingleAllowed: Bool = true) {
    self.entries = entries
    magnitudes = Matrix(
      rows: entries.rows, columns: entries.columns, elements: entries.elements.map(\.magnitude))
    let largest = magnitudes.elements.max() ?? 0
    single =
      isSingleAllowed && Self.ordinary.contains(largest)
        && entries.elements.count >= Self.fewestEntries
      ? entries.converted() : nil
  }

  private init(magnitudes: Matrix<Double>) {
    (entries, self.magnitudes, single) = (magnitudes, magnitudes, nil)
  }

  var ofMagnitudes: DenseMap { DenseMap(magnitudes: magnitudes) }

  /// What products in single precision are off by more than those in double precision, relative to |A| |M|: both
  /// factors are rounded as well.
  static func singleError(_ terms: Int) -> Double {
    let product = Double(terms + 8) * 0x1p-24
    return product / (1 - product)
  }

  /// What a coefficient or a product that underflows in single precision loses at most.
  static let singleTiny = 0x1p-125

  /// Whether products with the rows may be taken in single precision.
  func isSingle(_ rows: Matrix<Double>) -> Bool {
    guard single != nil, rows.rows >= 8 else { return false }
    let largest = rows.withPointer { Double.largestMagnitude(rows.elements.count, $0) }
    return Self.ordinary.contains(largest)
  }

  /// A M by single precision, for the first `count` rows of A.
  static func product(
    _ a: Matrix<Double>, _ count: Int, _ m: Matrix<Float>, into c: UnsafeMutablePointer<Double>
  ) {
    let (width, columns) = (a.columns, m.columns)
    if width == 0 { return c.update(repeating: 0, count: count * columns) }
    var left = Matrix<Float>(uninitializedRows: count, columns: width)
    var result = Matrix<Float>(uninitializedRows: count, columns: columns)
    left.withMutablePointer { left in
      a.withPointer { a in
        for k in 0..<count * width { left[k] = Float(a[k]) }
      }
      result.withMutablePointer { result in
        m.withPointer { m in
          Float.gemm(
            transposeA: false, transposeB: false, m: count, n: columns, k: width, alpha: 1,
            a: left, leadingA: width, b: m, leadingB: columns, beta: 0, c: result,
            leadingC: columns)
        }
        for k in 0..<count * columns { c[k] = Double(result[k]) }
      }
    }
  }
}
