import Attacks
import Datasets
import LinearCore
import Networks
import Runs

extension RobustnessStudy {
  /// Attacks a model of either kind; see ``run(_:data:reference:title:progress:)`` and
  /// ``run(classifier:data:reference:title:progress:)``.
  package func run(
    _ model: StoredModel, data: Dataset, reference: Dataset,
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    switch model {
    case .shallow(let network):
      try run(network, data: data, reference: reference, progress: progress)
    case .extreme:
      try run(fitted: model.fitted(to: data, reference: reference), progress: progress)
    case .deep(let network):
      try run(classifier: network, data: data, reference: reference, progress: progress)
    }
  }
}

extension RobustnessStudy {
  /// Attacks a model on data in common units. Radii of this study and of the result are in the user's.
  package func run(
    fitted: FittedModel, progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    var result = try run(
      fitted.model, data: fitted.data, reference: fitted.reference, progress: progress)
    result.scaleOutputs(by: fitted.contributionScale)
    return result
  }
}
