import Certification
import Datasets
import Foundation
import LinearCore
import Networks

/// Certifies a network on data, with the witnesses of a quick attack to prune the search.
public struct CertificationStudy {
  /// The norm of perturbations: l2 and linf are certified by branch and bound, l1 by a linear relaxation.
  public var norm: Norm
  /// When to stop.
  public var budget: SearchBudget
  /// A name of ``AttackCatalog`` whose perturbations are upper bounds; nil leaves them to the search.
  public var attack: String?
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
    public let effective: EffectiveNetwork

    /// What smoothing states about another classifier, one entry a sample; nil where it was not asked for.
    public var smoothed: [SmoothedRadius]?
    /// How that classifier was smoothed.
    public var smoothing: SmoothingSettings?

    /// The median of (upper - lower) / upper over the samples classified correctly; nil without any.
    public var medianGap: Double? {
      median(samples.filter { $0.status != .misclassified }.map(\.gap))
    }

    /// The share of samples that provably withstand all perturbations smaller than `epsilon`.
    public func certifiedAccuracy(epsilon: Double) -> Double {
      Double(samples.count { $0.status != .misclassified && $0.lower >= epsilon })
        / Double(max(1, samples.count))
    }
  }

  /// Certifies the samples of `data`; `reference` (the training data, or again `data`) helps the attack.
  public func run(
    _ network: PReLUNetwork<Float>, data: Dataset, reference: Dataset,
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> Result {
    var witnesses: Matrix<Float>?
    if let attack {
      var study = RobustnessStudy(norm: norm, attack: attack, seed: seed)
      study.respectsBox = false
      study.isChecked = false
      witnesses = try study.run(network, data: data, reference: reference, progress: progress)
        .perturbations
    }
    let start = Date()
    let lock = NSLock()
    nonisolated(unsafe) var done = 0
    nonisolated(unsafe) let reporter = progress
    let total = data.count
    defer { progress.clear() }
    let report = { @Sendable (_: CertifiedRadius) in
      lock.withLock {
        done += 1
        reporter.update(
          "certify: \(done)/\(total) samples", fraction: Double(done) / Double(total),
          since: start)
      }
    }
    do {
      if norm == .l2 {
        let certifier = try RadiusCertifier(network, budget: budget)
        let samples = certifier.certify(
          data.inputs, labels: data.labels, witnesses: witnesses, progress: report)
        var result = Result(norm: norm, samples: samples, effective: certifier.effective)
        if let smoothing {
          result.smoothing = smoothing
          result.smoothed = Self.smoothed(network, data, settings: smoothing, seed: seed)
        }
        return result
      }
      if norm == .linf {
        let certifier = try MaximumNormCertifier(network, budget: budget)
        let samples = certifier.certify(
          data.inputs, labels: data.labels, witnesses: witnesses, progress: report)
        return Result(norm: norm, samples: samples, effective: certifier.effective)
      }
      let certifier = try RelaxationCertifier(network, norm: norm, gap: budget.gap)
      let samples = certifier.certify(
        data.inputs, labels: data.labels, witnesses: witnesses, progress: report)
      return Result(norm: norm, samples: samples, effective: certifier.effective)
    } catch { throw ExperimentError(error) }
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
