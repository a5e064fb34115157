import LinearCore
import Networks

/// What certifies one sample, and therefore many.
public protocol SampleCertifier<Scalar>: Sendable {
  /// The scalar type of the network.
  associatedtype Scalar: LinearScalar

  /// The network whose decision boundary is looked at.
  var network: PReLUNetwork<Scalar> { get }

  /// Certifies one sample.
  ///
  /// - Parameter witness: a perturbation that changes the class, where one is known; it is evaluated anew.
  func certified(_ input: [Double], label: Int, index: Int, witness: [Double]?) -> CertifiedRadius
}

extension SampleCertifier {
  /// Certifies one sample of the network's scalar type.
  public func certify(
    _ input: [Scalar], label: Int, index: Int = 0, witness: [Scalar]? = nil
  ) -> CertifiedRadius {
    // Proofs are about all numbers, the denormal ones included.
    DenormalNumbers.kept {
      certified(
        input.map { Double($0) }, label: label, index: index,
        witness: witness.map { $0.map { Double($0) } })
    }
  }

  /// Certifies samples, several at a time; the result does not depend on the number of threads unless a
  /// budget's seconds end a search.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension).
  ///   - labels: their classes.
  ///   - witnesses: adversarial perturbations that are known, such as those of an attack, as rows; zeros
  ///     for none. A linear relaxation has no other source of upper bounds.
  ///   - progress: called as samples finish, from any thread.
  public func certify(
    _ inputs: Matrix<Scalar>, labels: [Int], witnesses: Matrix<Scalar>? = nil,
    progress: (@Sendable (CertifiedRadius) -> Void)? = nil
  ) -> [CertifiedRadius] {
    precondition(inputs.rows == labels.count, "one label a row")
    precondition(inputs.columns == network.inputDimension, "inputs of another dimension")
    var results = [CertifiedRadius?](repeating: nil, count: labels.count)
    results.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let target = target
      Parallel.forEach(labels.count) { index in
        let result = certify(
          inputs.row(index), label: labels[index], index: index, witness: witnesses?.row(index))
        target[index] = result
        progress?(result)
      }
    }
    return results.map { $0! }
  }
}
