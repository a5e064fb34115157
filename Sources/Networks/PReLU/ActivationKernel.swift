import LinearCore

/// The elementwise part of the hidden layer, on tiles of shape (neurons, samples).
///
/// With cos = z / ||w|| the feature is h = z a with the slope a = cos^(p-1): products of moderate
/// numbers, where z^p / ||w||^(p-1) would under- or overflow for the tiny weights training starts from.
/// All derivatives follow from z, h and a:
///
///     dh/dx = p a w,     dh/dw = p a x - (p-1) (h / ||w||^2) w.
struct ActivationKernel<Scalar: LinearScalar>: Sendable {
  let exponent: Double
  let slopePower: VectorPower<Scalar>

  init(exponent: Double) {
    self.exponent = exponent
    slopePower = VectorPower(exponent: exponent - 1)
  }

  /// Replaces pre-activations z by features h and writes the slopes a.
  ///
  /// - Parameters:
  ///   - norms: ||w_j|| of the tile's neurons.
  ///   - features: (neurons, samples), holding z on entry and h on return.
  ///   - slopes: (neurons, samples).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func apply(
    neurons: Int, samples: Int, norms: UnsafePointer<Scalar>,
    features: UnsafeMutablePointer<Scalar>, slopes: UnsafeMutablePointer<Scalar>
  ) {
    for j in 0..<neurons {
      let z = features + j * samples
      let a = slopes + j * samples
      // The reciprocal of a denormal norm may be infinite.
      guard norms[j] >= Scalar.leastNormalMagnitude else {
        z.update(repeating: 0, count: samples)
        a.update(repeating: 0, count: samples)
        continue
      }
      slopePower.apply(samples, scale: 1 / norms[j], z, into: a)
      for i in 0..<samples { z[i] *= a[i] }
    }
  }

  /// Row norms ||w_j|| of a contiguous block of weights (neurons, dimension).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func norms(
    neurons: Int, dimension: Int, weights: UnsafePointer<Scalar>,
    into norms: UnsafeMutablePointer<Scalar>
  ) {
    for j in 0..<neurons { norms[j] = RowKernels.norm(dimension, weights + j * dimension) }
  }
}
