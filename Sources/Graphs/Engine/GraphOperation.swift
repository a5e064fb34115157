import LinearCore

/// One step of a graph: what it does to a batch, and how derivatives go back through it.
///
/// Values are what an ONNX graph makes of one sample: a batch holds one row for each, its numbers in the
/// order of the standard, channels first. An operation treats every row by itself, and runs on the thread
/// that calls it. Its constants belong to the ``GraphNetwork`` and are handed in.
package protocol GraphOperation: Sendable {
  /// Takes a batch through the operation.
  ///
  /// - Parameters:
  ///   - inputs: a matrix an input, one row a sample. Taken out of the array, they may be changed in
  ///     place.
  ///   - constants: those that the step was made with.
  ///   - keepsWayBack: whether derivatives will be asked for.
  func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar>

  /// Multiplications and additions for one sample, about.
  var work: Int { get }

  /// Numbers that one sample needs on its way beside what comes out, at most.
  var scratch: Int { get }

  /// What it is called in descriptions of a model.
  var description: String { get }
}

extension GraphOperation {
  /// None.
  package var scratch: Int { 0 }
}

/// A batch that has gone through an operation.
package struct GraphPass<Scalar: LinearScalar> {
  /// From the derivatives with respect to the outputs, which may be changed in place, to those with
  /// respect to every input.
  package typealias Backward = (_ cotangent: inout Matrix<Scalar>) -> [Matrix<Scalar>]

  /// One row a sample.
  package let outputs: Matrix<Scalar>
  /// Nil unless asked for.
  package let backward: Backward?

  /// A pass.
  package init(_ outputs: Matrix<Scalar>, backward: Backward?) {
    self.outputs = outputs
    self.backward = backward
  }
}

extension Matrix {
  /// A matrix without entries, to stand where one was taken away.
  static var none: Matrix { Matrix(rows: 0, columns: 0) }

  /// Takes the matrix away, so that whoever gets it is the only one who holds it.
  mutating func taken() -> Matrix {
    let result = self
    self = .none
    return result
  }

  /// The same numbers in rows of another length.
  func reshaped(columns: Int) -> Matrix {
    Matrix(rows: columns == 0 ? 0 : elements.count / columns, columns: columns, elements: elements)
  }
}
