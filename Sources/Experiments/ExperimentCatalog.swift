import Runs

/// The experiments by name.
package enum ExperimentCatalog {
  /// All experiments.
  package static let all: [any Experiment.Type] = [
    OverviewExperiment.self, MixtureExperiment.self, DigitsParityExperiment.self,
    MNISTParityExperiment.self, MNISTDigitsExperiment.self, FashionParityExperiment.self,
    FeaturesExperiment.self, OrthonormalGMMExperiment.self, DegreeSweepExperiment.self,
    InitialScaleExperiment.self, FlowComparisonExperiment.self, SubclassScalingExperiment.self,
    CriticalRadiusExperiment.self, DeepMixtureExperiment.self, MNISTDeepExperiment.self,
    CIFAR10Experiment.self, FeatureAveragingExperiment.self,
  ]

  /// Says before an experiment that its report will have no figures, where gnuplot is missing.
  package static func warnIfFiguresWillBeMissing() { FigureSink.warnIfFiguresWillBeMissing() }

  /// The experiment called `name`, with options and their changes.
  package static func make(named name: String, _ options: ExperimentOptions) throws(ExperimentError)
    -> any Experiment
  {
    let type = try experiment(named: name)
    if let data = options.data, !type.takesData {
      throw .usage("--data \(data): the experiment '\(name)' brings its own data")
    }
    return try make(type, options)
  }

  private static func make<Kind: Experiment>(_ type: Kind.Type, _ options: ExperimentOptions)
    throws(ExperimentError) -> any Experiment
  { try type.init(options).changed(by: options) }

  /// The experiment called `name`.
  package static func experiment(named name: String) throws(ExperimentError) -> any Experiment.Type
  {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw .usage(
      "no experiment '\(name)', expected one of \(all.map { $0.name }.joined(separator: ", "))")
  }
}
