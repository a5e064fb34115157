import LinearCore

/// A value whose numbers are those of another, in another order, some of them left out, repeated, or
/// replaced by one number: transposition, slices, borders, and broadcasting.
package struct Rearrangement: GraphOperation {
  /// For every number of the result its place in the value; -1 stands for ``filling``.
  package let places: [Int32]
  /// Numbers of the value.
  package let inputCount: Int
  /// What stands outside of the value.
  package let filling: Double

  init(places: [Int32], inputCount: Int, filling: Double = 0) {
    self.places = places
    self.inputCount = inputCount
    self.filling = filling
  }

  /// Both as one step.
  func followed(by other: Rearrangement) -> Rearrangement? {
    let (fills, otherFills) = (places.contains(-1), other.places.contains(-1))
    if fills, otherFills, filling != other.filling { return nil }
    return Rearrangement(
      places: other.places.map { $0 < 0 ? -1 : places[Int(truncatingIfNeeded: $0)] },
      inputCount: inputCount,
      filling: fills ? filling : other.filling)
  }

  package var work: Int { places.count }
  package var description: String { "rearrange" }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let values = GatherKernel.gathered(inputs[0].taken(), places, filling: Scalar(filling))
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    let (places, inputCount) = (places, inputCount)
    return GraphPass(values) { cotangent in
      [GatherKernel.scattered(cotangent, places, columns: inputCount)]
    }
  }
}

/// Numbers of rows by their places.
enum GatherKernel {
  /// The numbers at places of every row, (n, places.count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func gathered<Scalar: LinearScalar>(
    _ values: Matrix<Scalar>, _ places: [Int32], filling: Scalar = 0
  ) -> Matrix<Scalar> {
    let (columns, count) = (values.columns, places.count)
    var result = Matrix<Scalar>(uninitializedRows: values.rows, columns: count)
    result.withMutablePointer { target in
      values.withPointer { source in
        places.withUnsafeBufferPointer { places in
          for row in 0..<values.rows {
            let (x, y) = (source + row * columns, target + row * count)
            for i in 0..<count {
              let place = Int(truncatingIfNeeded: places[i])
              y[i] = place < 0 ? filling : x[place]
            }
          }
        }
      }
    }
    return result
  }

  /// The sums of what was gathered from each place, (n, columns).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func scattered<Scalar: LinearScalar>(
    _ values: Matrix<Scalar>, _ places: [Int32], columns: Int
  ) -> Matrix<Scalar> {
    let count = places.count
    var result = Matrix<Scalar>(rows: values.rows, columns: columns)
    result.withMutablePointer { target in
      values.withPointer { source in
        places.withUnsafeBufferPointer { places in
          for row in 0..<values.rows {
            let (x, y) = (source + row * count, target + row * columns)
            for i in 0..<count where places[i] >= 0 {
              y[Int(truncatingIfNeeded: places[i])] += x[i]
            }
          }
        }
      }
    }
    return result
  }
}

/// Values of a sample side by side along an axis.
package struct Concatenation: GraphOperation {
  /// Stretches before the axis.
  package let outer: Int
  /// Numbers of a stretch of each value.
  package let lengths: [Int]

  private var total: Int { lengths.reduce(0, +) }

  package var work: Int { outer * total }
  package var description: String { "concatenate" }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let rows = inputs[0].rows
    var values = Matrix<Scalar>(uninitializedRows: rows, columns: outer * total)
    forEachPart { part, offset, length in
      values.withMutablePointer { target in
        inputs[part].withPointer { source in
          for stretch in 0..<rows * outer {
            (target + stretch * total + offset).update(
              from: source + stretch * length, count: length)
          }
        }
      }
    }
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      var gradients: [Matrix<Scalar>] = []
      forEachPart { _, offset, length in
        var gradient = Matrix<Scalar>(
          uninitializedRows: cotangent.rows, columns: outer * length)
        gradient.withMutablePointer { target in
          cotangent.withPointer { source in
            for stretch in 0..<cotangent.rows * outer {
              (target + stretch * length).update(
                from: source + stretch * total + offset, count: length)
            }
          }
        }
        gradients.append(gradient)
      }
      return gradients
    }
  }

  private func forEachPart(_ body: (_ part: Int, _ offset: Int, _ length: Int) -> Void) {
    var offset = 0
    for (part, length) in lengths.enumerated() {
      body(part, offset, length)
      offset += length
    }
  }
}
