import LinearCore

/// Loops over samples with channels last that several layers need.
enum ChannelLoops {
  /// x_c scales_c + shifts_c for every pixel: (n, pixels x channels).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func scaled<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, _ scales: [Scalar], _ shifts: [Scalar]?
  ) -> Matrix<Scalar> {
    let channels = scales.count
    let pixels = inputs.elements.count / channels
    let shifts = shifts ?? [Scalar](repeating: 0, count: channels)
    var result = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: inputs.columns)
    result.withMutablePointer { target in
      inputs.withPointer { source in
        scales.withUnsafeBufferPointer { scales in
          shifts.withUnsafeBufferPointer { shifts in
            let (a, b) = (scales.baseAddress!, shifts.baseAddress!)
            for pixel in 0..<pixels {
              let (x, y) = (source + pixel * channels, target + pixel * channels)
              for c in 0..<channels { y[c] = x[c] * a[c] + b[c] }
            }
          }
        }
      }
    }
    return result
  }

  /// The sums over all pixels of all samples, one a channel: of x, and of x y.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func sums<Scalar: LinearScalar>(
    _ x: Matrix<Scalar>, times y: Matrix<Scalar>, channels: Int
  ) -> (sums: [Scalar], products: [Scalar]) {
    let pixels = x.elements.count / channels
    var sums = [Scalar](repeating: 0, count: channels)
    var products = sums
    x.withPointer { x in
      y.withPointer { y in
        sums.withUnsafeMutableBufferPointer { sums in
          products.withUnsafeMutableBufferPointer { products in
            let (a, b) = (sums.baseAddress!, products.baseAddress!)
            for pixel in 0..<pixels {
              let (p, q) = (x + pixel * channels, y + pixel * channels)
              for c in 0..<channels {
                a[c] += p[c]
                b[c] += p[c] * q[c]
              }
            }
          }
        }
      }
    }
    return (sums, products)
  }

  /// x + y.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func sum<Scalar: LinearScalar>(_ x: Matrix<Scalar>, _ y: Matrix<Scalar>) -> Matrix<Scalar>
  {
    var result = x
    let count = x.elements.count
    result.withMutablePointer { target in
      y.withPointer { source in
        for i in 0..<count { target[i] += source[i] }
      }
    }
    return result
  }

  /// x y, value by value.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func product<Scalar: LinearScalar>(_ x: Matrix<Scalar>, _ y: Matrix<Scalar>) -> Matrix<
    Scalar
  > {
    var result = x
    let count = x.elements.count
    result.withMutablePointer { target in
      y.withPointer { source in
        for i in 0..<count { target[i] *= source[i] }
      }
    }
    return result
  }
}
