import ArgumentParser
import Attacks
import Datasets
import Experiments
import Foundation
import LinearCore
import Runs
import Studies

struct AttackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Attack a network and report its robust accuracy.",
    discussion: """
      Every sample gets a radius: the size of the smallest adversarial perturbation found. It is an upper \
      bound of the true one. When a check finds the attack too weak to be believed, the command says so \
      and ends with status 3.

      The test part is attacked, unless --split says otherwise. Where --model is a run directory trained \
      on the same data, options of the data that are not given are those of the run.

        polyrelu attack --model runs/digits --data digits --norm l2
        polyrelu attack --model runs/digits --data digits --norm linf \\
          --epsilon 0.05,0.1 --limit 100
        polyrelu attack --model runs/mixture --data mixture --norm l2 \\
          --epsilon 0:1.5:15 --per-sample radii.csv --witnesses out.npz --json

      With --target every sample is to be predicted as one class, and the radius is the size of the \
      smallest perturbation that achieves it. Samples of that class are left out.

        polyrelu attack --model runs/digits --data digits --labels digit --norm l2 --target 3

      Attacks:

      \(AttackCatalog.entries.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

      With two classes, standard runs structural, ddn (l2) or fmn, apgd-margin, fab and square. With more, \
      it runs structural, ddn or fmn, apgd-ce, apgd-t, fab-t and square. Each attack starts from what \
      those before it have found. accuracy runs the last three or four of these at the listed radii, each on \
      what still stands there, and looks for nothing smaller.
      """)

  @OptionGroup(title: "Network") var model: ModelOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(help: "What measures a perturbation: l2, linf or l1.")
  var norm: Norm

  @Option(
    parsing: .unconditional,
    help:
      "Radii: 0.1,0.2 or 4/255,8/255 or linspace(0,1.5,15) or 0:1.5:15. (default: 16 that suit the norm)",
    transform: EpsilonList.parse)
  var epsilon: EpsilonList?

  @Option(help: "The attack, one of those above.")
  var attack = "standard"

  @Option(
    parsing: .unconditional,
    help: "Gradient steps of pgd, apgd-*, fab, fab-t, ddn or fmn. (default: 100)",
    transform: ArgumentText.count)
  var steps: Int?

  @Option(
    parsing: .unconditional,
    help: """
      Runs of pgd, apgd-*, fab, fab-t or square, each from another point. (default: see above)
      """,
    transform: ArgumentText.count)
  var restarts: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The class that samples are to be predicted as, by its value, or a file (npy, npz, csv, txt) with "
        + "one for each sample. (default: any class but the label)", valueName: "class|file"))
  var target: String?

  @Option(
    parsing: .unconditional, help: "Attack the first samples only.", transform: ArgumentText.count)
  var limit: Int?

  @Option(
    help: """
      Write a CSV file with a row for each sample: index, label, target (with --target) and predicted \
      class as the data call them, radius, attack, status, and passes spent.
      """
  )
  var perSample: String?

  @Option(help: "Write the adversarial samples (X, y, perturbation, radius) to an .npz file.")
  var witnesses: String?

  @Option(
    help:
      "Keep the run in this directory: radii, witnesses, the curve as a figure, and finished batches for --resume."
  )
  var out: String?

  @Flag(help: "Continue the attack found in --out.")
  var resume = false

  @Option(
    help:
      "The part that tells the attack where other classes lie. (default: the training part; for files the data)"
  )
  var referenceSplit: String?

  @Flag(help: "Let perturbed samples leave the range of valid values, such as 0...1 for pixels.")
  var noBox = false

  @Flag(
    help: """
      Attack the network itself. Without it, l2 attacks use a smaller network where the outputs depend on \
      few directions only.
      """)
  var noReduction = false

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    if let perSample { try OutputFile.check(perSample, flag: "per-sample") }
    if let witnesses { try OutputFile.check(witnesses, flag: "witnesses") }
    if resume && out == nil {
      throw ExperimentError.usage("--resume: needs --out, the directory of the run to continue")
    }
    _ = try AttackCatalog.attacks(named: attack, steps: steps, restarts: restarts)
    let loaded = try model.load()
    let trained = try model.runDescription()
    var request = try data.request(seed: common.seed, run: trained)
    let splits = DatasetRequest.defaultSplits(of: request.data)
    let reference = request.part(referenceSplit ?? splits.train)
    request.split = request.split ?? splits.test
    var samples = try loaded.fitted(request.loadScaled())
    let known = reference == request ? samples : try loaded.fitted(reference.loadScaled())
    model.warn(of: samples, request, trained)
    if reference != request { model.warn(of: known, reference, trained) }
    let total = samples.count
    if let limit { samples = samples.prefix(limit) }
    samples = try inputs.boxed(samples, noBox: noBox)
    let network = try inputs.standardized(loaded.network, for: samples)
    let targets = try target.map { try AttackTargets($0, data: samples, total: total) }

    let epsilons = (epsilon ?? .standard(for: norm)).values
    var study = RobustnessStudy(
      epsilons: epsilons, norm: norm, attack: attack, seed: common.seed)
    study.respectsBox = !noBox
    study.usesReduction = !noReduction
    study.steps = steps
    study.restarts = restarts
    study.targets = targets?.classes
    let fitted = try network.fitted(to: samples, reference: known)
    let progress = common.makeProgress()
    if let warning = fitted.warning { progress.warn(warning) }
    let run = try out.map {
      try AttackRun(
        $0, study: study, model: network, data: samples, reference: known,
        names: .init(
          model: model.model, data: request, reference: reference, target: targets?.description),
        resume: resume)
    }
    study.store = run?.store
    let start = Date()
    let result = try study.run(fitted: fitted, progress: progress)
    let report = AttackReport(
      result, attack: attack, epsilons: epsilons, seconds: Date().timeIntervalSince(start),
      classes: samples.classes)
    if let perSample { try result.table(classes: samples.classes).write(to: perSample) }
    if let witnesses { try result.writeWitnesses(of: fitted.data, to: witnesses) }
    try run?.write(result, epsilons: epsilons, data: fitted.data)
    try run?.write(report: report.storedJSON, since: start)
    try Output.write(common.json ? report.json : report.text)
    if !result.isReliable { throw ExitStatus.unreliable }
  }
}

extension AttackCommand: ResumableCommand {
  var keepsWork: Bool { out != nil }
}
