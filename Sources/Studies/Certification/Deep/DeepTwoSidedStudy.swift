import BoundPropagation
import Certification
import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Runs

/// How many attacked samples of a deep network are bounded from below as well, in the first repeat, and with how much
/// effort; part of an experiment's settings.
package struct DeepTwoSidedSettings: Codable, Sendable, Equatable {
  /// At most this many, the first of the attacked ones; 0 for none.
  package var samples: Int
  /// The relative gap at which a radius counts as known.
  package var gap = 1e-3
  /// Parts of a ball looked at for one sample, with one hidden layer boxes; 1 for linear bounds of the whole ball alone.
  package var nodes: Int
  /// Seconds for one sample; nil for no limit, so that every machine finds the same.
  package var seconds: Double?

  package init(samples: Int, nodes: Int, seconds: Double? = nil) {
    (self.samples, self.nodes, self.seconds) = (samples, nodes, seconds)
  }

  /// What is proved of one repeat: of the first all, of others nothing.
  package func inRepeat(seed: UInt64, first: UInt64) -> DeepTwoSidedSettings {
    var settings = self
    if seed != first { settings.samples = 0 }
    return settings
  }

  package var budget: SearchBudget {
    SearchBudget(gap: gap, nodes: nodes, seconds: seconds ?? .infinity)
  }
}

/// Proves radii of the samples that an experiment has attacked: by bound propagation, and where a network has one hidden
/// layer by what is made for it.
package struct DeepTwoSidedStudy: Sendable {
  package let settings: DeepTwoSidedSettings
  package let norm: Norm
  /// Where pieces of many samples survive an interruption, and the name of the network in file names.
  let store: (directory: RunDirectory, name: String)
  let seed: UInt64

  /// - Parameter name: different for every network and norm of the directory.
  package init(
    _ settings: DeepTwoSidedSettings, norm: Norm, in directory: RunDirectory, name: String,
    seed: UInt64
  ) {
    (self.settings, self.norm, self.seed) = (settings, norm, seed)
    store = (directory, name)
  }

  /// Samples that are stored together.
  private static let chunkSize = 32

  /// Radii from both sides of the first attacked samples. They hold in the box of the data where it has one, and of several
  /// layers in l2 without it as well.
  ///
  /// - Parameters:
  ///   - p: the degree of the network.
  ///   - data: what was attacked.
  ///   - attacked: the size of the smallest perturbation found of every sample; 0 for those classified wrongly.
  /// - Returns: nil where no samples are asked for, or the network has layers of which no bounds are known.
  package func result(
    _ network: DeepNetwork<Float>, p: Double, data: Dataset, attacked: [Double],
    report: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(ExperimentError) -> TwoSidedRadii? {
    let count = min(settings.samples, data.count)
    guard count > 0, let prove = prover(network, data) else { return nil }
    var samples: [TwoSidedRadii.Sample] = []
    for first in stride(from: 0, to: count, by: Self.chunkSize) {
      let rows = Array(first..<min(count, first + Self.chunkSize))
      func piece() throws(ExperimentError) -> [TwoSidedRadii.Sample] {
        try CertificationStudy.each(
          rows, of: count, store.name,
          ProgressReporter { report((Double(first) + $0 * Double(rows.count)) / Double(count)) }
        ) { (index) throws(ExperimentError) in
          sample(index, label: data.labels[index], attacked: attacked[index], prove)
        }
      }
      // One piece is kept with the measurement itself.
      samples +=
        count <= Self.chunkSize
        ? try piece()
        : try store.directory.cached(
          "checkpoints/\(store.name)-two-sided-\(first).json", piece)
    }
    return TwoSidedRadii(p: p, seed: seed, samples: samples)
  }

  /// Certifies a sample, up to a radius beyond which nothing is of interest.
  private typealias Prover = @Sendable (_ index: Int, _ limit: Double) -> CertifiedRadius

  private func prover(_ network: DeepNetwork<Float>, _ data: Dataset) -> Prover? {
    if let shallow = network.shallowCertifier(
      norm: norm, box: data.validInputs, budget: settings.budget)
    {
      return { index, _ in
        shallow.certify(data.inputs.row(index), label: data.labels[index], index: index)
      }
    }
    guard let bounded = try? BoundedNetwork(network) else { return nil }
    // Without a box radii are smaller, and hold in every box. In l2 a box takes a hundred times as long: every row of
    // every bound looks for a multiplier of its own.
    let certifier = DeepCertifier(
      bounded, norm: norm, box: norm == .linf ? data.boxBounds : nil, budget: settings.budget)
    return { index, limit in
      certifier.certify(
        data.inputs.row(index).map { Double($0) }, label: data.labels[index], index: index,
        within: limit
      ).radius
    }
  }

  /// What is proved of a sample. The search may look a little beyond the perturbation that is known, so that a
  /// contradiction shows.
  private func sample(_ index: Int, label: Int, attacked: Double, _ prove: Prover)
    -> TwoSidedRadii.Sample
  {
    func sample(_ lower: Double, _ upper: Double, _ status: CertifiedRadius.Status, _ nodes: Int)
      -> TwoSidedRadii.Sample
    {
      TwoSidedRadii.Sample(
        index: index, label: label, lower: lower, upper: upper, status: status, nodes: nodes,
        attacked: attacked, smoothed: nil)
    }
    if attacked == 0 { return sample(0, 0, .misclassified, 0) }
    let tolerance = TwoSidedRadii.tolerance
    let found = prove(index, attacked * (1 + 4 * tolerance))
    if found.status == .misclassified { return sample(0, 0, .misclassified, 0) }
    if found.isContradictory || found.lower > attacked * (1 + tolerance) {
      return sample(found.proved, attacked, .contradictory, found.nodes)
    }
    // A search may find a smaller perturbation than the attack.
    let upper = min(attacked, found.upper)
    let lower = min(found.lower, upper)
    let isExact = upper.isFinite && upper - lower <= settings.gap * upper
    return sample(
      lower, upper,
      isExact ? .exact : found.status == .unreachable && !upper.isFinite ? .unreachable : .bounded,
      found.nodes)
  }
}
