import LinearCore

/// The largest number of every window, channel by channel.
package struct MaxPooling: GraphOperation {
  package let geometry: WindowGeometry
  package let channels: Int

  package var work: Int { channels * geometry.positions * geometry.windowPixels }
  package var scratch: Int { channels * geometry.positions }
  package var description: String {
    "max pooling \(geometry.rows.kernel)x\(geometry.columns.kernel)"
  }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let images = inputs[0].taken()
    var places = [Int32](repeating: -1, count: images.rows * channels * geometry.positions)
    var values = Matrix<Scalar>(
      uninitializedRows: images.rows, columns: channels * geometry.positions)
    largest(images, into: &values, &places)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      var gradient = Matrix<Scalar>(rows: cotangent.rows, columns: channels * geometry.pixels)
      scatter(cotangent, places, addingTo: &gradient)
      return [gradient]
    }
  }

  /// The largest numbers, and where in its channel each was found first.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func largest<Scalar: LinearScalar>(
    _ images: Matrix<Scalar>, into values: inout Matrix<Scalar>, _ places: inout [Int32]
  ) {
    let (across, stride) = (geometry.columns.output, geometry.columns.stride)
    let planes = images.rows * channels
    values.withMutablePointer { values in
      values.update(repeating: -.infinity, count: planes * geometry.positions)
      images.withPointer { images in
        places.withUnsafeMutableBufferPointer { places in
          for plane in 0..<planes {
            let source = images + plane * geometry.pixels
            let target = values + plane * geometry.positions
            let found = places.baseAddress! + plane * geometry.positions
            geometry.forEachRun(rowsOfWindows: 0..<geometry.rows.output) { _, row, inside, origin in
              let (line, places) = (target + row * across, found + row * across)
              for column in inside {
                let place = origin + column * stride
                let value = source[place]
                // Not-a-number is larger than anything, as in PyTorch.
                if value > line[column] || value.isNaN || places[column] < 0 {
                  line[column] = value
                  places[column] = Int32(truncatingIfNeeded: place)
                }
              }
            }
          }
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func scatter<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, _ places: [Int32], addingTo gradient: inout Matrix<Scalar>
  ) {
    gradient.withMutablePointer { gradient in
      cotangent.withPointer { cotangent in
        for plane in 0..<places.count / geometry.positions {
          let target = gradient + plane * geometry.pixels
          for position in plane * geometry.positions..<(plane + 1) * geometry.positions
          where places[position] >= 0 {
            target[Int(truncatingIfNeeded: places[position])] += cotangent[position]
          }
        }
      }
    }
  }
}
