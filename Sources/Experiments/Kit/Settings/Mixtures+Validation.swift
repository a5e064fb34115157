import Alignment
import Datasets
import LinearCore
import Networks
import Runs
import Studies

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
