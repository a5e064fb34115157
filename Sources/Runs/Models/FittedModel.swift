import Datasets
import Formats
import Foundation
import LinearCore
import Networks

/// A model with the data it is evaluated on, both in units in which single precision holds them: what
/// `attack`, `certify` and `inspect` compute with, so that they agree on every class.
///
/// Models and data of ordinary size stay as they are. Otherwise lengths are in units of ``unit``, and a network
/// of one hidden layer is scaled as ``ScaledNetwork`` says; radii, norms and bounds are scaled back where they
/// are reported.
package struct FittedModel: Sendable {
  /// The model, in single precision.
  package let classifier: any Classifier<Float>
  /// The samples, in units of ``unit``.
  package let data: Dataset
  /// The samples that tell where classes lie, in the same units.
  package let reference: Dataset
  /// A power of two.
  package var unit: Double { data.unit }
  /// What contributions, and bounds of the outputs at ||x|| = 1, are to be multiplied by.
  package let contributionScale: Double
  /// Neurons left out, because they contribute less than single precision holds beside others.
  package let lostNeurons: Int

  /// The network, where it is one of one hidden layer.
  package var network: PReLUNetwork<Float>? { classifier as? PReLUNetwork<Float> }

  /// What is said about neurons that were left out.
  package var warning: String? {
    lostNeurons == 0
      ? nil
      : "\(lostNeurons) neurons contribute less than 1e-30 of the largest contribution and are taken for 0"
  }
}

extension FittedModel {
  /// A classifier that is computed as it is, with data in the user's units.
  package init(unscaled classifier: any Classifier<Float>, data: Dataset, reference: Dataset?)
    throws(ExperimentError)
  {
    do {
      self.init(
        classifier: classifier, data: try data.inUserUnits(),
        reference: try (reference ?? data).inUserUnits(), contributionScale: 1, lostNeurons: 0)
    } catch { throw ExperimentError(error) }
  }
}

extension PReLUNetwork: StoredNetwork {
  package func write(to path: String, classes: [ClassLabel]?) throws(FormatError) {
    try ModelFile.write(self, to: path, classes: classes)
  }

  /// Weights that are not in single precision, and data of unusual size, are scaled as ``ScaledNetwork`` says.
  package func fitted(to data: Dataset, reference: Dataset?) throws(ExperimentError) -> FittedModel
  {
    do {
      let unit = FittedModel.unit(data, reference, center: center?.map { Double($0) })
      let single = self as? PReLUNetwork<Float>
      if let single, unit == 1 {
        return try FittedModel.fitted(
          ScaledNetwork(unscaled: single), to: data, reference, unit: unit, isRescaled: false)
      }
      let scaled = try ScaledNetwork(converted(to: Double.self), unitExponent: unit.exponent)
      return try FittedModel.fitted(
        scaled, to: data, reference, unit: unit, isRescaled: true)
    } catch { throw ExperimentError(error) }
  }
}

extension FittedModel {
  fileprivate static func fitted(
    _ scaled: ScaledNetwork, to data: Dataset, _ reference: Dataset?, unit: Double,
    isRescaled: Bool
  ) throws -> FittedModel {
    let samples = try data.inUnit(unit)
    var exact = samples.inputsInDoublePrecision
    if unit != 1 { exact.elements = exact.elements.map { scalbn($0, -unit.exponent) } }
    let loss = scaled.loss(
      exact: exact, rounded: samples.withoutDenormalCoordinates().inputs,
      isWhole: isRescaled || samples.hasTinyCoordinates)
    let advice = "evaluate it with others of its size"
    switch loss {
    case .coordinates(let row):
      throw ExperimentError.usage(
        "\(SettingName("data")) \(data.name): sample \(row) depends on numbers that single precision loses beside larger "
          + "ones; \(advice)")
    case .outputs(let row):
      throw ExperimentError.usage(
        "\(SettingName("data")) \(data.name): the outputs of sample \(row) are too small or too large for single precision "
          + "beside the others; \(advice)")
    case nil: break
    }
    return FittedModel(
      classifier: scaled.network, data: samples.withoutDenormalCoordinates(),
      reference: try reference.map { try $0.inUnit(unit).withoutDenormalCoordinates() }
        ?? samples.withoutDenormalCoordinates(),
      contributionScale: scalbn(1, scaled.contributionExponent), lostNeurons: scaled.lostNeurons)
  }

  /// The largest unit that anything asks for, 1 where everything is of ordinary size.
  fileprivate static func unit(_ data: Dataset, _ reference: Dataset?, center: [Double]?) -> Double
  {
    let size = (center ?? []).reduce(0) { max($0, $1.magnitude) }
    let units = [data.unit, reference?.unit ?? data.unit]
    guard size > 0 else { return units.max()! }
    return max(
      units.max()!, (-40...40).contains(size.exponent) ? 1 : scalbn(1, size.exponent))
  }
}

extension StoredModel {
  /// A network of one hidden layer in single precision, and what its contributions are to be multiplied by: for
  /// what does not depend on data.
  /// - Throws: ``ExperimentError/usage(_:)`` for a network of another kind.
  package func rebalanced() throws(ExperimentError) -> (
    network: PReLUNetwork<Float>, contributionScale: Double
  ) {
    if let shallow { return (shallow, 1) }
    guard var network = extreme else {
      throw .usage("a network of another kind; expected one of one hidden layer")
    }
    // The bias is no contribution, and may be of any size beside them.
    network.outputBias = nil
    do {
      let scaled = try ScaledNetwork(network)
      return (scaled.network, scalbn(1, scaled.contributionExponent))
    } catch { throw ExperimentError(error) }
  }
}
