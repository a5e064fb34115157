import Datasets
import DeepNetworks
import LinearCore
import Networks
import Training

/// The training on CIFAR-10 that two jobs use: AdamW 1e-3 with weight decay 5e-4, batch 128, random crop
/// and flip, cross-entropy.
struct CIFARTraining {
  /// What the network is made of; all with standardised inputs and layer normalisation.
  enum Form: String {
    /// Three convolutions of 3 x 3 pixels with 32, 64 and 128 filters, strides 1, 2 and 2, and pooling.
    case convolution
    /// Two layers of 512 neurons.
    case dense
  }

  /// Where the images are.
  let folder: DataFolder
  /// The network's form.
  let form: Form
  /// The degree p.
  let exponent: Double
  /// Samples a step.
  let batchSize: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    let name = options.take("architecture") ?? Form.convolution.rawValue
    guard let form = Form(rawValue: name) else {
      throw UsageError(message: "--architecture \(name): expected convolution or dense")
    }
    self.form = form
    exponent = try options.take("p", default: 3, atLeast: 1)
    batchSize = try options.take("batch-size", default: 128, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  /// What the network is called in a shared folder.
  var name: String {
    let whole = Int(exactly: exponent)
    return "cifar-\(form.rawValue)-p\(whole.map(String.init) ?? "\(exponent)")"
  }

  /// A training that has not begun.
  func trainer(on data: Dataset) throws -> DeepTrainer<Float> {
    let network = try DeepNetwork<Float>(
      architecture: architecture(), stream: RandomStream(seed: seed).child("network"))
    return try DeepTrainer(
      network: network, inputs: data.inputs, labels: data.labels,
      configuration: DeepTrainingConfiguration(
        optimizer: .adamW(learningRate: 1e-3, weightDecay: 5e-4), schedule: .constant,
        epochs: 1_000, batchSize: batchSize, seed: seed, augmentation: ImageAugmentation()))
  }

  private func architecture() throws -> Architecture {
    var layers: [any Layer] = [
      Standardization(means: [0.491, 0.482, 0.447], deviations: [0.247, 0.243, 0.262])
    ]
    switch form {
    case .convolution:
      for (filters, stride) in [(32, 1), (64, 2), (128, 2)] {
        layers.append(
          ConvolutionalPReLU(
            filters: filters, kernel: 3, stride: stride, padding: 1, exponent: exponent))
        layers.append(LayerNormalization())
      }
      layers.append(GlobalAveragePooling())
    case .dense:
      for _ in 0..<2 {
        layers += [DensePReLU(units: 512, exponent: exponent), LayerNormalization()]
      }
    }
    layers.append(LinearHead(outputs: 10))
    return try Architecture(
      inputShape: FeatureShape(rows: 32, columns: 32, channels: 3), layers: layers)
  }

  /// Floating-point operations of the products of one sample, forward; backward takes as many for the
  /// weights, and as many for the inputs of each layer but the first.
  static func forwardOperations(_ architecture: Architecture) -> [Double] {
    zip(architecture.layers.layers, architecture.shapes).enumerated().compactMap { number, entry in
      let (layer, input) = entry
      guard let weights = layer.parameters(for: input).first(where: { $0.name == "weights" })
      else { return nil }
      return 2 * Double(weights.rows * weights.columns * architecture.shapes[number + 1].pixels)
    }
  }

  /// What describes the job in its output.
  func description(samples: Int) -> Measurement {
    [
      "p": .number(exponent), "architecture": .text(form.rawValue), "samples": .count(samples),
      "batchSize": .count(batchSize),
    ]
  }
}
