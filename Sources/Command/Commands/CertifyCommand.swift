import ArgumentParser
import Certification
import Datasets
import Experiments
import Foundation
import LinearCore
import Runs
import Studies

struct CertifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certify",
    abstract: "Prove how far samples are from the decision boundary.",
    discussion: """
      Every sample gets a proved radius: no smaller perturbation changes its class. Beside it stands the \
      smallest perturbation found. Where the two agree to --gap, the sample is exact. Perturbed samples \
      may leave the range of valid values, unless --box gives one. Documentation/Certified-radii.md has the theorem.

        polyrelu certify --model runs/mixture --data mixture --norm l2 --limit 200
        polyrelu certify --model runs/digits --data digits --norm l2 --limit 20 \\
          --timeout-per-sample 10 --json
        polyrelu certify --model runs/digits --data digits --norm linf --limit 20 --box data
        polyrelu certify --model runs/mixture --data mixture --norm l2 --limit 200 \\
          --certificates proofs
        polyrelu certify --model runs/mixture --data mixture --norm l2 --limit 200 \\
          --certificates proofs --check
        polyrelu certify --model runs/mixture --data mixture --norm l2 --limit 200 \\
          --certificates proofs --resume

      --smoothing SIGMA adds randomised smoothing (Cohen et al. 2019). Its radius is about *another \
      classifier*: the class that the network gives most often under Gaussian noise. It proves nothing \
      about the network itself.

        polyrelu certify --model runs/mixture --data mixture --norm l2 --limit 50 \\
          --smoothing 0.25

      Networks of more than one hidden layer, imported ones among them, are certified by linear bound \
      propagation: in l2, linf and l1, also within --box. An operator of which no bounds are known is refused.

        polyrelu certify --model network.onnx --data mnist --norm linf --limit 30

      Results do not depend on the number of threads or the speed of the machine unless \
      --timeout-per-sample ends a search.
      """)

  @OptionGroup(title: "Network") var model: ModelOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(
    help:
      "What measures a perturbation: l2, linf, or l1, where networks of more than 64 neurons after reduction get a linear relaxation only."
  )
  var norm: Norm

  @Option(
    parsing: .unconditional, help: "Certify the first samples only.",
    transform: ArgumentText.count)
  var limit: Int?

  @Option(
    parsing: .unconditional, help: "Seconds for one sample. (default: no limit)",
    transform: ArgumentText.duration)
  var timeoutPerSample: Double?

  @Option(
    parsing: .unconditional,
    help:
      "Boxes to look at for one sample and class; fewer in more than 32 dimensions. (default: 20000, of deep networks 16 parts; with --timeout-per-sample, as many as there is time for)",
    transform: ArgumentText.count)
  var nodes: Int?

  @Option(
    parsing: .unconditional, help: "The relative gap at which a radius is exact. (default: 0.001)",
    transform: ArgumentText.share)
  var gap: Double?

  @Option(
    help:
      "Keep the proofs in this directory, each as soon as it is found. Without --resume those of an earlier run are replaced."
  )
  var certificates: String?

  @Flag(help: "Go on with the proofs in --certificates; each is verified again.")
  var resume = false

  @Flag(help: "Verify the proofs in --certificates instead of searching for new ones.")
  var check = false

  @Flag(help: "Run no attack first; upper bounds come from the search alone.")
  var noAttack = false

  @OptionGroup(title: "Randomised smoothing") var smoothing: SmoothingOptions

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    let smoothing = try smoothing.settings(norm: norm)
    if check && smoothing != nil {
      throw ExperimentError.usage("--smoothing: has no certificates that --check could verify")
    }
    if check && certificates == nil {
      throw ExperimentError.usage("--check: needs --certificates, the directory to verify")
    }
    if resume && (certificates == nil || check) {
      throw ExperimentError.usage(
        certificates == nil
          ? "--resume: needs --certificates, the directory of the run to continue"
          : "--resume: searches, expected without --check, which does not")
    }
    let loaded = try model.load()
    let isDeep = loaded.network.shallow == nil && loaded.network.extreme == nil
    if isDeep { return try runDeep(loaded) }
    let (samples, request, reference) = try samples(for: loaded)
    let stored = try inputs.folded(loaded.network, for: samples)
    if check {
      let fitted = try stored.fitted(to: samples)
      guard let network = fitted.network else { return }
      let radii = try CertificateStore(certificates!).check(
        network, data: fitted.data, norm: norm,
        box: inputs.box == nil ? nil : fitted.data.validInputs
      ).map { $0 * fitted.unit }
      return try Output.write(
        common.json ? CertifyReport.json(checked: radii) : CertifyReport.text(checked: radii))
    }
    let known = noAttack ? samples : try loaded.fitted(reference.loadScaled())
    let fitted = try stored.fitted(to: samples, reference: known)
    guard let network = fitted.network else { return }
    if let warning = fitted.warning { common.makeProgress().warn(warning) }
    let budget = budget(nodes: SearchBudget().nodes)
    let start = Date()
    var study = CertificationStudy(
      norm: norm, budget: budget, attack: noAttack ? nil : "quick", seed: common.seed)
    study.smoothing = smoothing
    study.respectsBox = inputs.box != nil
    let store = try certificates.map {
      try CertificationRun(
        $0, study: study, network: network, data: fitted.data, reference: fitted.reference,
        names: .init(
          model: model.model, data: request, reference: noAttack ? request : reference),
        resume: resume)
    }
    let result = try study.run(
      network, data: fitted.data, reference: fitted.reference, store: store,
      progress: common.makeProgress())
    let report = CertifyReport(
      result, of: fitted, classes: samples.classes, seconds: Date().timeIntervalSince(start))
    try Output.write(common.json ? report.json : report.text)
    if let wrong = result.contradictions(unit: fitted.unit).first {
      common.makeProgress().warn(wrong)
      throw ExitStatus.unreliable
    }
  }
}

extension CertifyCommand {
  /// The samples to certify, with their request, and that of the data which help the attack.
  func samples(for loaded: LoadedModel) throws -> (
    samples: Dataset, request: DatasetRequest, reference: DatasetRequest
  ) {
    let trained = try model.runDescription()
    var request = try data.request(seed: common.seed, run: trained)
    let splits = DatasetRequest.defaultSplits(of: request.data)
    let reference = request.part(splits.train)
    request.split = request.split ?? splits.test
    var samples = try loaded.fitted(request.loadScaled())
    model.warn(of: samples, request, trained)
    if let limit { samples = samples.prefix(limit) }
    samples = try inputs.boxed(samples, noBox: false)
    return (samples, request, reference)
  }

  /// What is asked for.
  ///
  /// - Parameter nodes: boxes to look at where nobody says how many, or for how long.
  func budget(nodes standard: Int) -> SearchBudget {
    var budget = SearchBudget()
    budget.nodes = nodes ?? standard
    if let gap { budget.gap = gap }
    if let timeoutPerSample {
      budget.seconds = timeoutPerSample
      if nodes == nil { budget.nodes = SearchBudget.asManyAsThereIsTimeFor }
    }
    return budget
  }
}

extension CertifyCommand: ResumableCommand {
  var keepsWork: Bool { certificates != nil && !check }
}
