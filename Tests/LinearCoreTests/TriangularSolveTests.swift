import LinearCore
import Testing

/// Solutions multiplied back.
@Suite struct TriangularSolveTests {
  /// Upper triangular and well conditioned, with rubbish below the diagonal.
  let u: Matrix<Double>

  init() {
    var matrix = Matrix<Double>.gaussian(rows: 7, columns: 7, stream: RandomStream(seed: 61))
    for i in 0..<7 { matrix[i, i] = 3 + abs(matrix[i, i]) }
    u = matrix
  }

  var clean: Matrix<Double> {
    var matrix = u
    for i in 0..<7 {
      for j in 0..<i { matrix[i, j] = 0 }
    }
    return matrix
  }

  @Test func vectors() {
    let x = (0..<7).map { Double($0) - 2.5 }
    for transposed in [false, true] {
      var y = (transposed ? clean.transposed : clean).times(x)
      u.withPointer { Double.solveTriangular(7, $0, transposed: transposed, &y) }
      for i in 0..<7 { #expect(abs(y[i] - x[i]) < 1e-13) }
    }
  }

  @Test func matricesFromTheRight() {
    let b = Matrix<Double>.gaussian(rows: 4, columns: 7, stream: RandomStream(seed: 62))
    var product = Matrix.product(b, clean)
    product.withMutablePointer { target in
      u.withPointer { Double.solveFromRight(rows: 4, 7, $0, target) }
    }
    product.subtract(b)
    #expect(product.frobeniusNorm < 1e-12)
  }

  @Test func stackedRowsFollowEachOther() {
    let a = Matrix<Double>([[1, 2], [3, 4]])
    #expect(Matrix(stacking: [a, Matrix([[5, 6]])]) == Matrix([[1, 2], [3, 4], [5, 6]]))
  }
}
