import LinearCore

/// Products of stacks of matrices, (rows, inner) times (inner, columns), sample by sample: of two values,
/// or of a value and a constant.
package struct StackedProduct: GraphOperation {
  package let rows: Int
  package let inner: Int
  package let columns: Int
  /// For every product where its factors start among the numbers of theirs.
  package let starts: [(left: Int, right: Int)]
  /// Numbers of each factor.
  package let sizes: (left: Int, right: Int)
  /// Which factor is a constant.
  package let constant: Side?

  package enum Side: Sendable { case left, right }

  package var work: Int { starts.count * rows * inner * columns }
  package var description: String { "product" }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let samples = inputs[0].rows
    let left = constant == .left ? constants[0] : inputs[0]
    let right =
      constant == .right ? constants[0] : inputs[constant == nil ? 1 : 0]
    inputs = []
    let size = rows * columns
    var values = Matrix<Scalar>(uninitializedRows: samples, columns: starts.count * size)
    values.withMutablePointer { c in
      left.withPointer { a in
        right.withPointer { b in
          forEachProduct(samples) { leftStart, rightStart, number in
            Scalar.gemm(
              transposeA: false, transposeB: false, m: rows, n: columns, k: inner, alpha: 1,
              a: a + leftStart, leadingA: inner, b: b + rightStart, leadingB: columns, beta: 0,
              c: c + number * size, leadingC: columns)
          }
        }
      }
    }
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      var gradients: [Matrix<Scalar>] = []
      if constant != .left { gradients.append(leftGradient(cotangent, right)) }
      if constant != .right { gradients.append(rightGradient(cotangent, left)) }
      return gradients
    }
  }

  /// dL/dA = dL/dC B^T, summed over the products that share A.
  private func leftGradient<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, _ right: Matrix<Scalar>
  ) -> Matrix<Scalar> {
    var gradient = Matrix<Scalar>(rows: cotangent.rows, columns: sizes.left)
    gradient.withMutablePointer { target in
      cotangent.withPointer { c in
        right.withPointer { b in
          forEachProduct(cotangent.rows) { leftStart, rightStart, number in
            Scalar.gemm(
              transposeA: false, transposeB: true, m: rows, n: inner, k: columns, alpha: 1,
              a: c + number * rows * columns, leadingA: columns, b: b + rightStart,
              leadingB: columns, beta: 1, c: target + leftStart, leadingC: inner)
          }
        }
      }
    }
    return gradient
  }

  /// dL/dB = A^T dL/dC, summed over the products that share B.
  private func rightGradient<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, _ left: Matrix<Scalar>
  ) -> Matrix<Scalar> {
    var gradient = Matrix<Scalar>(rows: cotangent.rows, columns: sizes.right)
    gradient.withMutablePointer { target in
      cotangent.withPointer { c in
        left.withPointer { a in
          forEachProduct(cotangent.rows) { leftStart, rightStart, number in
            Scalar.gemm(
              transposeA: true, transposeB: false, m: inner, n: columns, k: rows, alpha: 1,
              a: a + leftStart, leadingA: inner, b: c + number * rows * columns,
              leadingB: columns, beta: 1, c: target + rightStart, leadingC: columns)
          }
        }
      }
    }
    return gradient
  }

  /// Calls `body` with every product of every sample: where its factors start, and its number.
  private func forEachProduct(
    _ samples: Int, _ body: (_ left: Int, _ right: Int, _ number: Int) -> Void
  ) {
    for sample in 0..<samples {
      let left = constant == .left ? 0 : sample * sizes.left
      let right = constant == .right ? 0 : sample * sizes.right
      for (number, start) in starts.enumerated() {
        body(left + start.left, right + start.right, sample * starts.count + number)
      }
    }
  }
}
