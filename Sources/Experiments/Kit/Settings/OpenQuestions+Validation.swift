import Datasets
import Runs

extension FlowTraining {
  /// Checks data, network, flow and what is attacked.
  ///
  /// - Parameter isFlow: whether nothing but a flow trains the network.
  func validate(_ check: SettingsCheck, isFlow: Bool = true) throws(ExperimentError) {
    try check.mixture("mixture", mixture, samples: ["attackedSamples": attackedSamples])
    try check.width("hiddenWidth", hiddenWidth, dimension: mixture.dimension)
    try check.initialScale("initialScale", initialScale, isFlow: isFlow)
    try check.flow("flow", flow)
  }
}

extension SettingsCheck {
  /// Mixtures of one size with several numbers of subclasses, half of them of each class.
  ///
  /// - Parameters:
  ///   - name: the setting with these numbers.
  ///   - sizes: what they come with: `dimension`, the samples and the neurons of a network of K subclasses.
  func mixtures(
    _ name: String, _ subclasses: [Int], dimension: Int, alphas: [Double], attackedSamples: Int,
    samples: (Int) -> Int, width: (Int) -> Int
  ) throws(ExperimentError) {
    try count("dimension", dimension, in: 2...1 << 28)
    try counts(name, subclasses, in: 2...dimension)
    for count in subclasses {
      for alpha in alphas {
        let mixture = OrthonormalMixture(
          dimension: dimension, subclasses: count, positive: count / 2, alpha: alpha,
          samples: samples(count))
        try own(["samples": "samplesPerSubclass", "subclasses": name]) { try mixture.validate() }
      }
      try self.width("neuronsPerSubclass", width(count), dimension: dimension)
    }
    let mixture = OrthonormalMixture(
      dimension: dimension, subclasses: 2, positive: 1, samples: attackedSamples)
    try own(["samples": "attackedSamples"]) { try mixture.validate() }
  }

  /// Standard deviations of subclasses.
  func alphas(_ name: String, _ values: [Double], limit: Int = 100) throws(ExperimentError) {
    try list(name, values, limit: limit) { (value) throws(ExperimentError) in
      try number(name, value, in: 0...1e30)
    }
  }
}

extension CertifiedStudy {
  /// Checks attack and search.
  func validate(_ check: SettingsCheck) throws(ExperimentError) {
    try check.attack("attack", attack)
    try check.budget(gap: gap, nodes: nodes)
  }
}
