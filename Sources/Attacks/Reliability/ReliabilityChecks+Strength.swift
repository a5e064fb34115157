import Foundation
import LinearCore
import Networks

extension ReliabilityChecks {
  /// Points classified otherwise that a sample is compared with, the nearest in l2.
  private static var neighbours: Int { 20 }

  /// Is a point of the data that is classified otherwise, or as the target, closer by than the smallest
  /// perturbation found? The distance to any such point is an upper bound of the radius.
  func distanceFlags(_ probes: Probes) -> [String] {
    var others = evaluation.references
    if others.samples.rows == 0 { return [] }
    others.sampleLabels = probes.classifier.predictions(others.samples)
    let nearest = others.nearest(to: probes.inputs, count: Self.neighbours) { i, reference in
      let found = others.sampleLabels[reference]
      return probes.targets.map { found == $0[i] } ?? (found != probes.samples[i].predicted)
    }
    let largestEpsilon = evaluation.epsilons.max() ?? .infinity
    var failed = 0
    for (i, sample) in probes.samples.enumerated() where !nearest[i].isEmpty {
      var differences = others.samples.rows(at: nearest[i])
      let input = probes.inputs.row(i)
      differences.subtractFromRows(input)
      let distance = Double(evaluation.threat.norm.rowLengths(differences).min()!)
      if sample.radius > distance * (1 + 1e-5) && distance <= largestEpsilon { failed += 1 }
    }
    if failed == 0 { return [] }
    return [
      "\(failed) samples have a point of the data that is classified "
        + "\(probes.targets == nil ? "otherwise" : "as their target") closer by than "
        + "the smallest perturbation the attack found: the attack is too weak; use \(SettingName("attack")) standard"
    ]
  }

  /// Does random noise, a little smaller than the perturbation found, fool as well?
  func noiseFlags(_ probes: Probes) -> [String] {
    let problem = problem(probes)
    let reach = evaluation.epsilons.max() ?? .infinity
    var fooled = [Bool](repeating: false, count: probes.count)
    for draw in 0..<10 {
      var noise = problem.gaussianRows(evaluation.stream.child("noise", draw))
      if evaluation.threat.norm == .linf {
        for j in noise.elements.indices { noise.elements[j] = noise.elements[j] > 0 ? 1 : -1 }
      }
      let sizes = evaluation.threat.norm.rowLengths(noise)
      for i in 0..<probes.count {
        let radius = min(0.95 * probes.samples[i].radius, reach)
        noise.scaleRow(i, by: radius.isFinite ? C.Scalar(radius) / sizes[i] : 0)
      }
      if evaluation.threat.box != nil {
        problem.project(&noise, radii: [C.Scalar](repeating: .infinity, count: probes.count))
      }
      for (i, isFooled) in problem.isFooled(noise).enumerated() where isFooled { fooled[i] = true }
    }
    let count = fooled.count { $0 }
    if !Self.isMany(count, of: probes.count) { return [] }
    return [
      "on \(count) of \(probes.count) samples random noise fools that is smaller than what the "
        + "attack found: the attack is too weak, or the model's boundary too rough for it; use "
        + "\(SettingName("attack")) standard, or a single attack with more \(SettingName("restarts"))"
    ]
  }

  /// Do other attacks find more: the structural one and a gradient-free one where the evaluation had
  /// none, and the same attacks with twice the steps? And did the gradient-free attack succeed where the
  /// others had failed?
  func strengthFlags(_ probes: Probes) throws(AttackError) -> [String] {
    var flags: [String] = []
    if !evaluation.attacks.contains(where: { $0 is StructuralAttack }) {
      let attacks = try AttackCatalog.attacks(named: "quick")
      if let found = try improvement(attacks, probes) {
        flags.append(
          "at epsilon \(found.epsilon) the attack leaves \(found.first) of \(probes.count) samples "
            + "standing, the structural attack \(found.second): the attack is too weak; use "
            + "\(SettingName("attack")) standard")
      }
    }
    let doubled = evaluation.attacks.compactMap { $0.doubled() }
    if flags.isEmpty, !doubled.isEmpty,
      let found = try improvement(doubled, probes.prefix(Self.attackLimit / 2))
    {
      flags.append(
        "with twice the steps the share of standing samples at epsilon \(found.epsilon) falls from "
          + "\(found.first) to \(found.second): the attack has not converged; use \(SettingName("attack")) standard, or a single "
          + "attack with more \(SettingName("steps"))")
    }
    if flags.isEmpty { flags += try gradientFreeFlags(probes.prefix(Self.attackLimit / 2)) }
    return flags
  }

  /// Has the gradient-free attack found what all others missed, in the evaluation or, where that had
  /// none, now? Then gradients mislead.
  private func gradientFreeFlags(_ probes: Probes) throws(AttackError) -> [String] {
    let advice = "gradients mislead the other attacks; believe only what gradient-free ones find"
    if evaluation.attacks.contains(where: { $0 is SquareAttack }) {
      let alone = evaluation.attacks.count == 1
      let won = probes.samples.count { $0.attack == "square" }
      if alone || !Self.isMany(won, of: probes.count) { return [] }
      return [
        "on \(won) of \(probes.count) samples only the gradient-free attack succeeds: \(advice)"
      ]
    }
    guard let found = try improvement([SquareAttack(queries: 300)], probes) else { return [] }
    return [
      "at epsilon \(found.epsilon) the attack leaves \(found.first) of \(probes.count) samples "
        + "standing, a gradient-free attack \(found.second): \(advice)"
    ]
  }

  /// Whether attacks beat the result at some listed radius on more samples than luck explains.
  private func improvement(_ attacks: [any Attack], _ probes: Probes) throws(AttackError)
    -> (epsilon: Double, first: String, second: String)?
  {
    // The others have fallen at every listed radius.
    let least = evaluation.epsilons.min() ?? .infinity
    let standing = probes.samples.indices.filter { probes.samples[$0].radius > least }
    if !Self.isMany(standing.count, of: probes.count) { return nil }
    let open = probes.rows(at: standing)
    var stronger = evaluation
    stronger.attacks = attacks
    let second = try stronger.run(
      open.classifier, inputs: open.inputs, labels: open.labels, targets: open.targets)
    for epsilon in evaluation.epsilons.sorted() {
      let better = zip(open.samples, second.samples).count {
        $0.radius > epsilon && $1.radius <= epsilon
      }
      if !Self.isMany(better, of: probes.count) { continue }
      let standing = probes.samples.count { $0.radius > epsilon }
      func share(_ count: Int) -> String {
        String(format: "%.3f", Double(count) / Double(probes.count))
      }
      return (epsilon * evaluation.unit, share(standing), share(standing - better))
    }
    return nil
  }
}
