import Foundation
import LinearCore
import Networks

extension ReliabilityChecks {
  /// Steps of the descent whose gradients are looked at.
  private static var steps: Int { 20 }

  /// Are there gradients to follow, at the samples and on the way of a gradient attack? A gradient that
  /// is zero or not finite at the sample is always a reason to object. One that dies on the way (below
  /// 1e-6 of what it was, in the median of the samples that still stand) is one where all attacks follow
  /// gradients.
  func gradientFlags(_ probes: Probes) -> [String] {
    let traces = gradientTraces(probes.prefix(Self.attackLimit))
    let dead = traces.count { !($0[0].isFinite && $0[0] > 0) }
    if Self.isMany(dead, of: traces.count) {
      return [
        "on \(dead) of \(traces.count) samples the gradient of the margin is zero or not finite: "
          + "attacks that follow it cannot work; believe only what gradient-free attacks "
          + "(\(SettingName("attack")) square, structural) find"
      ]
    }
    if evaluation.attacks.contains(where: { !$0.followsGradients }) { return [] }
    let last = (0..<Self.steps).last { step in traces.count { $0.count > step } >= 3 }
    guard let last else { return [] }
    let ratios = traces.filter { $0.count > last }.map { $0[last] / $0[0] }.sorted()
    func quantile(_ share: Double) -> String {
      String(format: "%.0e", Double(ratios[Int(saturating: share * Double(ratios.count - 1))]))
    }
    if !(ratios[ratios.count / 2] < 1e-6) { return [] }
    return [
      "the gradient vanishes on the way of the attack: after \(last) steps it is "
        + "\(quantile(0.25)), \(quantile(0.5)), \(quantile(0.75)) (quartiles) of what it was at the "
        + "sample, on \(ratios.count) samples that still stand; use \(SettingName("attack")) standard"
    ]
  }

  /// For each sample the length of the margin's gradient at the start and after each step of a plain
  /// descent to the largest radius in question, until the sample is fooled.
  private func gradientTraces(_ probes: Probes) -> [[C.Scalar]] {
    let problem = problem(probes)
    let finite = probes.samples.map(\.radius).filter(\.isFinite).sorted()
    let reach = evaluation.epsilons.max() ?? (finite.isEmpty ? 1 : finite[finite.count / 2])
    var traces = [[C.Scalar]](repeating: [], count: probes.count)
    var standing = [Bool](repeating: true, count: probes.count)
    var current = Matrix<C.Scalar>(rows: probes.count, columns: probes.inputs.columns)
    let norm = evaluation.threat.norm
    for _ in 0..<Self.steps {
      let (margins, gradients) = problem.marginsAndGradients(current)
      let lengths = Norm.linf.rowLengths(gradients)
      for i in 0..<probes.count {
        standing[i] = standing[i] && (traces[i].isEmpty || margins[i] > 0)
        guard standing[i] else { continue }
        traces[i].append(lengths[i])
        guard lengths[i] > 0, lengths[i].isFinite else { continue }
        let step = C.Scalar(reach / Double(Self.steps))
        let direction = gradients.row(i).map { $0 / lengths[i] }
        let length = norm == .linf ? 1 : norm.length(direction)
        for (j, value) in direction.enumerated() where value != 0 {
          let share = norm == .linf ? (value > 0 ? 1 : -1) : value / length
          current[i, j] -= step * share
        }
      }
      if evaluation.threat.box != nil {
        problem.project(&current, radii: [C.Scalar](repeating: .infinity, count: probes.count))
      }
    }
    return traces
  }

  /// The probes as a problem of their own.
  func problem(_ probes: Probes) -> AttackProblem<C> {
    AttackProblem(
      classifier: probes.classifier, inputs: probes.inputs, labels: probes.labels,
      targets: probes.targets, threat: evaluation.threat, references: evaluation.references)
  }
}
