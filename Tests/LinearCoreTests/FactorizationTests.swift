import Foundation
import LinearCore
import Testing

/// LAPACK's own test programs accept ||residual|| <= 30 max(m, n) ulp ||A||; so do these.
private func tolerance<Scalar: LinearScalar>(_ a: Matrix<Scalar>) -> Double {
  30 * Double(max(1, a.rows, a.columns)) * Double(Scalar.ulpOfOne)
}

/// ||q q^T - I|| for a matrix whose rows should be orthonormal.
private func lackOfOrthonormality<Scalar: LinearScalar>(_ q: Matrix<Scalar>) -> Double {
  let gram = Matrix.product(q.wide, q.wide, transposeB: true)
  return gram.largestDifference(from: .identity(q.rows))
}

private func matrices<Scalar: LinearScalar>(_: Scalar.Type) -> [Matrix<Scalar>] {
  let stream = RandomStream(seed: 1)
  func gaussian(_ rows: Int, _ columns: Int) -> Matrix<Scalar> {
    .gaussian(rows: rows, columns: columns, stream: stream.child("\(rows)", columns))
  }
  return [
    gaussian(1, 1), gaussian(1, 9), gaussian(9, 1), gaussian(40, 40), gaussian(5, 70),
    gaussian(70, 5), .product(gaussian(30, 3), gaussian(3, 50)), Matrix(rows: 4, columns: 6),
    .product(gaussian(50, 2), gaussian(2, 30)), Matrix(rows: 0, columns: 4),
    Matrix(rows: 4, columns: 0), .identity(6),
  ]
}

@Suite struct SingularValueTests {
  private func check<Scalar: LinearScalar>(_: Scalar.Type) throws {
    for a in matrices(Scalar.self) {
      let rank = min(a.rows, a.columns)
      let result = try a.singularValueDecomposition()
      #expect(result.u.rows == a.rows && result.u.columns == rank)
      #expect(result.vTransposed.rows == rank && result.vTransposed.columns == a.columns)
      var scaled = result.vTransposed.wide
      for i in 0..<rank {
        for j in 0..<a.columns { scaled[i, j] *= Double(result.singularValues[i]) }
      }
      let residual = Matrix.product(result.u.wide, scaled).largestDifference(from: a.wide)
      #expect(residual <= tolerance(a) * Double(a.frobeniusNorm))
      #expect(lackOfOrthonormality(result.u.transposed) <= tolerance(a))
      #expect(lackOfOrthonormality(result.vTransposed) <= tolerance(a))
      let values = result.singularValues
      #expect(values.count == rank && values == values.sorted(by: >))
      #expect(values.allSatisfy { $0 >= 0 })
      let alone = try a.singularValues().map { Double($0) }
      let bound = alone.map { _ in tolerance(a) * Double(a.frobeniusNorm) }
      #expect(worstRatio(alone, values.map { Double($0) }, bound: bound) <= 1)
    }
  }

  @Test func reconstructs() throws {
    try check(Float.self)
    try check(Double.self)
  }

  @Test func knownValues() throws {
    let a = Matrix<Double>([[3, 0], [4, 5]])
    let values = try a.singularValues()
    #expect(abs(values[0] - 45.0.squareRoot()) <= tolerance(a) * 8)
    #expect(abs(values[1] - 5.0.squareRoot()) <= tolerance(a) * 8)
    #expect(try Matrix<Float>([[0, -2], [3, 0], [0, 0]]).singularValues() == [3, 2])
  }

  @Test func rankShowsInTheValues() throws {
    let a = matrices(Double.self)[6]
    let values = try a.singularValues()
    #expect(values[2] > 0.1)
    #expect(values[3] <= tolerance(a) * values[0])
  }
}

@Suite struct EigenvalueTests {
  private func check<Scalar: LinearScalar>(_: Scalar.Type) throws {
    for b in matrices(Scalar.self) {
      var a = Matrix.product(b, b, transposeB: true)
      // The two triangles of the product may differ in the last bit.
      for i in 0..<a.rows { for j in 0..<i { a[i, j] = a[j, i] } }
      let result = try a.symmetricEigendecomposition()
      #expect(result.values == result.values.sorted() && result.values.count == a.rows)
      var scaled = result.vectors.wide
      for i in 0..<a.rows {
        for j in 0..<a.rows { scaled[i, j] *= Double(result.values[i]) }
      }
      let again = Matrix.product(result.vectors.wide, transposeA: true, scaled)
      #expect(again.largestDifference(from: a.wide) <= tolerance(a) * Double(a.frobeniusNorm))
      #expect(lackOfOrthonormality(result.vectors) <= tolerance(a))
    }
  }

  @Test func reconstructs() throws {
    try check(Float.self)
    try check(Double.self)
  }

  /// The second difference matrix has the eigenvalues 2 - 2 cos(k pi / (n + 1)).
  @Test func knownValues() throws {
    let n = 25
    var a = Matrix<Double>(rows: n, columns: n)
    for i in 0..<n {
      a[i, i] = 2
      if i > 0 {
        a[i, i - 1] = -1
        a[i - 1, i] = -1
      }
    }
    let values = try a.symmetricEigendecomposition().values
    let expected = (1...n).map { 2 - 2 * cos(Double($0) * .pi / Double(n + 1)) }
    #expect(worstRatio(values, expected, bound: expected.map { _ in 4 * tolerance(a) }) <= 1)
  }
}

@Suite struct OrthonormalizationTests {
  private func check<Scalar: LinearScalar>(_: Scalar.Type) throws {
    for a in matrices(Scalar.self) where a.rows <= a.columns {
      let (basis, diagonal) = try a.orthonormalizedRows()
      #expect(lackOfOrthonormality(basis) <= tolerance(a))
      // Row i of A is a combination of the first i + 1 rows of the basis.
      let factor = Matrix.product(a.wide, basis.wide, transposeB: true)
      let limit = tolerance(a) * Double(a.frobeniusNorm)
      for i in 0..<a.rows {
        #expect(abs(factor[i, i] - Double(diagonal[i])) <= limit)
        for j in i + 1..<max(a.rows, i + 1) { #expect(abs(factor[i, j]) <= limit) }
      }
      #expect(Matrix.product(factor, basis.wide).largestDifference(from: a.wide) <= limit)
    }
  }

  @Test func spansTheRows() throws {
    try check(Float.self)
    try check(Double.self)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func refusesWhatIsNotFinite(bad: Double) {
    var a = Matrix<Double>.identity(3)
    a[1, 2] = bad
    #expect(throws: FactorizationError.notFinite) { try a.singularValueDecomposition() }
    #expect(throws: FactorizationError.notFinite) { try a.singularValues() }
    #expect(throws: FactorizationError.notFinite) { try a.orthonormalizedRows() }
    #expect(throws: FactorizationError.notFinite) { try a.symmetricEigendecomposition() }
  }
}
