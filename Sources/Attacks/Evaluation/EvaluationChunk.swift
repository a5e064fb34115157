import LinearCore

/// What an evaluation has found for some samples: the piece in which long work is kept and resumed.
package struct EvaluationChunk<Scalar: LinearScalar>: Sendable {
  /// Rows of the data: the correctly classified samples of the chunk.
  package let rows: [Int]
  /// The radius of each; infinite where no attack succeeded.
  package var radii: [Double]
  /// The attack that found it.
  package var attacks: [String?]
  /// The adversarial perturbations, (rows.count, inputDimension); zeros where there is none.
  package var perturbations: Matrix<Scalar>
  /// Gradient passes spent on each sample.
  package var gradientPasses: [Int]
  /// Passes without gradient spent on each sample.
  package var forwardPasses: [Int]
  /// Perturbations that an independent evaluation did not confirm; their samples count as standing.
  package var unconfirmed: Int

  /// A chunk; all lists have one entry a row.
  package init(
    rows: [Int], radii: [Double], attacks: [String?], perturbations: Matrix<Scalar>,
    gradientPasses: [Int], forwardPasses: [Int], unconfirmed: Int
  ) {
    self.rows = rows
    self.radii = radii
    self.attacks = attacks
    self.perturbations = perturbations
    self.gradientPasses = gradientPasses
    self.forwardPasses = forwardPasses
    self.unconfirmed = unconfirmed
  }
}
