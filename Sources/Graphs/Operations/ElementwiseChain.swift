import LinearCore

/// Functions of one number, one after the other, applied in place to a stretch of numbers that fits into
/// the cache.
package struct ElementwiseChain: GraphOperation {
  /// A function, and which of the constants is its operand.
  package struct Link: Sendable, Equatable {
    package let function: ElementwiseFunction
    package internal(set) var operand: Int?
  }

  /// First to last.
  package private(set) var links: [Link]
  /// Numbers of a sample.
  package let count: Int

  /// One function on `count` numbers, whose operand is the only constant: one number, or one for each.
  init(_ function: ElementwiseFunction, count: Int) {
    links = [Link(function: function, operand: function.hasOperand ? 0 : nil)]
    self.count = count
  }

  private init(links: [Link], count: Int) {
    self.links = links
    self.count = count
  }

  /// Both chains as one, which has the constants of both.
  /// - Parameter operands: the number of constants of this one.
  func followed(by other: ElementwiseChain, operands: Int) -> ElementwiseChain {
    ElementwiseChain(
      links: links
        + other.links.map {
          Link(function: $0.function, operand: $0.operand.map { $0 + operands })
        }, count: count)
  }

  package var work: Int { links.count * count }
  // The slopes.
  package var scratch: Int { count }
  package var description: String {
    links.map { link in
      let text = "\(link.function)"
      return String(text.prefix { $0 != "(" })
    }.joined(separator: ", ")
  }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    var values = inputs[0].taken()
    var slopes =
      keepsWayBack
      ? Matrix<Scalar>(uninitializedRows: values.rows, columns: values.columns) : .none
    ElementwiseKernel.apply(links, constants, to: &values, slopes: &slopes, keepsWayBack)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      ElementwiseKernel.multiply(&cotangent, by: slopes)
      return [cotangent.taken()]
    }
  }
}

/// The loops of steps that treat every number by itself.
enum ElementwiseKernel {
  /// Numbers that are taken through a whole chain at once.
  private static let stretch = 1024

  /// Replaces values by what a chain makes of them, and fills `slopes` with the derivatives if asked to.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func apply<Scalar: LinearScalar>(
    _ links: [ElementwiseChain.Link], _ constants: [Matrix<Scalar>],
    to values: inout Matrix<Scalar>, slopes: inout Matrix<Scalar>, _ keepsSlopes: Bool
  ) {
    let (rows, columns) = (values.rows, values.columns)
    // An operand of one number is written out for a stretch.
    let isSingle = constants.map { $0.elements.count == 1 }
    let operands = constants.map {
      $0.elements.count == 1
        ? Matrix(
          rows: 1, columns: stretch, elements: [Scalar](repeating: $0[0, 0], count: stretch)) : $0
    }
    values.withMutablePointer { x in
      slopes.withMutablePointer { s in
        withPointers(to: operands) { operands in
          for row in 0..<rows {
            for start in stride(from: 0, to: columns, by: stretch) {
              let count = min(stretch, columns - start)
              let first = row * columns + start
              let own = keepsSlopes ? s + first : nil
              own?.update(repeating: 1, count: count)
              for link in links {
                link.function.apply(
                  count, x + first, slopes: own,
                  operand: link.operand.map { operands[$0] + (isSingle[$0] ? 0 : start) })
              }
            }
          }
        }
      }
    }
  }

  /// Calls `body` with a pointer to each of several matrices.
  private static func withPointers<Scalar: LinearScalar>(
    to matrices: [Matrix<Scalar>], _ found: [UnsafePointer<Scalar>] = [],
    _ body: ([UnsafePointer<Scalar>]) -> Void
  ) {
    guard found.count < matrices.count else { return body(found) }
    matrices[found.count].withPointer { withPointers(to: matrices, found + [$0], body) }
  }

  /// x <- x y.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func multiply<Scalar: LinearScalar>(_ x: inout Matrix<Scalar>, by y: Matrix<Scalar>) {
    let count = x.elements.count
    x.withMutablePointer { x in
      y.withPointer { y in
        for i in 0..<count { x[i] *= y[i] }
      }
    }
  }

  /// y <- y + x.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func add<Scalar: LinearScalar>(_ x: Matrix<Scalar>, to y: inout Matrix<Scalar>) {
    let count = x.elements.count
    y.withMutablePointer { y in
      x.withPointer { x in
        for i in 0..<count { y[i] += x[i] }
      }
    }
  }
}
