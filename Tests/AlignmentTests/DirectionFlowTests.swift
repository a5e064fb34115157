import Alignment
import LinearCore
import Networks
import Testing

@Suite struct DirectionFlowTests {
  /// Along great circles: d/dt G = <grad, y> and d^2/dt^2 G = <y, H y>.
  @Test(arguments: [1, 1.5, 2, 3, 4.2]) func gradientAgainstFiniteDifferences(_ p: Double) throws {
    let (flow, _) = ExtremalVectorTests.noisy(p)
    let stream = RandomStream(seed: 11)
    let rows = Matrix<Double>.gaussian(rows: 2, columns: 30, stream: stream).rowsNormalized()
    let u = rows.row(0)
    let overlap = zip(u, rows.row(1)).reduce(0) { $0 + $1.0 * $1.1 }
    let y = Matrix([zip(rows.row(1), u).map { $0 - overlap * $1 }]).rowsNormalized().row(0)
    func value(_ t: Double) -> Double {
      let point = zip(u, y).map { $0 + t * $1 }
      return flow.potential(at: Matrix([point]).rowsNormalized()).values[0]
    }
    let gradient = flow.potential(at: rows).gradients.row(0)
    let slope = zip(gradient, y).reduce(0) { $0 + $1.0 * $1.1 }
    // Normalising makes t an angle up to third order.
    let h = 1e-5
    #expect(abs((value(h) - value(-h)) / (2 * h) - slope) < 1e-8)
    #expect(abs(zip(gradient, u).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-15)
  }

  /// The extreme eigenvalues against those of the matrix of second differences of the gradient.
  @Test(arguments: [1.5, 3, 4.2]) func eigenvaluesAgainstFiniteDifferences(_ p: Double) throws {
    let (flow, directions) = ExtremalVectorTests.noisy(p)
    // For p < 2 between all centres, far from every border; elsewhere near one.
    let all = (0..<30).map { $0 < ExtremalVectorTests.subclasses ? 1.0 : 0 }
    let u = Matrix([p < 2 ? all : directions.row(3)]).rowsNormalized().row(0)
    let dimension = u.count
    let h = 1e-4
    func gradient(_ point: [Double]) -> [Double] {
      let unitRow = Matrix([point]).rowsNormalized()
      return flow.potential(at: unitRow).gradients.row(0)
    }
    var hessian = Matrix<Double>(rows: dimension, columns: dimension)
    for j in 0..<dimension {
      var y = [Double](repeating: 0, count: dimension)
      y[j] = 1
      for i in 0..<dimension { y[i] -= u[j] * u[i] }
      let up = gradient(zip(u, y).map { $0 + h * $1 })
      let down = gradient(zip(u, y).map { $0 - h * $1 })
      for i in 0..<dimension { hessian[i, j] = (up[i] - down[i]) / (2 * h) }
    }
    // On both sides: tangent parts only. The component along u gets the eigenvalue 0.
    var projector = Matrix<Double>.identity(dimension)
    for i in 0..<dimension { for j in 0..<dimension { projector[i, j] -= u[i] * u[j] } }
    hessian = .product(.product(projector, hessian), projector)
    for i in 0..<dimension {
      for j in 0..<i {
        let mean = (hessian[i, j] + hessian[j, i]) / 2
        (hessian[i, j], hessian[j, i]) = (mean, mean)
      }
    }
    let values = try hessian.symmetricEigendecomposition().values
    let vector = try ExtremalVector(flow, at: u)
    // h^2 = 1e-8 times derivatives of order 10 to 100, where samples lie 0.2 or more from the border.
    let tolerance = 1e-5
    let scale = max(values[0].magnitude, values[dimension - 1].magnitude)
    #expect(abs(min(0, vector.smallestEigenvalue) - min(0, values[0])) < tolerance * scale)
    #expect(
      abs(max(0, vector.largestEigenvalue) - max(0, values[dimension - 1])) < tolerance * scale)
  }

  @Test func lossesGiveTheirPulls() throws {
    let inputs = Matrix<Double>.gaussian(rows: 4, columns: 3, stream: RandomStream(seed: 1))
    func flow(_ loss: Loss, outputs: Int = 1, output: Int = 0, normalize: Bool = false)
      -> DirectionFlow
    {
      let network = try! PReLUNetwork<Double>(
        inputDimension: 3, hiddenWidth: 2, outputCount: outputs, exponent: 3,
        initialization: .gaussian(scale: 1), normalizeInput: normalize,
        stream: RandomStream(seed: 0))
      return DirectionFlow(
        of: network, inputs: inputs, labels: outputs == 1 ? [1, 0, 1, 0] : [0, 1, 2, 2], loss: loss,
        output: output)
    }
    func expect(_ flow: DirectionFlow, _ weights: [Double]) {
      for (a, b) in zip(flow.weights, weights) { #expect(abs(a - b) < 1e-15) }
    }
    expect(flow(.exponential), [0.25, -0.25, 0.25, -0.25])
    expect(flow(.squared), [0.25, -0.25, 0.25, -0.25])
    expect(flow(.logistic), [0.125, -0.125, 0.125, -0.125])
    expect(
      flow(.crossEntropy, outputs: 3, output: 2), [-1.0 / 12, -1.0 / 12, 1.0 / 6, 1.0 / 6])
    // ||x|| relu(<u, x> / ||x||)^p either way.
    let normalized = flow(.squared, normalize: true)
    expect(normalized, zip([1.0, -1, 1, -1], inputs.rowNorms()).map { $0 * $1 / 4 })
    for norm in normalized.inputs.rowNorms() { #expect(abs(norm - 1) < 1e-15) }
  }
}
