import LinearCore
import Testing

@Suite struct SpectralNormTests {
  @Test(arguments: [(1, 1), (7, 3), (3, 7), (60, 40), (40, 200)])
  func stableRankAgreesWithSingularValues(_ rows: Int, _ columns: Int) throws {
    let matrix = Matrix<Double>.gaussian(
      rows: rows, columns: columns, stream: RandomStream(seed: UInt64(rows)))
    let values = try matrix.singularValues()
    let exact = values.reduce(0) { $0 + $1 * $1 } / (values[0] * values[0])
    #expect(abs(matrix.stableRank() / exact - 1) < 1e-6)
    #expect(abs(matrix.converted(to: Float.self).stableRank() / exact - 1) < 1e-5)
  }

  @Test func specialMatrices() {
    #expect(Matrix<Float>(rows: 4, columns: 5).stableRank() == 0)
    #expect(abs(Matrix<Double>.identity(6).stableRank() - 6) < 1e-12)
    // Rank one.
    let u = Matrix<Double>([[1, 2, 3]])
    #expect(abs(Matrix.product(u, transposeA: true, u).stableRank() - 1) < 1e-12)
  }
}
