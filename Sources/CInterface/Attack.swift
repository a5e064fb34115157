import Attacks
import CPolyReLU
import Datasets
import Formats
import Foundation
import LinearCore
import Runs
import Studies

private struct AttackOptions: Options {
  static let names: Set = [
    "norm", "attack", "epsilon", "steps", "restarts", "seed", "checked", "reduction", "box",
    "names", "input_mean", "input_std",
  ]
  let norm: String?
  let attack: String?
  let epsilon: [Double]?
  let steps: Int?
  let restarts: Int?
  let seed: UInt64?
  let checked: Bool?
  let reduction: Bool?
  let box: Bool?
  let names: [String]?
  let inputMean: [Double]?
  let inputStd: [Double]?

  func study() throws(ExperimentError) -> RobustnessStudy {
    let norm: Norm = try choice(norm, "norm", default: .l2)
    let largest = 1e300
    if let wrong = epsilon?.first(where: { !($0 >= 0 && $0 <= largest) }) {
      throw .usage("\(SettingName("epsilon")) is \(wrong), expected finite numbers of at least 0")
    }
    var study = RobustnessStudy(
      epsilons: epsilon ?? RobustnessStudy.standardEpsilons(for: norm), norm: norm,
      attack: attack ?? "standard", seed: seed ?? 0)
    (study.steps, study.restarts) = (steps, restarts)
    study.respectsBox = box ?? true
    study.usesReduction = reduction ?? true
    study.isChecked = checked ?? true
    do {
      _ = try AttackCatalog.attacks(
        named: study.attack, norm: norm, steps: steps, restarts: restarts)
    } catch { throw ExperimentError(error) }
    return study
  }
}

/// `polyrelu_attack`, as `polyrelu.h` describes it.
@c(polyrelu_attack)
public func attack(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ reference: OpaquePointer?,
  _ targets: UnsafePointer<polyrelu_array>?, _ options: UnsafePointer<CChar>?,
  _ job: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try AttackOptions.read(options)
    let model = try Handle.object(model, Model.self, "model")
    let data = try Handle.object(data, DataHandle.self, "data")
    let reference =
      reference == nil ? nil : try Handle.object(reference, DataHandle.self, "reference")
    var study = try options.study()
    let samples = try model.labelled(data)
    let known = try reference.map { (reference) throws(ExperimentError) in
      try model.labelled(reference)
    }
    if let labels = try ClassNames.labels(targets, "targets", names: options.names) {
      let values: [ClassLabel]
      do { values = try labels.values(named: "targets", path: "targets") } catch {
        throw ExperimentError(error)
      }
      study.targets = try AttackTargets(values, data: samples).classes
    }
    let standardization = Standardization(mean: options.inputMean, deviation: options.inputStd)
    nonisolated(unsafe) let chosen = study
    let work = try Job { (job) throws(ExperimentError) in
      let start = Date()
      let fitted = try model.fitted(
        to: samples, reference: known, standardization: standardization, job: job)
      let result = try chosen.run(fitted: fitted, progress: job.progress)
      return document(
        result, study: chosen, data: samples, warning: fitted.warning,
        seconds: Date().timeIntervalSince(start))
    }
    job?.pointee = Handle.make(work)
  }
}

private struct AttackDocument: Encodable {
  let norm: Norm
  let attack: String
  let attackNames: [String]
  let reliable: Bool
  let flags: [String]
  let warning: String?
  let cleanAccuracy: Double
  let medianRadius: Double
  let unconfirmed: Int
  let usedDoublePrecision: Bool
  let classes: [ClassLabel]
  let targeted: Bool
  let seconds: Double
}

private func document(
  _ result: RobustnessResult<Float>, study: RobustnessStudy, data: Dataset, warning: String?,
  seconds: Double
) -> ResultDocument {
  let names = AttackCatalog.entries.map(\.name)
  let document = ResultDocument(
    AttackDocument(
      norm: result.norm, attack: study.attack, attackNames: names, reliable: result.isReliable,
      flags: result.flags, warning: warning, cleanAccuracy: result.cleanAccuracy,
      medianRadius: result.medianRadius, unconfirmed: result.unconfirmed,
      usedDoublePrecision: result.usedDoublePrecision, classes: data.classes,
      targeted: result.isTargeted, seconds: seconds))
  let samples = result.samples
  let statuses: [SampleRobustness.Status] = [.misclassified, .attacked, .survived, .excluded]
  document.add("radii", samples.map(\.radius))
  document.add("predictions", samples.map(\.predicted))
  document.add("labels", samples.map(\.label))
  document.add("statuses", samples.map { statuses.firstIndex(of: $0.status) ?? 0 })
  document.add(
    "attacks", samples.map { $0.attack.flatMap { names.firstIndex(of: $0) } ?? -1 })
  document.add("gradient_passes", samples.map(\.gradientPasses))
  document.add("forward_passes", samples.map(\.forwardPasses))
  document.add("epsilon", study.epsilons)
  document.add("robust_accuracy", study.epsilons.map { result.robustAccuracy(epsilon: $0) })
  if result.isTargeted { document.add("targets", samples.map { $0.target ?? -1 }) }
  if study.respectsBox, let box = data.validInputs {
    // Perturbations may reach a rounding out of it, and act as what is left of them inside.
    let ranges = (0..<data.dimension).map { box.range(at: $0) }
    document.add("box_lower", ranges.map { Double($0.lowerBound) * data.unit })
    document.add("box_upper", ranges.map { Double($0.upperBound) * data.unit })
  }
  if result.unit == 1 {
    document.add("perturbations", result.perturbations)
  } else {
    var scaled = result.perturbations.converted(to: Double.self)
    scaled.elements = scaled.elements.map { $0 * result.unit }
    document.add("perturbations", scaled)
  }
  return document
}
