import LinearCore
import Networks

extension EffectiveNetwork {
  /// Computes the error bound anew for a network.
  /// - Throws: ``CertificateError`` where this is not an effective network of it, or its bound is too small.
  package func check<Scalar: LinearScalar>(against network: PReLUNetwork<Scalar>)
    throws(CertificateError)
  {
    guard exponent == network.exponent, outputCount == network.outputCount,
      inputDimension == network.inputDimension, hasHiddenBias == network.hasHiddenBias,
      normalizeInput == (network.normalizeInput && network.exponent > 1),
      center == network.center.map({ $0.map { Double($0) } }),
      bias == network.outputBias.map({ $0.map { Double($0) } })
        ?? [Double](repeating: 0, count: outputCount)
    else {
      throw .anotherNetwork("degree, shape, center, biases or normalisation differ")
    }
    let rounding = Self.rounding(dimension: inputDimension)
    let norms = directions.rowNorms()
    guard norms.allSatisfy({ abs($0 - 1) <= 2e-14 }), contributions.isFinite(),
      contributions.rows == directions.rows
    else { throw .anotherNetwork("directions are not unit vectors") }
    if let basis {
      var products = Matrix.product(basis, basis, transposeB: true)
      products.subtract(.identity(basis.rows))
      guard products.frobeniusNorm <= rounding else {
        throw .anotherNetwork("the basis is not orthonormal")
      }
      guard !hasHiddenBias || keepsConstant(basis) else {
        throw .anotherNetwork("the basis mixes the hidden bias with inputs")
      }
    }
    let plain = network.converted(to: Double.self)
    let bound = ReductionBound(plain).bound(
      directions: directions, contributions: contributions, basis: basis)
    // Products are added in another order on another machine.
    guard bound <= errorBound * (1 + 1e-9) else {
      throw .anotherNetwork("outputs differ by up to \(bound), the certificate says \(errorBound)")
    }
  }

  /// Whether the last row and the last column of a basis are 0 but for a 1 in the corner.
  private func keepsConstant(_ basis: Matrix<Double>) -> Bool {
    let (row, column) = (basis.rows - 1, basis.columns - 1)
    return (0..<row).allSatisfy { basis[$0, column] == 0 }
      && (0..<column).allSatisfy { basis[row, $0] == 0 } && basis[row, column] == 1
  }
}

/// What is wrong with a certificate.
package enum CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It belongs to another network; says how that shows.
  case anotherNetwork(String)
  /// It is not a certificate: boxes that do not cover, multipliers that do not fit.
  case malformed(String)
  /// It proves less than it claims.
  case weaker(claimed: Double, proved: Double)

  /// One line for a person.
  package var description: String {
    switch self {
    case .anotherNetwork(let reason): "the certificate is of another network: \(reason)"
    case .malformed(let reason): "not a certificate: \(reason)"
    case .weaker(let claimed, let proved):
      "the certificate claims a radius of \(claimed) and proves \(proved)"
    }
  }
}
