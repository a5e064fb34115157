import Certification
import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Synchronization

/// Certifies a network on data, with the witnesses of a quick attack to prune the search.
public struct CertificationStudy: Sendable {
  /// The norm of perturbations: l2 and linf are certified by branch and bound; l1 by a linear relaxation, and small
  /// networks completely.
  public var norm: Norm
  /// When to stop.
  public var budget: SearchBudget
  /// A name of ``AttackCatalog`` whose perturbations are upper bounds; nil leaves them to the search.
  public var attack: String?
  /// Whether perturbed inputs must stay in the data's box; false proves radii for inputs of any values.
  public var respectsBox = false
  /// Root of the random choices of attack and smoothing.
  public var seed: UInt64
  /// Randomised smoothing beside it, for l2; nil for none.
  public var smoothing: SmoothingSettings?

  /// A study.
  public init(
    norm: Norm = .l2, budget: SearchBudget = SearchBudget(), attack: String? = "quick",
    seed: UInt64 = 0
  ) {
    self.norm = norm
    self.budget = budget
    self.attack = attack
    self.seed = seed
  }

  /// What a study finds.
  public struct Result: Sendable {
    /// The norm of all radii.
    public let norm: Norm
    /// One entry a sample.
    public let samples: [CertifiedRadius]
    /// The network that certificates speak about.
    package let effective: EffectiveNetwork

    /// What smoothing states about another classifier, one entry a sample; nil where it was not asked for.
    public var smoothed: [SmoothedRadius]?
    /// How that classifier was smoothed.
    public var smoothing: SmoothingSettings?

    /// The median of (upper - lower) / upper over the samples classified correctly; nil without any.
    public var medianGap: Double? {
      median(samples.filter { $0.status != .misclassified }.map(\.gap))
    }

    /// What contradicts itself, a line a sample; empty unless a proof or a perturbation is wrong.
    ///
    /// - Parameter unit: of all radii, see ``FittedModel``.
    public func contradictions(unit: Double = 1) -> [String] {
      samples.filter(\.isContradictory).map { sample in
        "sample \(sample.index): a \(norm.rawValue) radius of \(unit * sample.proved) was proved where a perturbation of "
          + "size \(unit * sample.upper) exists: the proof is wrong, please report it"
      }
    }

    /// The share of samples that provably withstand all perturbations of size at most `epsilon`.
    public func certifiedAccuracy(epsilon: Double) -> Double {
      accuracy(
        ofRadii: samples.lazy.map { $0.status == .misclassified ? 0 : $0.lower }, beyond: epsilon)
    }
  }

