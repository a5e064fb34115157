import Certification
import Figures
import Foundation
import Runs
import Studies

/// `twoSided` in `results/summary.json`: l2 radii bounded from both sides, by degree.
struct TwoSidedSummary: Codable, Sendable, Equatable {
  /// One degree.
  struct Row: Codable, Sendable, Equatable {
    /// The degree.
    let p: Double
    /// Samples, those of the first repeat.
    let samples: Int
    /// The median radius that is proved.
    let medianProved: Double
    /// The median size of the smallest perturbation found for the same samples.
    let medianAttacked: Double
    /// The median of (attacked - proved) / attacked over the samples classified correctly.
    let medianGap: Double?
    /// The share of these samples whose gap is within the tolerance.
    let exactShare: Double?
    /// The median radius of the smoothed classifier, another one; nil where it was not looked at.
    let medianSmoothed: Double?
    /// The share of samples that smoothing abstains on.
    let abstainedShare: Double?
    /// Accuracies by radius.
    let curve: [Point]

    init(_ radii: TwoSidedRadii, epsilons: [Double]) {
      p = radii.p
      samples = radii.samples.count
      medianProved = radii.medianLower
      medianAttacked = radii.medianUpper
      medianGap = radii.medianGap
      exactShare = radii.exactShare
      medianSmoothed = radii.medianSmoothed
      abstainedShare = radii.abstainedShare
      curve = epsilons.map {
        Point(
          epsilon: $0, certifiedAccuracy: radii.certifiedAccuracy($0),
          attackedAccuracy: radii.attackedAccuracy($0),
          smoothedAccuracy: radii.smoothedAccuracy($0))
      }
    }
  }

  /// Accuracies at one radius, all on the same samples.
  struct Point: Codable, Sendable, Equatable {
    /// The radius.
    let epsilon: Double
    /// The share that provably stands.
    let certifiedAccuracy: Double
    /// The share that stood all attacks.
    let attackedAccuracy: Double
    /// The share that the smoothed classifier withstands, sample by sample with the confidence stated.
    let smoothedAccuracy: Double?
  }

  /// By degree.
  let rows: [Row]
  /// With how much effort.
  let settings: TwoSidedSettings
  /// What contradicts itself; empty unless a proof is wrong.
  let violations: [String]
}

extension TwoSidedSummary {
  /// The header of ``cells``.
  var header: [String] {
    ["p", "samples", "median proved", "median attacked", "median gap", "exact"]
      + (settings.smoothing == nil ? [] : ["smoothed", "abstained"])
  }

  /// The rows of a table.
  var cells: [[String]] {
    rows.map { row in
      func share(_ value: Double?, _ digits: Int) -> String {
        value.map { String(format: "%.\(digits)f%%", 100 * $0) } ?? "–"
      }
      func radius(_ value: Double?) -> String {
        value.map { $0.isFinite ? String(format: "%.4f", $0) : "∞" } ?? "–"
      }
      return [
        row.p.formatted(), "\(row.samples)", radius(row.medianProved), radius(row.medianAttacked),
        share(row.medianGap, 2), share(row.exactShare, 1),
      ]
        + (settings.smoothing == nil
          ? [] : [radius(row.medianSmoothed), share(row.abstainedShare, 1)])
    }
  }

  /// What the smoothed column is and how far it can be believed; nil without one.
  var smoothingSentence: String? {
    settings.smoothing.map { smoothing in
      String(
        format:
          "Smoothed: the median radius of another classifier, the network smoothed by Gaussian noise of "
          + "%g a coordinate (Cohen et al. 2019), each with confidence %g%% from %d copies of a sample, "
          + "at most %.3f; it proves nothing about the network itself.", smoothing.sigma,
        100 * smoothing.confidence, smoothing.samples, smoothing.largestRadius)
    }
  }

  /// When a search ends.
  var effort: String {
    var limits: [String] = []
    if settings.nodes < SearchBudget.asManyAsThereIsTimeFor {
      limits.append(
        "at most \(settings.nodes) boxes a sample and class, fewer in more than 32 dimensions")
    }
    if let seconds = settings.seconds { limits.append("at most \(seconds.formatted()) s a sample") }
    return (["exact to \((100 * settings.gap).formatted())%"] + limits).joined(separator: ", ")
  }

  /// The table for the terminal.
  var text: String {
    var table = TerminalTable(header: header)
    for row in cells { table.append(row) }
    return "l2 radii from both sides (\(effort))\n\(table.text)"
      + (smoothingSentence.map { $0 + "\n" } ?? "")
      + violations.map { $0 + "\n" }.joined()
  }
}
