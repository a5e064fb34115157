import LinearCore
import Testing

/// Sizes (m, k, n) of a product: vectors, empty sides, and sides around the block of 256.
private let shapes = [
  [1, 1, 1], [1, 7, 1], [7, 1, 5], [1, 5, 300], [300, 5, 1], [257, 3, 255], [255, 9, 257],
  [256, 4, 256], [513, 17, 31], [31, 17, 513], [270, 260, 280], [0, 3, 4], [3, 0, 4], [4, 3, 0],
  [0, 0, 0],
]

@Suite struct MatrixProductTests {
  @Test(arguments: shapes) func productsMatchTheDefinition(_ shape: [Int]) {
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      check(Float.self, shape, transposeA, transposeB)
      check(Double.self, shape, transposeA, transposeB)
    }
  }

  /// Summed in any order, an inner product of k terms is off by at most k u sum |terms| to first order;
  /// alpha, beta and the last sum add three roundings.
  private func check<Scalar: LinearScalar>(
    _: Scalar.Type, _ shape: [Int], _ transposeA: Bool, _ transposeB: Bool
  ) {
    let (m, k, n) = (shape[0], shape[1], shape[2])
    let stream = RandomStream(seed: 1)
    let a = Matrix<Scalar>.gaussian(
      rows: transposeA ? k : m, columns: transposeA ? m : k, stream: stream.child("a"))
    let b = Matrix<Scalar>.gaussian(
      rows: transposeB ? n : k, columns: transposeB ? k : n, stream: stream.child("b"))
    let c = Matrix<Scalar>.gaussian(rows: m, columns: n, stream: stream.child("c"))
    let invalid = Matrix<Scalar>(
      rows: m, columns: n, elements: [Scalar](repeating: .nan, count: m * n))
    for (alpha, beta) in [(1, 0), (1, 1), (-0.75, 0), (2.5, -0.5), (0, 1)] as [(Double, Double)] {
      var result = beta == 0 ? invalid : c
      result.accumulate(
        a, transposeA: transposeA, b, transposeB: transposeB, alpha: Scalar(alpha),
        beta: Scalar(beta))
      var expected = [Double](repeating: 0, count: m * n)
      var bound = expected
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          var size = 0.0
          for l in 0..<k {
            let term =
              Double(transposeA ? a[l, i] : a[i, l]) * Double(transposeB ? b[j, l] : b[l, j])
            sum += term
            size += abs(term)
          }
          expected[i * n + j] = alpha * sum + beta * Double(c[i, j])
          size = abs(alpha) * size + abs(beta * Double(c[i, j]))
          // Twice, because the reference rounds as well.
          bound[i * n + j] = 2 * Double(k + 3) * Scalar.unitRoundoff * size
        }
      }
      #expect(worstRatio(result.wide.elements, expected, bound: bound) <= 1)
      if alpha == 1 && beta == 0 {
        let product = Matrix.product(a, transposeA: transposeA, b, transposeB: transposeB)
        #expect(product == result)
      }
    }
  }

  @Test func threadCountDoesNotChangeTheBytes() {
    let a = Matrix<Float>.gaussian(rows: 1000, columns: 130, stream: RandomStream(seed: 2))
    let b = Matrix<Float>.gaussian(rows: 130, columns: 300, stream: RandomStream(seed: 3))
    let products = [1, 2, 3].map { threads in
      withThreads(threads) {
        [
          Matrix.product(a, b), .product(b, transposeA: true, a, transposeB: true),
          .product(a, a, transposeB: true),
        ]
      }
    }
    #expect(products[0] == products[1] && products[0] == products[2])
  }

  @Test func matrixTimesVector() {
    let a = Matrix<Double>.gaussian(rows: 37, columns: 12, stream: RandomStream(seed: 4))
    let x = (0..<12).map { Double($0) - 4.5 }
    let column = Matrix(rows: 12, columns: 1, elements: x)
    let bound = (0..<37).map { i in
      24 * Double.unitRoundoff * zip(a.row(i), x).reduce(0) { $0 + abs($1.0 * $1.1) }
    }
    #expect(worstRatio(a.times(x), Matrix.product(a, column).elements, bound: bound) <= 1)
    #expect(Matrix<Float>(rows: 3, columns: 0).times([]) == [0, 0, 0])
    #expect(Matrix<Float>(rows: 0, columns: 2).times([1, 2]) == [])
  }
}

