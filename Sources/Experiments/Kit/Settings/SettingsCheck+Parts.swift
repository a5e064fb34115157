import Attacks
import Certification
import Datasets
import LinearCore
import Networks
import Runs
import Studies
import Training

extension SettingsCheck {
  /// A mixture, and how many samples are drawn from it besides its own; names and numbers.
  func mixture(_ name: String, _ mixture: OrthonormalMixture, samples: [String: Int] = [:])
    throws(ExperimentError)
  {
    try at(name).own { try mixture.validate() }
    for (other, count) in samples.sorted(by: { $0.key < $1.key }) {
      try self.count(other, count)
      var drawn = mixture
      drawn.samples = count
      try own(["samples": other]) { try drawn.validate() }
    }
  }

  /// Hidden neurons of a network whose inputs have so many coordinates.
  func width(_ name: String, _ value: Int, dimension: Int) throws(ExperimentError) {
    let most = PReLUNetwork<Float>.maximumWeightCount / max(1, min(dimension, 1 << 28))
    try count(name, value, in: 1...max(1, most))
  }

  /// The standard deviation of random initial weights: in single precision its square must not vanish, for a flow
  /// only the scale itself.
  func initialScale(_ name: String, _ value: Double, isFlow: Bool = false) throws(ExperimentError) {
    try number(name, value, in: (isFlow ? 1e-300 : 1e-18)...1e10)
  }

  /// A gradient flow.
  func flow(_ name: String, _ flow: FlowConfiguration) throws(ExperimentError) {
    try at(name).own(["integrator": "method", "time": "endTime"]) { try flow.validate() }
    guard flow.loss.isBinary else {
      throw at(name).refusal(
        "loss", flow.loss.rawValue, "a loss of one output: exponential, logistic or squared")
    }
  }

  /// A name of the catalogue of attacks.
  ///
  /// - Parameters:
  ///   - classCount: the classes of the data that are attacked.
  ///   - hasRadii: whether there are radii to attack at; otherwise the attack must look for the smallest.
  func attack(
    _ name: String, _ attack: String, norm: Norm = .l2, classCount: Int = 2, hasRadii: Bool = false
  ) throws(ExperimentError) {
    let attacks: [any Attack]
    do {
      attacks = try AttackCatalog.attacks(named: attack, norm: norm, classCount: classCount)
    } catch {
      throw refusal(
        name, "'\(attack)'",
        "one of " + AttackCatalog.entries.map(\.name).joined(separator: ", "))
    }
    for each in attacks {
      do { try each.validate(classCount: classCount) } catch {
        throw refusal(name, "'\(attack)'", "an attack for \(classCount) classes")
      }
      guard each.norms.contains(norm) else {
        throw refusal(name, "'\(attack)'", "an attack that measures \(norm.rawValue)")
      }
    }
    guard hasRadii || attacks.first?.isMinimumNorm == true else {
      throw refusal(
        name, "'\(attack)'", "standard, quick or another attack that finds the smallest radius")
    }
  }

  /// Radii that an attack is run at.
  func radii(_ name: String, _ values: [Double]) throws(ExperimentError) {
    try positives(name, values, limit: 1000)
  }

  /// The search for a proof.
  func budget(gap: Double, nodes: Int) throws(ExperimentError) {
    try number("gap", gap, between: 0, and: 1)
    try count("nodes", nodes)
  }

  /// Radii of deep networks bounded from both sides.
  func twoSided(_ name: String, _ settings: DeepTwoSidedSettings) throws(ExperimentError) {
    let check = at(name)
    try check.count("samples", settings.samples, in: 0...NumberText.largestCount)
    try check.budget(gap: settings.gap, nodes: settings.nodes)
    if let seconds = settings.seconds { try check.positive("seconds", seconds) }
  }

  /// Radii bounded from both sides, of data of so many classes.
  func twoSided(_ name: String, _ settings: TwoSidedSettings, classCount: Int = 2)
    throws(ExperimentError)
  {
    let check = at(name)
    try check.count("samples", settings.samples)
    try check.attack("attack", settings.attack, classCount: classCount)
    try check.budget(gap: settings.gap, nodes: settings.nodes)
    if let seconds = settings.seconds { try check.positive("seconds", seconds) }
    guard let smoothing = settings.smoothing else { return }
    let noise = check.at("smoothing")
    try noise.number("sigma", smoothing.sigma, in: 1e-30...1e30)
    try noise.count("selectionSamples", smoothing.selectionSamples)
    try noise.count("samples", smoothing.samples)
    try noise.number("failureProbability", smoothing.failureProbability, in: 1e-9...1 - 1e-9)
  }
}
