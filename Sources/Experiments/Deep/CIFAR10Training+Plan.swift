import DeepNetworks
import LinearCore
import Runs
import Studies

extension CIFAR10Training {
  /// Trained numbers of each kind of network, the same at every degree.
  func parameterCounts() throws(ExperimentError) -> [CIFAR10Network: Int] {
    var counts: [CIFAR10Network: Int] = [:]
    for network in CIFAR10Network.allCases {
      counts[network] = try architecture(network, settings.degrees[0]).parameterCount
    }
    return counts
  }

  /// What will be done, with times from the speed of dense products.
  func plan() throws(ExperimentError) -> RunPlan {
    let rate = RunPlan.productRate()
    var passes: [CIFAR10Network: Double] = [:]
    for network in CIFAR10Network.allCases {
      passes[network] = 2 * (try architecture(network, settings.degrees[0])).products / rate
    }
    /// Forward, and backward to weights and to inputs: three products each.
    func trained(_ network: CIFAR10Network, samples: Int, epochs: Int) -> Double {
      3 * passes[network]! * Double(samples) * Double(epochs)
    }
    let kinds = CIFAR10Network.allCases
    let degrees = Double(settings.degrees.count)
    let seeds = Double(settings.repeats)
    let rates = kinds.map {
      degrees * Double(settings.learningRates.count)
        * trained($0, samples: settings.rateSamples, epochs: settings.rateEpochs)
    }
    let networks = kinds.map {
      degrees * seeds * trained($0, samples: train.count, epochs: $0.epochs(settings))
    }
    let hardened =
      Double(settings.adversarialDegrees.count) * Double(1 + settings.adversarial.steps)
      * trained(.convolutional, samples: train.count, epochs: settings.adversarialEpochs)
    /// Measured: about 500 gradient passes and 900 others an image and norm for all attacks together, a
    /// quarter longer than the products alone; and as much again for the checks of the first seed.
    func attacked(_ network: CIFAR10Network, networks: Double) -> Double {
      2 * 2400 * passes[network]! * Double(settings.attackedImages) * networks
    }
    let once = kinds.map { attacked($0, networks: degrees) }.reduce(0, +)
    return RunPlan([
      .init("choose learning rates", seconds: rates.reduce(0, +)),
      .init("train networks", seconds: networks.reduce(0, +)),
      .init("train on perturbed images", seconds: hardened),
      .init("attack after the last epoch", seconds: (seeds + 1) * once),
      .init("attack at matched accuracy", seconds: seeds * once),
      .init("attack p = 1 at the others' accuracy", seconds: seeds * once * (1 - 1 / degrees)),
      .init(
        "attack after adversarial training",
        seconds: 2
          * attacked(.convolutional, networks: Double(settings.adversarialDegrees.count))),
    ])
  }
}

extension Architecture {
  /// Multiplications of weights that a sample takes on its way through the network.
  fileprivate var products: Double {
    layers.layers.indices.reduce(0) { sum, number in
      let weights = parameters.filter {
        $0.name.hasPrefix("layers.\(number).") && $0.name.hasSuffix("weights")
      }
      // A head and a dense layer see the whole sample once, a convolution one patch for each pixel.
      return weights.reduce(sum) {
        $0 + Double(shapes[number + 1].pixels * $1.rows * $1.columns)
      }
    }
  }
}
