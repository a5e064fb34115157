import LinearCore

/// Means over windows without padding, and the way back.
enum WindowMeans {
  /// (n, pixels x channels) to (n, windows x channels).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func forward<Scalar: LinearScalar>(_ inputs: Matrix<Scalar>, _ geometry: PatchGeometry)
    -> Matrix<Scalar>
  {
    let channels = geometry.input.channels
    var result = Matrix<Scalar>(rows: inputs.rows, columns: geometry.positions * channels)
    result.withMutablePointer { target in
      inputs.withPointer { source in
        for image in 0..<inputs.rows {
          geometry.forEachPixelOfWindows { position, pixel in
            let x = source + image * geometry.input.count + pixel * channels
            let y = target + (image * geometry.positions + position) * channels
            for c in 0..<channels { y[c] += x[c] }
          }
        }
        Scalar.scale(
          inputs.rows * geometry.positions * channels, 1 / Scalar(geometry.pixelsOfWindow), target)
      }
    }
    return result
  }

  /// (n, windows x channels) to (n, pixels x channels).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func backward<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, _ geometry: PatchGeometry
  ) -> Matrix<Scalar> {
    let channels = geometry.input.channels
    let share = 1 / Scalar(geometry.pixelsOfWindow)
    var result = Matrix<Scalar>(rows: cotangent.rows, columns: geometry.input.count)
    result.withMutablePointer { target in
      cotangent.withPointer { source in
        for image in 0..<cotangent.rows {
          geometry.forEachPixelOfWindows { position, pixel in
            let x = source + (image * geometry.positions + position) * channels
            let y = target + image * geometry.input.count + pixel * channels
            for c in 0..<channels { y[c] += share * x[c] }
          }
        }
      }
    }
    return result
  }
}
