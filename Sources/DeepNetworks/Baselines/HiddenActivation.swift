import Foundation
import LinearCore
import Networks

/// The activation of the hidden layers of a ``MultilayerPerceptron``.
package enum HiddenActivation: Sendable, Equatable, Codable, Hashable {
  /// tanh(z).
  case tanh
  /// relu(z); the derivative at 0 is 0.
  case relu
  /// relu(z)^p without the division by ||w||^(p-1) of a pReLU neuron, p >= 1.
  case powerReLU(exponent: Double)

  /// The degree p of a power of ReLU; nil for others.
  package var exponent: Double? {
    switch self {
    case .tanh: nil
    case .relu: 1
    case .powerReLU(let exponent): exponent
    }
  }

  /// Replaces pre-activations by their values and returns the derivatives, in the same shape.
  ///
  /// Denormal numbers are zeros in it, like in every piece of parallel work.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func apply<Scalar: LinearScalar>(to values: inout Matrix<Scalar>) -> Matrix<Scalar> {
    let count = values.elements.count
    var slopes = Matrix<Scalar>(uninitializedRows: values.rows, columns: values.columns)
    let power = VectorPower<Scalar>(exponent: (exponent ?? 1) - 1)
    values.withMutablePointer { z in
      slopes.withMutablePointer { slope in
        nonisolated(unsafe) let (z, slope) = (z, slope)
        Parallel.forEachBlock(of: count, size: 1 << 14) { _, range in
          apply(range.count, z + range.lowerBound, slope + range.lowerBound, power)
        }
      }
    }
    return slopes
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func apply<Scalar: LinearScalar>(
    _ count: Int, _ z: UnsafeMutablePointer<Scalar>, _ slope: UnsafeMutablePointer<Scalar>,
    _ power: VectorPower<Scalar>
  ) {
    guard let exponent else {
      for i in 0..<count {
        let value = Scalar(Foundation.tanh(Double(z[i])))
        z[i] = value
        slope[i] = 1 - value * value
      }
      return
    }
    // relu(z)^p = z relu(z)^(p-1), and its derivative p relu(z)^(p-1).
    power.apply(count, scale: 1, z, into: slope)
    let factor = Scalar(exponent)
    for i in 0..<count {
      z[i] *= slope[i]
      slope[i] *= factor
    }
  }

  /// The activation of one number, by the C library.
  func value(_ z: Double) -> Double {
    guard let exponent else { return Foundation.tanh(z) }
    return z > 0 ? pow(z, exponent) : 0
  }
}

/// The activation as a layer of a ``MultilayerPerceptron``. Model files do not know it.
struct ActivationLayer: Layer {
  static let kind = "activation"

  let activation: HiddenActivation

  /// The shape of the input, which does not change.
  func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    if let p = activation.exponent, !Degree.allowed.contains(p) {
      throw NetworkError("p is \(p); a power of ReLU needs a finite p >= 1")
    }
    return input
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    var values = inputs
    let slopes = activation.apply(to: &values)
    return LayerPass(outputs: values) { cotangent, _ in
      LayerPass.Gradient(inputs: ChannelLoops.product(cotangent, slopes))
    }
  }
}
