import Datasets
import Formats
import LinearCore
import Networks

extension StoredModel {
  /// The model of raw inputs, where this one expects (x - mean) / deviation: folded into the weights of a network of
  /// one hidden layer without input normalisation, and beside the network otherwise.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` for a network that can only be computed in units of its own.
  package func standardizingInputs(mean: [Double], deviation: [Double]) throws(ExperimentError)
    -> StoredModel
  {
    if let folded = foldingStandardization(mean: mean, deviation: deviation) { return folded }
    guard network is any Classifier<Float> else {
      throw .usage(
        "\(SettingName("input-std")): the network has weights that single precision does not hold, expected "
          + "one without input normalisation or with weights of ordinary size")
    }
    return StoredModel(StandardizedModel(base: network, mean: mean, deviation: deviation))
  }

  /// The same as a network of one hidden layer; nil where the map cannot be folded into the weights exactly.
  package func foldingStandardization(mean: [Double], deviation: [Double]) -> StoredModel? {
    let folded =
      shallow?.standardizingInputs(mean: mean, deviation: deviation)
      ?? extreme?.standardizingInputs(mean: mean, deviation: deviation)
    guard let folded else { return nil }
    let weights =
      folded.hiddenWeights.elements + folded.outputWeights.elements + (folded.center ?? [])
      + (folded.outputBias ?? [])
    let range = Double(Float.leastNormalMagnitude)...Double(Float.greatestFiniteMagnitude)
    let isHeld = weights.allSatisfy { $0 == 0 || range.contains($0.magnitude) }
    return isHeld && shallow != nil
      ? StoredModel(folded.converted(to: Float.self)) : StoredModel(folded)
  }
}

/// A model of standardised inputs as one of raw inputs; see `StandardizedClassifier`.
private struct StandardizedModel: StoredNetwork {
  let base: any StoredNetwork
  let mean: [Double]
  let deviation: [Double]

  var inputDimension: Int { base.inputDimension }
  var classCount: Int { base.classCount }
  var inputImage: InputImage? { base.inputImage }

  var checksum: String {
    var sum = ContentDigest()
    sum.update(base.checksum)
    for values in [mean, deviation] { values.withUnsafeBytes { sum.update($0) } }
    return sum.hexadecimal
  }

  func write(to path: String, classes: [ClassLabel]?) throws(FormatError) {
    throw FormatError(
      path: path, "cannot hold a network together with \(SettingName("input-mean"))")
  }

  func fitted(to data: Dataset, reference: Dataset?) throws(ExperimentError) -> FittedModel {
    guard let classifier = base as? any Classifier<Float> else {
      throw .usage(
        "\(SettingName("input-std")): the network cannot be computed in single precision")
    }
    return try FittedModel(
      unscaled: wrapped(classifier), data: data, reference: reference)
  }

  private func wrapped<Base: Classifier<Float>>(_ classifier: Base) -> any Classifier<Float> {
    StandardizedClassifier(classifier, mean: mean, deviation: deviation)
  }
}
