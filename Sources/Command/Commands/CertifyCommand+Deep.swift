import ArgumentParser
import Certification
import Datasets
import Experiments
import Foundation
import LinearCore
import Runs
import Studies

/// Networks of more than one hidden layer, by bound propagation.
extension CertifyCommand {
  func runDeep(_ loaded: LoadedModel) throws {
    let name = "--model \(model.model)"
    if smoothing.sigma != nil {
      throw ExperimentError.usage("--smoothing: is for networks of one hidden layer")
    }
    try loaded.checkBounds(name: name)
    let (samples, request, reference) = try samples(for: loaded)
    let stored = try inputs.standardized(loaded.network, for: samples)
    let budget = budget(nodes: DeepCertificationStudy.standardParts)
    let study = DeepCertificationStudy(
      norm: norm, budget: budget, attack: noAttack ? nil : "quick",
      respectsBox: inputs.box != nil, seed: common.seed)
    if check {
      let fitted = try stored.fitted(to: samples)
      let radii = try DeepCertificationRun.check(
        certificates!, study.certifier(fitted), data: fitted.data)
      return try Output.write(
        common.json ? CertifyReport.json(checked: radii) : CertifyReport.text(checked: radii))
    }
    let known = noAttack ? samples : try loaded.fitted(reference.loadScaled())
    let fitted = try stored.fitted(to: samples, reference: known)
    let start = Date()
    let store = try certificates.map {
      try DeepCertificationRun(
        $0, study: study, model: stored, data: fitted.data, reference: fitted.reference,
        names: .init(
          model: model.model, data: request, reference: noAttack ? request : reference),
        resume: resume)
    }
    let result = try study.run(fitted, store: store, progress: common.makeProgress())
    let report = CertifyReport(
      result, classes: samples.classes, seconds: Date().timeIntervalSince(start))
    try Output.write(common.json ? report.json : report.text)
    if let wrong = result.samples.first(where: \.isContradictory) {
      common.makeProgress().warn(
        "sample \(wrong.index): a \(norm.rawValue) radius of \(wrong.proved) was proved where a perturbation of "
          + "size \(wrong.upper) exists: the proof is wrong, please report it")
      throw ExitStatus.unreliable
    }
  }
}
