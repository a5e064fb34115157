import ArgumentParser
import Certification
import Experiments
import LinearCore
import Runs
import Studies

/// Randomised smoothing beside a proof.
struct SmoothingOptions: ParsableArguments {
  @Option(
    name: .customLong("smoothing"), parsing: .unconditional,
    help: ArgumentHelp(
      "Also the radius of the network smoothed by noise of this standard deviation in every coordinate.",
      valueName: "sigma"),
    transform: ArgumentText.duration)
  var sigma: Double?

  @Option(
    name: .customLong("smoothing-samples"), parsing: .unconditional,
    help: ArgumentHelp(
      "Noisy copies of a sample that estimate the probability. (default: 10000)", valueName: "n"),
    transform: ArgumentText.count)
  var samples: Int?

  @Option(
    name: .customLong("smoothing-confidence"), parsing: .unconditional,
    help: ArgumentHelp(
      "The probability with which a smoothed radius holds. (default: 0.999)", valueName: "c"),
    transform: ArgumentText.probability)
  var confidence: Double?

  /// The settings; nil without `--smoothing`.
  func settings(norm: Norm) throws -> SmoothingSettings? {
    guard let sigma else {
      if samples != nil || confidence != nil {
        throw ExperimentError.usage(
          "--smoothing: is missing, and \(samples != nil ? "--smoothing-samples" : "--smoothing-confidence") "
            + "needs it")
      }
      return nil
    }
    guard norm == .l2 else {
      throw ExperimentError.usage("--smoothing: is for --norm l2, not \(norm.rawValue)")
    }
    var settings = SmoothingSettings(sigma: sigma)
    if let samples { settings.samples = samples }
    if let confidence { settings.failureProbability = 1 - confidence }
    return settings
  }
}
