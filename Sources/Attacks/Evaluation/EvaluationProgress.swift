/// How far an evaluation is.
package struct EvaluationProgress: Sendable {
  /// Samples of all chunks that are finished.
  package let samples: Int
  /// The attack at work.
  package let attack: String
  /// The share of all work, 0...1, every attack counted alike.
  package let fraction: Double
}
