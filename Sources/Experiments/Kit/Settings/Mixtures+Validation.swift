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
