import Datasets
import DeepNetworks
import LinearCore
import Networks
import Runs
import Training

extension CIFAR10Experiment.Settings {
  /// Checks everything, and that there are held-out images for all seeds.
  package func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    for (name, value) in [
      ("trainLimit", trainLimit), ("rateSamples", rateSamples), ("rateEpochs", rateEpochs),
      ("convolutionalEpochs", convolutionalEpochs), ("denseEpochs", denseEpochs),
      ("batchSize", batchSize), ("adversarialEpochs", adversarialEpochs),
    ] { try check.count(name, value) }
    let heldOut = CIFAR10Values.heldOutCount
    try check.count("attackedImages", attackedImages, in: 1...heldOut)
    try check.count("rankSamples", rankSamples, in: 1...heldOut)
    guard repeats <= heldOut / attackedImages else {
      throw .usage(
        "--repeats is \(repeats): every seed attacks \(attackedImages) held-out images of its own, expected "
          + "at most \(heldOut / attackedImages)")
    }
    try check.count("trialsPerEpoch", trialsPerEpoch, in: 0...1_000_000)
    try check.positives("learningRates", learningRates)
    for (name, norm, radii) in [("l2Radii", Norm.l2, l2Radii), ("linfRadii", .linf, linfRadii)] {
      try check.radii(name, radii)
      try check.attack("attack", attack, norm: norm, classCount: 10, hasRadii: true)
    }
    try check.twoSided("twoSided", twoSided)
    try validateNetworks(check)
  }

  private func validateNetworks(_ check: SettingsCheck) throws(ExperimentError) {
    try check.degrees("degrees", degrees)
    try check.degrees("adversarialDegrees", adversarialDegrees)
    for (name, sizes) in [("filters", filters), ("units", units)] {
      guard (1...20).contains(sizes.count), sizes.allSatisfy((1...10_000).contains) else {
        throw check.refusal(
          name, sizes.map(String.init).joined(separator: ","),
          "1 to 20 whole numbers from 1 to 10000")
      }
    }
    let names = [
      "crop-padding": "augmentation.padding", "adversarial-norm": "adversarial.norm",
      "adversarial-epsilon": "adversarial.epsilon", "adversarial-step": "adversarial.stepSize",
      "adversarial-steps": "adversarial.steps",
    ]
    let training = DeepTrainingConfiguration(
      augmentation: augmentation, adversarial: adversarial)
    for (network, name) in [(CIFAR10Network.convolutional, "filters"), (.dense, "units")] {
      let architecture: Architecture
      do throws(ExperimentError) {
        architecture = try network.architecture(self, exponent: degrees[0])
      } catch { throw error.prefixed("--set \(name)") }
      try check.own(names) { try training.validate(for: architecture.inputShape) }
    }
    if let box = adversarial.box, !(box.lowerBound < box.upperBound) {
      throw check.refusal("adversarial.box", "an empty range", "two numbers, the smaller first")
    }
  }
}
