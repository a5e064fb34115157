import LinearCore

/// A classifier in few dimensions in the place of one in many, for attacks in l2: its inputs are those of the original through
/// a map with orthonormal rows, so perturbations lift back at the same Euclidean norm.
package protocol ClassifierReduction<Original>: Sendable {
  /// What is reduced.
  associatedtype Original: Classifier<Float>
  /// What it is reduced to.
  associatedtype Reduced: Classifier<Float>

  /// The reduced classifier, with the outputs of the original.
  var network: Reduced { get }
  /// What is left and how exact it is.
  var summary: ReductionSummary { get }
  /// The share of all contributions to the outputs that the reduced classifier may differ by, by default.
  static var defaultTolerance: Double { get }

  /// Reduces a classifier.
  /// - Throws: ``NetworkError`` saying why it cannot be reduced.
  static func reduction(of original: Original, tolerance: Double) throws(NetworkError) -> Self

  /// Inputs as the reduced classifier sees them: (n, inputDimension) to (n, inputDimension of the reduced one).
  func project(_ inputs: Matrix<Float>) -> Matrix<Float>
  /// Directions and perturbations as the reduced classifier sees them.
  func project(directions: Matrix<Float>) -> Matrix<Float>
  /// Perturbations of the reduced classifier's inputs as those of the original's, of the same norm.
  func lift(_ perturbations: Matrix<Float>) -> Matrix<Float>
  /// How far the reduced classifier's decision boundary may lie from the original's at some points of it.
  func radiusUncertainty(at inputs: Matrix<Float>, labels: [Int]) -> [Double]
}

extension ReducedNetwork: ClassifierReduction where Scalar == Float {
  /// The reduction of a network to less than half of its dimensions.
  package static func reduction(of original: PReLUNetwork<Float>, tolerance: Double)
    throws(NetworkError) -> ReducedNetwork
  {
    try ReducedNetwork(original, tolerance: tolerance)
  }
}
