import LinearCore

/// Where finished chunks are kept, so that work that was cut off goes on where it stopped.
package protocol EvaluationStore<Scalar> {
  /// The scalar type of perturbations.
  associatedtype Scalar: LinearScalar
  /// The chunk with this number, if it is there.
  func chunk(_ number: Int) -> EvaluationChunk<Scalar>?
  /// Keeps a finished chunk under its number.
  func keep(_ chunk: EvaluationChunk<Scalar>, number: Int)
  /// Hears that a chunk it has was not believed, and why; it is attacked again.
  func reject(_ number: Int, reason: String)
}

extension EvaluationStore {
  package func reject(_ number: Int, reason: String) {}
}
