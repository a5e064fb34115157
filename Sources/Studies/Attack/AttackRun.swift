import Attacks
import Datasets
import Figures
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// An attack with a run directory: finished chunks survive any interruption, and results, witnesses and
/// the robustness curve lie beside each other in the end.
package struct AttackRun {
  /// What determines the result.
  package struct Configuration: Codable, Equatable, Sendable {
    let norm: Norm
    let attack: String
    let steps: Int?
    let restarts: Int?
    let epsilons: [Double]
    let respectsBox: Bool
    let usesReduction: Bool
    let seed: UInt64
    /// What ``AttackTargets/description`` says; absent where any class but the label will do.
    let target: String?
  }

  private let directory: RunDirectory
  private let identity: String

  /// The parts of a run by the names that the user knows them under.
  package struct Names: Sendable {
    let model: String
    let data: DatasetRequest
    let reference: DatasetRequest
    let target: String?

    package init(
      model: String, data: DatasetRequest, reference: DatasetRequest, target: String? = nil
    ) {
      self.model = model
      self.data = data
      self.reference = reference
      self.target = target
    }
  }

  /// Opens or creates the directory.
  /// - Throws: ``ExperimentError/usage(_:)`` when it holds another run, or one and `resume` is false, or when
  ///   model or data have changed since the run began.
  package init(
    _ path: String, study: RobustnessStudy, model: StoredModel, data: Dataset,
    reference: Dataset, names: Names, resume: Bool
  ) throws(ExperimentError) {
    let inputs = [
      RunInput(model: model, name: names.model), RunInput(.samples, data, request: names.data),
      RunInput(.reference, reference, request: names.reference),
    ]
    identity = study.identity(
      model: inputs[0].sha256, data: inputs[1].sha256, reference: inputs[2].sha256)
    let configuration = Configuration(
      norm: study.norm, attack: study.attack, steps: study.steps, restarts: study.restarts,
      epsilons: study.epsilons, respectsBox: study.respectsBox,
      usesReduction: study.usesReduction, seed: study.seed, target: names.target)
    directory = try RunDirectory(
      path, kind: .attack, configuration: configuration, inputs: inputs, resume: resume)
    try directory.write(
      RunEnvironment(seed: study.seed, dataChecksum: inputs[1].sha256), to: "environment.json")
    _ = try directory.folder("checkpoints")
  }

  /// Where finished chunks are kept.
  package var store: AttackCheckpoint { AttackCheckpoint(directory, identity: identity) }

  /// Writes `results/samples.csv`, `results/witnesses.npz` and `figures/robustness`.
  package func write(_ result: RobustnessResult<Float>, epsilons: [Double], data: Dataset)
    throws(ExperimentError)
  {
    _ = try directory.folder("results")
    do {
      try result.table(classes: data.classes).write(to: directory.path("results/samples.csv"))
      try result.writeWitnesses(of: data, to: directory.path("results/witnesses.npz"))
    } catch { throw ExperimentError(error) }
    let folder = try directory.folder("figures")
    let renderer = FigureRenderer()
    guard renderer.isAvailable else { return }
    do {
      try renderer.write(
        Self.curve(result, epsilons: epsilons), named: "robustness", in: folder)
    } catch  where error.isOfDrawing {
      ProgressReporter.warn("\(error)")
    } catch { throw ExperimentError(error) }
  }

  /// Writes the report that the command prints with `--json`, less the seconds, which go to `timing.json`.
  package func write(report: String, since start: Date) throws(ExperimentError) {
    try directory.write(text: report, to: "results/attack.json")
    try directory.writeTiming(since: start)
  }

  /// The whole curve, not at listed radii only: every sample's radius is known. With targets it is that of the
  /// samples which have another label.
  private static func curve(_ result: RobustnessResult<Float>, epsilons: [Double]) -> LineChart {
    let finite = result.samples.map(\.radius).filter(\.isFinite)
    let largest = max(
      epsilons.max() ?? 0, finite.isEmpty ? 1 : finite.sorted()[finite.count * 9 / 10])
    let radii = (0...200).map { Double($0) / 200 * largest }
    let share = result.isTargeted ? "share not predicted as target" : "robust accuracy"
    return LineChart(
      title:
        "\(result.isTargeted ? "Targeted attack" : "Robust accuracy"), \(result.counted.count) samples",
      x: Axis("\(result.norm.rawValue) radius of the attack"),
      y: Axis(share, range: 0...1.02),
      series: [
        Series(
          "smallest perturbation found", x: radii,
          y: radii.map { result.robustAccuracy(epsilon: $0) }, style: .line)
      ], legend: .none)
  }
}

extension RobustnessResult<Float> {
  /// Writes the adversarial samples as data: `X` (n, D) with the perturbations added, `y`, the labels as
  /// the data state them, and beside them `perturbation` (n, D) and `radius` (n). Samples without a witness
  /// are unperturbed. With targets, `target` (n) holds these. Data in another unit of length than the user's are written in double precision.
  public func writeWitnesses(of data: Dataset, to path: String) throws(FormatError) {
    func tensor(_ matrix: Matrix<Float>) -> Tensor {
      if unit == 1 { return ModelFile.tensor(matrix) }
      let values = matrix.elements.map { Double($0) * unit }
      return Tensor(shape: [matrix.rows, matrix.columns], elements: .float64(values))
    }
    var adversarial = data.inputs
    adversarial.elements = zip(data.inputs.elements, perturbations.elements).map(+)
    let classes = data.classes
    var labels = ["y": LabelArray(data.labels.map { classes[$0] })]
    if isTargeted {
      labels["target"] = LabelArray(samples.compactMap(\.target).map { classes[$0] })
    }
    try NPZ.write(
      [
        "X": tensor(adversarial), "perturbation": tensor(perturbations),
        "radius": ModelFile.tensor(samples.map(\.radius)),
      ], labels: labels, to: path, isCompressed: true)
  }
}
