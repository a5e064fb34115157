import DeepNetworks
import LinearCore
import Networks
import Runs
import Studies

/// The two kinds of network that are compared.
enum CIFAR10Network: String, Codable, Sendable, CaseIterable {
  case convolutional, dense

  /// The layers at one degree. Nothing but the degree differs between networks of a kind.
  func architecture(
    _ settings: CIFAR10Settings, exponent: Double, standardization: Standardization
  ) throws(ExperimentError) -> Architecture {
    var layers: [any Layer] = [standardization]
    switch self {
    case .convolutional:
      for filters in settings.filters {
        layers.append(
          ConvolutionalPReLU(filters: filters, kernel: 3, padding: 1, exponent: exponent))
        layers.append(LayerNormalization())
        layers.append(AveragePooling(window: 2))
      }
    case .dense:
      for units in settings.units {
        layers.append(DensePReLU(units: units, exponent: exponent))
        layers.append(LayerNormalization())
      }
    }
    layers.append(LinearHead(outputs: 10))
    do {
      return try Architecture(
        inputShape: FeatureShape(rows: 32, columns: 32, channels: 3), layers: layers)
    } catch { throw ExperimentError(error) }
  }

  func epochs(_ settings: CIFAR10Settings) -> Int {
    self == .convolutional ? settings.convolutionalEpochs : settings.denseEpochs
  }

  /// Relative costs, so that the longest runs start first.
  var cost: Double { self == .convolutional ? 10 : 1 }
}

/// A network, its degree and a learning rate to be tried.
struct CIFAR10RateCell: SweepCell {
  let network: CIFAR10Network
  let p: Double
  let rate: Double

  var parameters: [Parameter] {
    [
      SweepColumn("network", network.rawValue), SweepColumn("p", p), SweepColumn("rate", rate),
    ]
  }
  var cost: Double { network.cost }
}

/// A network and its degree, to be trained.
struct CIFAR10TrainingCell: SweepCell {
  let network: CIFAR10Network
  let p: Double
  let isAdversarial: Bool

  var parameters: [Parameter] {
    [
      SweepColumn("network", network.rawValue), SweepColumn("p", p),
      SweepColumn("training", isAdversarial ? "adversarial" : "ordinary"),
    ]
  }
  var cost: Double { network.cost }
}

/// A trained network at some moment of its training, to be measured: a row of the table.
struct CIFAR10Cell: SweepCell {
  /// Which network of a training run.
  enum Moment: String, Codable, Sendable {
    /// After the last epoch.
    case end = "last epoch"
    /// When the validation accuracy first is at the highest percent that all degrees reach.
    case matched = "matched accuracy"
    /// The network of the first degree, when its validation accuracy first is at the highest percent that
    /// the cell's degree reaches: the counterpart of ``end`` at equal accuracy.
    case counterpart = "p = 1 stopped at its accuracy"
    /// After the last epoch of adversarial training.
    case adversarial = "adversarial training"
  }

  let network: CIFAR10Network
  let p: Double
  let moment: Moment

  /// Network, degree, moment.
  var parameters: [Parameter] {
    [
      SweepColumn("network", network.rawValue), SweepColumn("p", p),
      SweepColumn("moment", moment.rawValue),
    ]
  }
  /// The longest first.
  var cost: Double { network.cost }

  /// The run that trains the network.
  func training(_ settings: CIFAR10Settings) -> CIFAR10TrainingCell {
    CIFAR10TrainingCell(
      network: network, p: moment == .counterpart ? settings.degrees[0] : p,
      isAdversarial: moment == .adversarial)
  }
}
