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

extension RealDataSettings {
  /// Checks what does not depend on the data. A figure has a panel for every degree.
  package func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    try check.degrees("degrees", degrees, limit: 26)
    if let trainLimit { try check.count("trainLimit", trainLimit) }
    try check.count("hiddenWidth", hiddenWidth, in: 1...PReLUNetwork<Float>.maximumWeightCount)
    try check.count("epochs", epochs)
    try check.count("batchSize", batchSize)
    try check.positive("learningRate", learningRate)
    try check.count("attackedSamples", attackedSamples)
    // Of a feature file the number of categories is not known yet.
    let classCount = labels == .category ? 10 : labels.classCount(categoryCount: 10)
    for (number, curve) in curves.enumerated() {
      let own = check.at("curves.\(number)")
      try own.radii("epsilons", curve.epsilons)
      for (name, attack) in [("attack", curve.attack), ("plainAttack", curve.plainAttack)] {
        guard let attack else { continue }
        try own.attack(
          name, attack, norm: curve.norm, classCount: classCount, hasRadii: true)
      }
      try own.list("tabulated", curve.tabulated) { (value) throws(ExperimentError) in
        guard curve.epsilons.contains(value) else {
          throw own.refusal("tabulated", value, "some of the epsilons of the same curve")
        }
      }
    }
    if let twoSided { try check.twoSided("twoSided", twoSided, classCount: classCount) }
  }
}