@Suite struct MatrixTests {
  @Test func selectsRows() {
    let a = Matrix<Float>([[1, 2], [3, 4], [5, 6]])
    #expect(a.rows(at: [2, 0, 2]) == Matrix([[5, 6], [1, 2], [5, 6]]))
    #expect(a.rows(at: []) == Matrix(rows: 0, columns: 2))
    #expect(a.rows(in: 1..<3) == Matrix([[3, 4], [5, 6]]))
    #expect(Matrix<Float>(rows: 3, columns: 0).rows(at: [1, 1]).rows == 2)
  }

  @Test(arguments: [0, 1, 31, 32, 33, 70], [0, 1, 5, 65]) func transposes(rows: Int, columns: Int) {
    let a = Matrix<Double>.gaussian(rows: rows, columns: columns, stream: RandomStream(seed: 5))
    let transposed = a.transposed
    #expect(transposed.rows == columns && transposed.columns == rows)
    #expect((0..<rows).allSatisfy { transposed.column($0) == a.row($0) })
    #expect(transposed.transposed == a)
  }

  /// Squares of these entries leave the range of the type; their norms do not.
  @Test func rowNormsAndNormalizationNeitherOverflowNorUnderflow() {
    func check<Scalar: LinearScalar>(_ large: Scalar, _ small: Scalar, _ denormal: Scalar) {
      let a = Matrix<Scalar>([
        [3 * large, 4 * large], [3 * small, -4 * small], [0, 0], [0, denormal],
      ])
      let norms = a.rowNorms()
      #expect(abs(norms[0] / large - 5) <= 8 * 5 * .ulpOfOne)
      #expect(abs(norms[1] / small - 5) <= 8 * 5 * .ulpOfOne)
      #expect(norms[2] == 0 && norms[3] == denormal)
      let unit = a.rowsNormalized()
      let expected: [Double] = [0.6, 0.8, 0.6, -0.8, 0, 0, 0, 1]
      let bound = [Double](repeating: 8 * Double(Scalar.ulpOfOne), count: 8)
      #expect(worstRatio(unit.wide.elements, expected, bound: bound) <= 1, "\(unit)")
    }
    check(Float(1e30), Float(1e-30), Float(1e-40))
    check(Double(1e300), Double(1e-300), Double(1e-310))
    #expect(Matrix<Float>(rows: 2, columns: 0).rowNorms() == [0, 0])
  }

  @Test func columnMeansKeepTheirDigits() {
    #expect(Matrix<Float>(rows: 0, columns: 2).columnMeans() == [0, 0])
    // A sum in Float would stop growing at 2^24.
    let ones = Matrix<Float>(
      rows: 20_000_000, columns: 1, elements: [Float](repeating: 1, count: 20_000_000))
    #expect(ones.columnMeans() == [1])
    #expect(Matrix<Double>([[1, 10], [2, 30]]).columnMeans() == [1.5, 20])
  }

  @Test func tellsFiniteFromInfiniteAndNaN() {
    func check<Scalar: LinearScalar>(_: Scalar.Type) {
      let greatest = Scalar.greatestFiniteMagnitude
      for count in [1, 2, 7, 8, 33] {
        var a = Matrix<Scalar>(
          rows: 1, columns: count, elements: [Scalar](repeating: greatest, count: count))
        #expect(a.isFinite())
        a.elements = a.elements.map { -$0 }
        #expect(a.isFinite())
        for bad in [Scalar.nan, .infinity, -.infinity] {
          for position in 0..<count {
            var damaged = a
            damaged.elements[position] = bad
            #expect(!damaged.isFinite())
          }
        }
      }
      #expect(!Matrix<Scalar>([[.infinity, -.infinity]]).isFinite())
      #expect(Matrix<Scalar>([[-0.0, .leastNonzeroMagnitude]]).isFinite())
      #expect(Matrix<Scalar>(rows: 0, columns: 3).isFinite())
    }
    check(Float.self)
    check(Double.self)
  }

  @Test func subtractsFromRowsAndConverts() {
    var a = Matrix<Double>([[1, 2], [3, 4]])
    a.subtractFromRows([1, -1])
    #expect(a == Matrix([[0, 3], [2, 5]]))
    #expect(a.converted(to: Float.self).converted(to: Double.self) == a)
    #expect(a.largestDifference(from: Matrix(rows: 2, columns: 2)) == 5)
    #expect(Matrix<Double>([[3, 0], [0, 4]]).frobeniusNorm == 5)
  }
}
