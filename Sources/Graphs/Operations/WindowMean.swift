import LinearCore

/// The mean of every window, channel by channel.
package struct WindowMean: GraphOperation {
  package let geometry: WindowGeometry
  package let channels: Int
  /// Whether pixels of the border count.
  let countsBorder: Bool

  package var work: Int { channels * geometry.positions * geometry.windowPixels }
  package var description: String {
    "average pooling \(geometry.rows.kernel)x\(geometry.columns.kernel)"
  }

  /// One over the pixels that count, for every window.
  package var shares: [Double] {
    func counts(_ axis: WindowAxis) -> [Int] {
      (0..<axis.output).map { window in
        let start = window * axis.stride - axis.before
        return (0..<axis.kernel).count { offset in
          let pixel = start + offset * axis.dilation
          return countsBorder ? pixel < axis.input + axis.after : (0..<axis.input).contains(pixel)
        }
      }
    }
    let (down, across) = (counts(geometry.rows), counts(geometry.columns))
    return down.flatMap { rows in across.map { 1 / Double(max(1, rows * $0)) } }
  }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let images = inputs[0].taken()
    let shares = shares.map { Scalar($0) }
    var values = Matrix<Scalar>(rows: images.rows, columns: channels * geometry.positions)
    sum(images, into: &values)
    scale(&values, shares)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      scale(&cotangent, shares)
      var gradient = Matrix<Scalar>(rows: cotangent.rows, columns: channels * geometry.pixels)
      spread(cotangent, into: &gradient)
      return [gradient]
    }
  }

  /// Whether windows of two by two pixels lie side by side, as they mostly do.
  private var isHalving: Bool {
    [geometry.rows, geometry.columns].allSatisfy {
      $0.kernel == 2 && $0.stride == 2 && $0.dilation == 1 && $0.before == 0
        && 2 * $0.output <= $0.input
    }
  }

  /// Adds the pixels of every window.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func sum<Scalar: LinearScalar>(
    _ images: Matrix<Scalar>, into values: inout Matrix<Scalar>
  ) {
    let (across, stride) = (geometry.columns.output, geometry.columns.stride)
    let planes = images.rows * channels
    values.withMutablePointer { values in
      images.withPointer { images in
        for plane in 0..<planes {
          let source = images + plane * geometry.pixels
          let target = values + plane * geometry.positions
          if isHalving {
            for row in 0..<geometry.rows.output {
              let first = source + 2 * row * geometry.columns.input
              let (second, line) = (first + geometry.columns.input, target + row * across)
              for i in 0..<across {
                line[i] = first[2 * i] + first[2 * i + 1] + second[2 * i] + second[2 * i + 1]
              }
            }
            continue
          }
          geometry.forEachRun(rowsOfWindows: 0..<geometry.rows.output) { _, row, inside, origin in
            let line = target + row * across
            for column in inside { line[column] += source[origin + column * stride] }
          }
        }
      }
    }
  }

  /// Adds the number of every window to its pixels.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func spread<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, into gradient: inout Matrix<Scalar>
  ) {
    let (across, stride) = (geometry.columns.output, geometry.columns.stride)
    let planes = cotangent.rows * channels
    gradient.withMutablePointer { gradient in
      cotangent.withPointer { cotangent in
        for plane in 0..<planes {
          let source = cotangent + plane * geometry.positions
          let target = gradient + plane * geometry.pixels
          if isHalving {
            for row in 0..<geometry.rows.output {
              let first = target + 2 * row * geometry.columns.input
              let (second, line) = (first + geometry.columns.input, source + row * across)
              for i in 0..<across {
                (first[2 * i], first[2 * i + 1]) = (line[i], line[i])
                (second[2 * i], second[2 * i + 1]) = (line[i], line[i])
              }
            }
            continue
          }
          geometry.forEachRun(rowsOfWindows: 0..<geometry.rows.output) { _, row, inside, origin in
            let line = source + row * across
            for column in inside { target[origin + column * stride] += line[column] }
          }
        }
      }
    }
  }

  /// Multiplies the number of every window by its share.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func scale<Scalar: LinearScalar>(_ values: inout Matrix<Scalar>, _ shares: [Scalar]) {
    let (planes, positions) = (values.rows * channels, geometry.positions)
    values.withMutablePointer { values in
      shares.withUnsafeBufferPointer { shares in
        for plane in 0..<planes {
          let target = values + plane * positions
          for position in 0..<positions { target[position] *= shares[position] }
        }
      }
    }
  }
}
