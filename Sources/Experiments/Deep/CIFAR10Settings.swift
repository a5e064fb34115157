import LinearCore
import Runs
import Studies
import Training

/// What determines the experiment on CIFAR-10; `config.json`.
struct CIFAR10Settings: SweepSettings {
  /// "cifar10".
  var experiment = CIFAR10Experiment.name
  /// How much is done.
  var preset: Preset
  /// The first seed.
  var seed: UInt64
  /// Seeds, one after the other.
  var repeats: Int
  /// The degrees compared.
  var degrees: [Double]
  /// At most this many training images.
  var trainLimit: Int
  /// Filters of the convolutional layers, each followed by layer normalisation and pooling.
  var filters = [32, 64, 96]
  /// Neurons of the dense layers, each followed by layer normalisation.
  var units = [92, 92]
  /// Learning rates of AdamW to choose from, for each network and degree.
  var learningRates = [3e-4, 1e-3, 3e-3, 1e-2]
  /// The short runs that choose: so many training images and epochs.
  var rateSamples: Int
  var rateEpochs: Int
  var convolutionalEpochs: Int
  var denseEpochs: Int
  /// Trials on the validation images in an epoch, to find the moment of equal accuracy.
  var trialsPerEpoch = 8
  var batchSize = 128
  var augmentation = ImageAugmentation()
  /// The reference point: the convolutional network of these degrees, trained on perturbed images, with
  /// the first seed.
  var adversarialDegrees = [1.0, 3.0]
  var adversarial = AdversarialTrainingConfiguration(epsilon: 0.5, steps: 3, box: 0...1)
  var adversarialEpochs: Int
  /// Held-out images attacked for each seed, others for every seed.
  var attackedImages: Int
  var attack = "standard"
  var l2Radii = (1...20).map { Double($0) / 20 }
  var linfRadii = (1...16).map { Double($0) / 2 / 255 }
  /// Held-out images whose features the stable rank is taken of.
  var rankSamples = 500

  /// The settings of a preset.
  init(_ options: ExperimentOptions) {
    preset = options.preset
    seed = options.seed
    switch options.preset {
    case .quick:
      (repeats, degrees) = (1, [1, 3])
      (trainLimit, rateSamples, rateEpochs) = (4000, 1000, 1)
      (convolutionalEpochs, denseEpochs, adversarialEpochs) = (3, 4, 2)
      (learningRates, adversarialDegrees) = ([1e-3, 3e-3], [1])
      attackedImages = 12
    case .laptop:
      (repeats, degrees) = (3, [1, 2, 3, 4])
      (trainLimit, rateSamples, rateEpochs) = (40_000, 10_000, 2)
      (convolutionalEpochs, denseEpochs, adversarialEpochs) = (6, 8, 4)
      attackedImages = 60
    case .paper:
      (repeats, degrees) = (5, [1, 2, 3, 4])
      (trainLimit, rateSamples, rateEpochs) = (40_000, 40_000, 3)
      (convolutionalEpochs, denseEpochs, adversarialEpochs) = (30, 30, 30)
      attackedImages = 1000
    }
    repeats = options.repeats ?? repeats
  }
}
