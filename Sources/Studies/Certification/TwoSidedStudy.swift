import Certification
import Datasets
import Foundation
import LinearCore
import Networks
import Runs

/// How many samples of an experiment are bounded from both sides, and with how much effort; part of its
/// settings.
package struct TwoSidedSettings: Codable, Sendable, Equatable {
  /// At most this many, the first ones of the attacked data.
  package var samples: Int
  /// The attack of the upper bounds, a name of ``AttackCatalog``. It may leave the range of valid values, as
  /// the proof does.
  package var attack = "quick"
  /// The relative gap at which a radius counts as known.
  package var gap = 1e-3
  /// Boxes looked at for one sample and class.
  package var nodes: Int
  /// Seconds for one sample; nil for no limit, so that every machine finds the same.
  package var seconds: Double?
  /// Randomised smoothing beside it; nil for none.
  package var smoothing: SmoothingSettings?

  package init(
    samples: Int, attack: String = "quick", gap: Double = 1e-3, nodes: Int, seconds: Double? = nil,
    smoothing: SmoothingSettings? = nil
  ) {
    self.samples = samples
    self.attack = attack
    self.gap = gap
    self.nodes = nodes
    self.seconds = seconds
    self.smoothing = smoothing
  }

  /// About what the proofs of one network take on all threads.
  package var expectedSeconds: Double {
    Double(samples) * min(seconds ?? 0.5, 10) / Double(Parallel.threadCount)
  }
}

/// Bounds l2 radii from both sides inside an experiment's directory, a few samples at a time, so that little is
/// lost when it is interrupted.
package struct TwoSidedStudy {
  let directory: RunDirectory
  let settings: TwoSidedSettings
  /// The name of the network in file names.
  let name: String
  let seed: UInt64

  package init(
    directory: Runs.RunDirectory, settings: Studies.TwoSidedSettings, name: String, seed: UInt64
  ) {
    self.directory = directory
    self.settings = settings
    self.name = name
    self.seed = seed
  }

  /// Samples that are stored together.
  private static let chunkSize = 32

  /// The radii, from an earlier run of the experiment where there is one.
  ///
  /// - Parameters:
  ///   - network: loads the network; not called where everything is there already.
  ///   - attacked: the data that the experiment attacks.
  ///   - train: training data, to help the attack.
  package func result(
    _ network: () throws(ExperimentError) -> PReLUNetwork<Float>, attacked: Dataset, train: Dataset,
    progress: ProgressReporter
  ) throws(ExperimentError) -> TwoSidedRadii {
    try directory.cached("results/\(name)-two-sided.json") { () throws(ExperimentError) in
      let data = attacked.prefix(settings.samples)
      let network = try network()
      var attack = RobustnessStudy(attack: settings.attack, seed: seed)
      attack.respectsBox = false
      attack.isChecked = false
      let found = try attack.run(
        network, data: data, reference: train, title: "\(name): attack for two-sided radii",
        progress: progress)
      let certifier: RadiusCertifier<Float>
      do {
        certifier = try RadiusCertifier(
          network,
          budget: SearchBudget(
            gap: settings.gap, nodes: settings.nodes, seconds: settings.seconds ?? .infinity))
      } catch { throw ExperimentError(error) }
      var samples: [TwoSidedRadii.Sample] = []
      let start = Date()
      for first in stride(from: 0, to: data.count, by: Self.chunkSize) {
        let rows = first..<min(data.count, first + Self.chunkSize)
        samples += try directory.cached("checkpoints/\(name)-two-sided-\(first).json") {
          certify(
            data.subset(Array(rows)), from: first, certifier, network,
            witnesses: found.perturbations.rows(in: rows),
            attacked: found.samples[rows].map(\.radius))
        }
        progress.update(
          "\(name): proved radii of \(samples.count)/\(data.count) samples",
          fraction: Double(samples.count) / Double(data.count), since: start)
      }
      progress.clear()
      return TwoSidedRadii(p: network.exponent, seed: seed, samples: samples)
    }
  }

  private func certify(
    _ data: Dataset, from first: Int, _ certifier: some SampleCertifier<Float>,
    _ network: PReLUNetwork<Float>, witnesses: Matrix<Float>, attacked: [Double]
  ) -> [TwoSidedRadii.Sample] {
    let proved = certifier.certify(data.inputs, labels: data.labels, witnesses: witnesses)
    let smoothed = settings.smoothing.map {
      CertificationStudy.smoothed(network, data, settings: $0, seed: seed, from: first)
    }
    return proved.indices.map { row in
      TwoSidedRadii.Sample(
        index: first + row, label: proved[row].label,
        // A contradiction must not be cut away.
        lower: proved[row].isContradictory ? proved[row].proved : proved[row].lower,
        upper: proved[row].upper, status: proved[row].status, nodes: proved[row].nodes,
        attacked: attacked[row], smoothed: smoothed?[row])
    }
  }
}
