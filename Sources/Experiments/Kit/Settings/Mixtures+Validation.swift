import Alignment
import Datasets
import LinearCore
import Networks
import Runs
import Studies

extension MixtureExperiment.Settings {
  /// Checks everything. A figure has a panel for every degree.
  package func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    try check.degrees("degrees", degrees, limit: 26)
    try check.mixture(
      "mixture", mixture,
      samples: ["attackedSamples": attackedSamples, "distance.samples": distance.samples])
    try check.width("hiddenWidth", hiddenWidth, dimension: mixture.dimension)
    try check.initialScale("initialScale", initialScale)
    try check.positive("learningRate", learningRate)
    try check.count("batchSize", batchSize)
    try check.count("epochs", epochs)
    try check.attack("attack", attack, hasRadii: true)
    try distance.validate(check.at("distance"), dimension: mixture.dimension)
    try check.twoSided("twoSided", twoSided)
    var experiment = MixtureExperiment(ExperimentOptions(preset: preset))
    experiment.settings = self
    try check.cells(most: [degrees.count, distance.alphas.count]) { experiment.cells }
    let names = Set(experiment.cells.map { $0.distanceName(seed: 0) })
    guard names.count == experiment.cells.count else {
      throw check.refusal("distance.alphas", "a list", "numbers that differ in four decimal places")
    }
  }
}

extension DistanceSettings {
  /// Checks noise levels and ascent.
  func validate(_ check: SettingsCheck, dimension: Int) throws(ExperimentError) {
    try check.alphas("alphas", alphas)
    guard alphas == alphas.sorted() else {
      throw check.refusal("alphas", "a list that falls", "numbers in rising order")
    }
    try check.count("ascentRepeats", ascentRepeats, in: 0...10_000)
    let own = check.at("ascent")
    // The starts of a batch, and the best point of every hundred, are in memory.
    let most = (1 << 28) / max(1, min(dimension, 1 << 28))
    try own.count("points", ascent.points, in: 1...max(1, most))
    try own.count("batches", ascent.batches, in: 1...max(1, most / (ascent.points / 100 + 1)))
    try own.count("steps", ascent.steps, in: 0...NumberText.largestCount)
    try own.positive("stepLength", ascent.stepLength)
    try own.number("tolerance", ascent.tolerance, in: 0...1)
  }
}

extension OrthonormalGMMExperiment.Settings {
  /// Checks everything.
  package func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    try check.degree("exponent", exponent)
    try check.initialScale("initialScale", initialScale)
    try check.number("nudge", nudge, in: 0...1e30)
    try check.positive("learningRate", learningRate)
    for (name, mixture) in [
      ("dynamicsMixture", dynamicsMixture), ("robustnessMixture", robustnessMixture),
    ] {
      try check.mixture(name, mixture, samples: ["attackedSamples": attackedSamples])
    }
    try check.width("dynamicsWidth", dynamicsWidth, dimension: dynamicsMixture.dimension)
    // Deep networks have layers of width x width.
    try check.width(
      "robustnessWidth", robustnessWidth,
      dimension: max(robustnessMixture.dimension, robustnessWidth))
    try check.count("iterations", iterations)
    try check.count("recordEvery", recordEvery, in: 1...max(1, iterations))
    try check.count("distanceEvery", distanceEvery, in: 1...max(1, iterations))
    try check.count("epochs", epochs)
    try check.count("batchSize", batchSize)
    try check.positive("powerScale", powerScale)
    try check.attack("attack", attack)
  }
}

extension DigitsParityExperiment.Settings {
  /// Checks everything. A figure has a panel for every degree.
  package func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    try check.degrees("degrees", degrees, limit: 26)
    try check.width("hiddenWidth", hiddenWidth, dimension: 65)
    try check.initialScale("initialScale", initialScale)
    try check.positive("learningRate", learningRate)
    try check.momentum("momentum", momentum)
    try check.count("batchSize", batchSize)
    try check.count("epochs", epochs)
    try check.attack("attack", attack, hasRadii: true)
    try check.twoSided("twoSided", twoSided)
  }
}
