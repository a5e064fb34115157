import LinearCore

/// A function of two values of a sample, each of which may be repeated along axes.
package struct BinaryOperation: GraphOperation {
  package enum Function: String, Sendable {
    case add, subtract, multiply, divide, maximum, minimum, raise
  }

  package let function: Function
  /// Numbers of the result.
  package let count: Int
  /// For every number of the result its place in each value; nil where it is the same.
  package let places: [[Int32]?]
  /// Numbers of each value.
  package let sizes: [Int]

  package var work: Int { count }
  package var scratch: Int { 2 * count }
  package var description: String { function.rawValue }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let left = places[0].map { GatherKernel.gathered(inputs[0], $0) } ?? inputs[0].taken()
    let right = places[1].map { GatherKernel.gathered(inputs[1], $0) } ?? inputs[1].taken()
    let isLinear = function == .add || function == .subtract
    var values = left
    Self.apply(function, &values, right)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    // Sums need nothing of what went in.
    let (a, b) = isLinear ? (.none, .none) : (left, right)
    let (function, places, sizes) = (function, places, sizes)
    return GraphPass(values) { cotangent in
      var first = cotangent.taken()
      var second = first
      Self.slopes(function, a, b, &first, &second)
      return [
        places[0].map { GatherKernel.scattered(first, $0, columns: sizes[0]) } ?? first,
        places[1].map { GatherKernel.scattered(second, $0, columns: sizes[1]) } ?? second,
      ]
    }
  }

  /// a <- function(a, b).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private static func apply<Scalar: LinearScalar>(
    _ function: Function, _ a: inout Matrix<Scalar>, _ b: Matrix<Scalar>
  ) {
    let count = a.elements.count
    a.withMutablePointer { a in
      b.withPointer { b in
        switch function {
        case .add: for i in 0..<count { a[i] += b[i] }
        case .subtract: for i in 0..<count { a[i] -= b[i] }
        case .multiply: for i in 0..<count { a[i] *= b[i] }
        case .divide: for i in 0..<count { a[i] /= b[i] }
        case .maximum: for i in 0..<count { a[i] = a[i] < b[i] ? b[i] : a[i] }
        case .minimum: for i in 0..<count { a[i] = a[i] > b[i] ? b[i] : a[i] }
        case .raise: for i in 0..<count { a[i] = Scalar.power(a[i], b[i]) }
        }
      }
    }
  }

  /// From the derivatives with respect to the result, in both `first` and `second`, to those with respect
  /// to a and b. Where a and b are equal, the larger and the smaller of them is a.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private static func slopes<Scalar: LinearScalar>(
    _ function: Function, _ a: Matrix<Scalar>, _ b: Matrix<Scalar>, _ first: inout Matrix<Scalar>,
    _ second: inout Matrix<Scalar>
  ) {
    let count = first.elements.count
    if function == .add { return }
    first.withMutablePointer { p in
      second.withMutablePointer { q in
        a.withPointer { a in
          b.withPointer { b in
            switch function {
            case .add: break
            case .subtract: for i in 0..<count { q[i] = -q[i] }
            case .multiply:
              for i in 0..<count {
                p[i] *= b[i]
                q[i] *= a[i]
              }
            case .divide:
              for i in 0..<count {
                p[i] /= b[i]
                q[i] = -p[i] * (a[i] / b[i])
              }
            case .maximum:
              for i in 0..<count { if a[i] < b[i] { p[i] = 0 } else { q[i] = 0 } }
            case .minimum:
              for i in 0..<count { if a[i] > b[i] { p[i] = 0 } else { q[i] = 0 } }
            case .raise:
              for i in 0..<count {
                p[i] *= b[i] * Scalar.power(a[i], b[i] - 1)
                q[i] *= a[i] > 0 ? Scalar.power(a[i], b[i]) * Scalar.logarithm(a[i]) : 0
              }
            }
          }
        }
      }
    }
  }
}
