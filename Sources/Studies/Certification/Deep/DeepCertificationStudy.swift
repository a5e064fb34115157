import BoundPropagation
import Certification
import Datasets
import LinearCore
import Networks
import Runs

/// Certifies networks of any depth by bound propagation, with the witnesses of a quick attack as upper bounds.
package struct DeepCertificationStudy: Sendable {
  /// Parts of a ball that are looked at where nobody says how many: mainly the slopes for the whole ball.
  package static let standardParts = 16

  package var norm: Norm
  /// When to stop.
  package var budget: SearchBudget
  /// A name of ``AttackCatalog`` whose perturbations are upper bounds; nil for none.
  package var attack: String?
  /// Whether perturbed inputs stay in the box of the data.
  package var respectsBox: Bool
  /// Root of the random choices of the attack.
  package var seed: UInt64

  package init(
    norm: Norm, budget: SearchBudget, attack: String?, respectsBox: Bool, seed: UInt64
  ) {
    (self.norm, self.budget, self.attack) = (norm, budget, attack)
    (self.respectsBox, self.seed) = (respectsBox, seed)
  }

  /// What a study finds.
  package struct Result: Sendable {
    package let norm: Norm
    /// One entry a sample.
    package let samples: [CertifiedRadius]
    /// Neurons of all layers, and how many layers there are.
    package let neurons: Int
    package let layers: Int
  }

  /// The certifier of a model for its data.
  /// - Throws: ``ExperimentError/usage(_:)`` for a network with parts of which no bounds are known.
  package func certifier(_ fitted: FittedModel) throws(ExperimentError) -> DeepCertifier {
    do {
      return DeepCertifier(
        try BoundedNetwork(classifier: fitted.classifier), norm: norm,
        box: respectsBox ? fitted.data.boxBounds : nil, budget: budget)
    } catch { throw ExperimentError(error) }
  }

  /// Certifies samples and keeps what is found.
  ///
  /// - Parameter store: keeps finished samples; those it has are not certified again.
  package func run(
    _ fitted: FittedModel, store: DeepCertificationRun?,
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> Result {
    defer { progress.clear() }
    let certifier = try certifier(fitted)
    let data = fitted.data
    let known =
      store?.known(certifier, data: data)
      ?? [CertifiedRadius?](repeating: nil, count: data.count)
    let missing = data.labels.indices.filter { known[$0] == nil }
    let witnesses = missing.isEmpty ? nil : try perturbations(fitted, store, progress)
    let found = try CertificationStudy.each(missing, of: data.count, "certify", progress) {
      index throws(ExperimentError) in
      let sample = certifier.certify(
        data.inputs.row(index).map { Double($0) }, label: data.labels[index], index: index,
        witness: witnesses?.row(index).map { Double($0) })
      try store?.keep(sample)
      return sample.radius
    }
    var samples = known
    for (sample, index) in zip(found, missing) { samples[index] = sample }
    try store?.end()
    let powers = certifier.network.powers
    return Result(
      norm: norm, samples: samples.map { $0! },
      neurons: powers.reduce(0) { $0 + certifier.network.sizes[$1.node] }, layers: powers.count)
  }

  /// What the attack finds, a row a sample; nil without an attack.
  private func perturbations(
    _ fitted: FittedModel, _ store: DeepCertificationRun?, _ progress: ProgressReporter
  ) throws(ExperimentError) -> Matrix<Float>? {
    guard let attack else { return nil }
    var study = RobustnessStudy(norm: norm, attack: attack, seed: seed)
    study.respectsBox = respectsBox
    study.isChecked = false
    study.store = store?.attackStore
    return try study.run(fitted: fitted, progress: progress).perturbations
  }
}
