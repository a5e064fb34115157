import Certification
import Formats
import Foundation
import LinearCore
import Runs

/// Radii of the samples of one network in one norm, l2 unless said otherwise, bounded from both sides: what is proved
/// beside what is found. Stored below `results/`.
package struct TwoSidedRadii: Codable, Sendable, Equatable {
  package struct Sample: Codable, Sendable, Equatable {
    /// The row of the attacked data.
    package let index: Int
    package let label: Int
    /// No smaller perturbation changes the class: proved. 0 for misclassified samples.
    package let lower: Double
    /// A perturbation of this size does; infinite where none was found.
    package let upper: Double
    /// How the search for a proof ended.
    package let status: CertifiedRadius.Status
    /// Boxes that the search looked at.
    package let nodes: Int
    /// What the attack found before the search for a proof, as it reports it.
    package let attacked: Double
    /// What randomised smoothing states of another classifier, where it was run.
    package let smoothed: SmoothedRadius?

    /// (upper - lower) / upper; 0 where nothing was reached, 1 where no perturbation is known otherwise.
    package var gap: Double {
      upper.isFinite
        ? (upper > 0 ? (upper - lower) / upper : 0) : status == .unreachable ? 0 : 1
    }
  }

  package let p: Double
  /// The seed of the network.
  package let seed: UInt64
  /// The samples, the first ones of the attacked data.
  package let samples: [Sample]

  package init(p: Double, seed: UInt64, samples: [Sample]) {
    (self.p, self.seed, self.samples) = (p, seed, samples)
  }

  /// The share of samples that provably withstand all perturbations of at most `epsilon`.
  package func certifiedAccuracy(_ epsilon: Double) -> Double {
    accuracy(ofRadii: samples.lazy.map(\.lower), beyond: epsilon)
  }

  /// The share of samples for which no perturbation of at most `epsilon` was found.
  package func attackedAccuracy(_ epsilon: Double) -> Double {
    accuracy(ofRadii: samples.lazy.map(\.upper), beyond: epsilon)
  }

  /// The same as the share that the *smoothed* classifier withstands, each sample with the confidence of the
  /// settings; nil where it was not looked at.
  package func smoothedAccuracy(_ epsilon: Double) -> Double? {
    hasSmoothing
      ? accuracy(ofRadii: samples.lazy.map { $0.smoothed!.radius }, beyond: epsilon) : nil
  }

  /// Whether randomised smoothing was run.
  package var hasSmoothing: Bool { !samples.isEmpty && samples.allSatisfy { $0.smoothed != nil } }

  /// Samples classified correctly.
  private var correct: [Sample] { samples.filter { $0.status != .misclassified } }

  /// The median gap of the samples classified correctly; nil without any.
  package var medianGap: Double? { median(correct.map(\.gap)) }

  /// The share of the samples classified correctly whose gap is within the tolerance; nil without any.
  package var exactShare: Double? {
    correct.isEmpty
      ? nil : Double(correct.count { $0.status == .exact }) / Double(correct.count)
  }

  /// The median proved radius of all samples.
  package var medianLower: Double { median(samples.map(\.lower)) ?? 0 }

  /// The median attacked radius of all samples.
  package var medianUpper: Double { median(samples.map(\.upper)) ?? 0 }

  /// The median radius of the smoothed classifier; nil where it was not looked at.
  package var medianSmoothed: Double? {
    hasSmoothing ? median(samples.map { $0.smoothed!.radius }) : nil
  }

  /// The share of samples about which smoothing abstains; nil where it was not looked at.
  package var abstainedShare: Double? {
    hasSmoothing ? share { $0.smoothed!.status == .abstained } : nil
  }

  /// How much more than an attack has found may be proved, relative to it: attacks add perturbations in single precision.
  static let tolerance = 1e-6

  /// What contradicts itself: a proof of more than an attack allows, found by another search or this one.
  ///
  /// - Parameter attacks: for some attack radii the samples' numbers, such as those of a longer attack on the
  ///   same samples.
  package func violations(of attacks: [Double] = [], norm: Norm = .l2) -> [String] {
    let tolerance = Self.tolerance
    let wrong = samples.filter { sample in
      let other = sample.index < attacks.count ? attacks[sample.index] : .infinity
      return sample.status == .contradictory || sample.lower > sample.upper
        || sample.lower > min(sample.attacked, other) * (1 + tolerance)
    }
    if wrong.isEmpty { return [] }
    return [
      "p = \(p.formatted()): the proved \(norm.rawValue) radius of \(wrong.count) samples exceeds that of a "
        + "perturbation that was found, the first of them sample \(wrong[0].index): a proof is wrong"
    ]
  }

  private func share(_ isCounted: (Sample) -> Bool) -> Double {
    Double(samples.count(where: isCounted)) / Double(max(1, samples.count))
  }
}

extension TwoSidedRadii {
  /// One row a sample.
  package static func table(_ results: [TwoSidedRadii]) -> CSVTable {
    let rows = results.flatMap { result in result.samples.map { (result, $0) } }
    var table = CSVTable()
    table.append("p", rows.map(\.0.p))
    table.append("seed", rows.map { "\($0.0.seed)" })
    table.append("index", rows.map(\.1.index))
    table.append("label", rows.map(\.1.label))
    table.append("proved", rows.map(\.1.lower))
    table.append("attacked", rows.map(\.1.upper))
    table.append("status", rows.map(\.1.status.rawValue))
    table.append("boxes", rows.map(\.1.nodes))
    if rows.contains(where: { $0.1.smoothed != nil }) {
      table.append("smoothed", rows.map { $0.1.smoothed?.radius ?? .nan })
      table.append("smoothedStatus", rows.map { $0.1.smoothed?.status.rawValue ?? "" })
    }
    return table
  }
}