  /// Certifies the samples of `data`; `reference` (the training data, or again `data`) helps the attack.
  ///
  /// - Throws: ``ExperimentError`` where the network or the data cannot be certified.
  public func run(
    _ network: PReLUNetwork<Float>, data: Dataset, reference: Dataset,
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> Result {
    try run(network, data: data, reference: reference, store: nil, progress: progress)
  }

  /// Certifies samples and keeps what is found.
  ///
  /// - Parameter store: keeps finished samples; those it has are not certified again.
  package func run(
    _ network: PReLUNetwork<Float>, data: Dataset, reference: Dataset,
    store: CertificationRun?, progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> Result {
    defer { progress.clear() }
    var result: Result
    switch norm {
    case .l2:
      let certifier: RadiusCertifier<Float>
      do { certifier = try RadiusCertifier(network, budget: budget, box: box(data)) } catch {
        throw ExperimentError(error)
      }
      result = try run(certifier, certifier.effective, data, reference, store, progress)
    case .linf:
      let certifier: MaximumNormCertifier<Float>
      do { certifier = try MaximumNormCertifier(network, budget: budget, box: box(data)) } catch {
        throw ExperimentError(error)
      }
      result = try run(certifier, certifier.effective, data, reference, store, progress)
    case .l1:
      let certifier: RelaxationCertifier<Float>
      do {
        certifier = try RelaxationCertifier(
          network, norm: norm, gap: budget.gap, seconds: budget.seconds, nodes: budget.nodes,
          box: box(data))
      } catch { throw ExperimentError(error) }
      result = try run(certifier, certifier.effective, data, reference, store, progress)
    }
    if let smoothing, norm == .l2 {
      result.smoothing = smoothing
      result.smoothed = try smoothed(network, data, smoothing, store, progress)
    }
    try store?.end()
    return result
  }

  private func run(
    _ certifier: some SampleCertifier<Float>, _ effective: EffectiveNetwork, _ data: Dataset,
    _ reference: Dataset, _ store: CertificationRun?, _ progress: ProgressReporter
  ) throws(ExperimentError) -> Result {
    let known =
      try store?.known(certifier.network, effective: effective, data: data)
      ?? [CertifiedRadius?](repeating: nil, count: data.count)
    try store?.begin(effective)
    let missing = data.labels.indices.filter { known[$0] == nil }
    let witnesses =
      try missing.isEmpty ? nil : perturbations(certifier.network, data, reference, store, progress)
    let found = try Self.each(missing, of: data.count, "certify", progress) {
      index throws(ExperimentError) in
      let sample = certifier.certify(
        data.inputs.row(index), label: data.labels[index], index: index,
        witness: witnesses?.row(index))
      try store?.keep(sample)
      return sample
    }
    var samples = known
    for (sample, index) in zip(found, missing) { samples[index] = sample }
    return Result(norm: norm, samples: samples.map { $0! }, effective: effective)
  }

  private func box(_ data: Dataset) -> InputBox<Float>? { respectsBox ? data.validInputs : nil }

  /// What the attack finds, a row a sample; nil without an attack.
  private func perturbations(
    _ network: PReLUNetwork<Float>, _ data: Dataset, _ reference: Dataset,
    _ store: CertificationRun?, _ progress: ProgressReporter
  ) throws(ExperimentError) -> Matrix<Float>? {
    guard let attack else { return nil }
    var study = RobustnessStudy(norm: norm, attack: attack, seed: seed)
    study.respectsBox = respectsBox
    study.isChecked = false
    study.store = store?.attackStore
    return try study.run(network, data: data, reference: reference, progress: progress)
      .perturbations
  }

  /// The radii under smoothing.
  private func smoothed(
    _ network: PReLUNetwork<Float>, _ data: Dataset, _ settings: SmoothingSettings,
    _ store: CertificationRun?, _ progress: ProgressReporter
  ) throws(ExperimentError) -> [SmoothedRadius] {
    let smoothing = RandomizedSmoothing(
      network, settings: settings, stream: RandomStream(seed: seed).child("smoothing"))
    return try Self.each(Array(0..<data.count), of: data.count, "smooth", progress) {
      index throws(ExperimentError) in
      func compute() -> SmoothedRadius {
        smoothing.certify(data.inputs.row(index), label: data.labels[index], index: index)
      }
      return try store?.smoothed(index, label: data.labels[index], compute) ?? compute()
    }
  }

  /// Does something with samples, several at a time.
  /// - Throws: the first error, after which no sample is begun.
  static func each<Value: Sendable>(
    _ indices: [Int], of total: Int, _ title: String, _ progress: ProgressReporter,
    _ body: @Sendable (Int) throws(ExperimentError) -> Value
  ) throws(ExperimentError) -> [Value] {
    let state = Mutex<(done: Int, error: ExperimentError?)>((total - indices.count, nil))
    let start = Date()
    var results = [Value?](repeating: nil, count: indices.count)
    results.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let (target, progress) = (target, progress)
      Parallel.forEach(indices.count) { position in
        if state.withLock({ $0.error != nil }) { return }
        if Cancellation.isRequested {
          return state.withLock { $0.error = .failed("the certification was cancelled") }
        }
        do throws(ExperimentError) {
          target[position] = try body(indices[position])
          state.withLock {
            $0.done += 1
            progress.update(
              "\(title): \($0.done)/\(total) samples", fraction: Double($0.done) / Double(total),
              since: start)
          }
        } catch { state.withLock { $0.error = $0.error ?? error } }
      }
    }
    if let error = state.withLock({ $0.error }) { throw error }
    return results.map { $0! }
  }

  /// The radii of samples under randomised smoothing, the first of which is row `first` of the data.
  static func smoothed(
    _ network: PReLUNetwork<Float>, _ data: Dataset, settings: SmoothingSettings, seed: UInt64,
    from first: Int = 0
  ) -> [SmoothedRadius] {
    var settings = settings
    settings.sigma /= data.unit
    return RandomizedSmoothing(
      network, settings: settings, stream: RandomStream(seed: seed).child("smoothing")
    ).certify(data.inputs, labels: data.labels, firstIndex: first)
  }
}
