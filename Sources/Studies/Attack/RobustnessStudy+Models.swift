import Alignment
import Attacks
import Datasets
import LinearCore
import Networks
import Runs

/// A classifier whose structure attacks may use: directions that separate classes, and a smaller classifier that it
/// depends on.
package protocol StructuredClassifier: Classifier<Float> {
  /// Directions in which classes lie, (k, inputDimension), with the class of each.
  var classDirections: (rows: Matrix<Float>, labels: [Int]) { get }

  /// The attack of a smaller classifier in place of this one; nil where there is none.
  func attackReduced(
    _ evaluation: RobustnessEvaluation<Self>, data: Dataset, targets: [Int]?, isChecked: Bool,
    store: AttackCheckpoint?, progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<Float>?
}

extension PReLUNetwork<Float>: StructuredClassifier {
  /// Those of the dominant neurons.
  package var classDirections: (rows: Matrix<Float>, labels: [Int]) {
    classDirections(of: NeuronContributions(self).dominant())
  }

  /// In the few directions that all neurons lie in.
  package func attackReduced(
    _ evaluation: RobustnessEvaluation<Self>, data: Dataset, targets: [Int]?, isChecked: Bool,
    store: AttackCheckpoint?, progress: (EvaluationProgress) -> Void
  ) throws(AttackError) -> RobustnessResult<Float>? {
    guard let reduced = try? ReducedEvaluation<ReducedNetwork<Float>>(evaluation, of: self) else {
      return nil
    }
    return try reduced.run(
      inputs: data.inputs, labels: data.labels, targets: targets, isChecked: isChecked,
      store: store, progress: progress)
  }
}

extension RobustnessStudy {
  /// Attacks a model on data in common units. Radii of this study and of the result are in the user's.
  package func run(
    fitted: FittedModel, progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    var result = try run(
      classifier: fitted.classifier, data: fitted.data, reference: fitted.reference,
      progress: progress)
    result.scaleOutputs(by: fitted.contributionScale)
    return result
  }
}
