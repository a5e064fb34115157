import LinearCore
import Networks
import Testing

@testable import Attacks

/// Targeted attacks on linear classifiers: the region of a target is an intersection of half-spaces, whose
/// nearest point is enumerated.
@Suite struct TargetedOracleTests {
  let stream = RandomStream(seed: 23)

  /// A random linear classifier with samples, each with a target that it is not predicted as.
  private func problem(_ classes: Int, _ dimension: Int, _ norm: Norm, box: Bool)
    -> AttackProblem<LinearClasses>
  {
    let stream = self.stream.child("classes", classes).child("dimension", dimension)
    var inputs = Matrix<Float>.gaussian(rows: 40, columns: dimension, stream: stream.child("x"))
    if box { inputs.elements = inputs.elements.map { min(max($0 * 0.3 + 0.5, 0), 1) } }
    let weights = Matrix<Float>.gaussian(
      rows: classes, columns: dimension, stream: stream.child("w"))
    var noise = stream.child("bias")
    // Classes that meet all in one point would leave some no region at all.
    let bias = (0..<classes).map { c in
      Float(0.3 * noise.nextGaussian()) - (box ? weights.row(c).reduce(0, +) / 2 : 0)
    }
    let classifier = LinearClasses(weights: weights, bias: bias)
    let labels = classifier.predictions(inputs)
    return AttackProblem(
      classifier: classifier, inputs: inputs, labels: labels,
      targets: labels.enumerated().map { ($1 + 1 + $0 % (classes - 1)) % classes },
      threat: ThreatModel(norm: norm, box: box ? 0...1 : nil),
      references: AttackReferences(dimension: dimension, samples: inputs, sampleLabels: labels))
  }

  /// <normal, delta> >= offset for every class that the target has to overtake.
  private func constraints(_ problem: AttackProblem<LinearClasses>, _ i: Int)
    -> [(normal: [Double], offset: Double)]
  {
    let classifier = problem.classifier
    let (x, target) = (problem.inputs.row(i), problem.targets![i])
    return (0..<classifier.outputCount).filter { $0 != target }.map { c in
      let normal = zip(classifier.weights.row(target), classifier.weights.row(c)).map {
        Double($0) - Double($1)
      }
      let lead = zip(normal, x).reduce(Double(classifier.bias[target] - classifier.bias[c])) {
        $0 + $1.0 * Double($1.1)
      }
      return (normal, -lead)
    }
  }

  /// The exact radius in the plane, infinite where the box holds no point of the target.
  private func radius(_ problem: AttackProblem<LinearClasses>, _ i: Int) -> Double {
    var all = constraints(problem, i)
    if let box = problem.threat.box {
      let x = problem.inputs.row(i).map { Double($0) }
      for j in 0..<2 {
        let axis = (0..<2).map { $0 == j ? 1.0 : 0.0 }
        all.append((axis, Double(box.range(at: j).lowerBound) - x[j]))
        all.append((axis.map { -$0 }, x[j] - Double(box.range(at: j).upperBound)))
      }
    }
    return PlaneOracle(constraints: all).distance(problem.threat.norm)
  }

  @Test(arguments: Norm.allCases, [false, true]) func theEnsembleFindsTheRadiusInThePlane(
    _ norm: Norm, box: Bool
  ) throws {
    let problem = problem(5, 2, norm, box: box)
    let exact = (0..<problem.count).map { radius(problem, $0) }
    #expect(exact.count(where: \.isFinite) >= 20)
    let evaluation = RobustnessEvaluation<LinearClasses>(
      threat: problem.threat,
      attacks: try AttackCatalog.attacks(named: "standard", norm: norm, classCount: 5),
      references: problem.references, epsilons: [0.5, 1, 2], stream: stream)
    let result = try evaluation.run(
      problem.classifier, inputs: problem.inputs, labels: problem.labels,
      targets: problem.targets)
    for (sample, exact) in zip(result.samples, exact) {
      let name = "\(norm), box \(box), sample \(sample.index): \(sample.radius) of \(exact)"
      #expect(sample.target == problem.targets?[sample.index])
      #expect(sample.radius >= exact * (1 - 1e-5) - 1e-6, "\(name)")
      // Single precision cannot tell a target that the box touches only.
      #expect(sample.radius <= exact * 1.001 + 1e-5, "\(name)")
    }
  }

  /// Each attack of the catalogue by itself, in three norms: it reaches most targets, no closer than the exact
  /// radius. With more dimensions than classes no region is a small cell.
  @Test(arguments: AttackCatalog.entries.map(\.name), Norm.allCases)
  func everyAttackReachesTheTarget(_ name: String, _ norm: Norm) throws {
    let problem = problem(4, 8, norm, box: false)
    for attack in try AttackCatalog.attacks(named: name, norm: norm, classCount: 4)
    where attack.norms.contains(norm) {
      let exact = (0..<problem.count).map { i in
        let planes = constraints(problem, i)
        let point = PlaneIntersection(
          normals: planes.map(\.normal), offsets: planes.map(\.offset),
          ball: PlaneIntersection.Ball(norm: norm, room: nil)
        ).nearestPoint(below: .infinity)
        return point.map { norm.length($0) } ?? .infinity
      }
      let rows = exact.indices.filter { exact[$0].isFinite && exact[$0] > 0 }
      let part = problem.subset(rows)
      #expect(rows.count == problem.count)
      // Three times the radius leaves room for attacks that know of no corners.
      let radii = rows.map { attack.isMinimumNorm ? Float.infinity : Float(3 * exact[$0]) }
      let found = attack.perturbations(part, radii: radii, stream: stream)
      let fooled = zip(
        part.classifier.predictions(part.perturbed(found)), part.targets ?? []
      ).map { $0 == $1 }
      #expect(fooled == part.isFooled(found))
      let share = Double(fooled.count { $0 }) / Double(rows.count)
      // The ratio also grows with its denominator.
      let least = attack.name == "apgd-dlr" ? 0.4 : 0.9
      #expect(share >= least, "\(attack.name) reaches \(share) of the targets")
      for (row, size) in part.sizes(found).enumerated() where fooled[row] {
        #expect(Double(size) >= exact[rows[row]] * (1 - 1e-4), "\(attack.name), sample \(row)")
      }
    }
  }

  /// The nearest point beyond several planes in the plane, with a corner or without.
  @Test(arguments: Norm.allCases, [false, true]) func nearestPointsBeyondPlanesAreExact(
    _ norm: Norm, box: Bool
  ) {
    var random = stream.child("planes")
    var found = 0
    for trial in 0..<200 {
      let planes = (0..<3).map { _ in
        (
          normal: [random.nextGaussian(), random.nextGaussian()],
          offset: random.nextGaussian()
        )
      }
      let room = (below: [0.7, 1.1], above: [0.9, 0.4])
      var all = planes
      if box {
        all += [
          ([1, 0], -room.below[0]), ([-1, 0], -room.above[0]), ([0, 1], -room.below[1]),
          ([0, -1], -room.above[1]),
        ]
      }
      let exact = PlaneOracle(constraints: all).distance(norm)
      let point = PlaneIntersection(
        normals: planes.map(\.normal), offsets: planes.map(\.offset),
        ball: PlaneIntersection.Ball(norm: norm, room: box ? room : nil)
      ).nearestPoint(below: 1e4)
      let name = "\(norm), box \(box), trial \(trial), \(planes)"
      if exact == 0 || !exact.isFinite {
        #expect(point == nil, "\(name)")
        continue
      }
      found += 1
      guard let point else {
        Issue.record("nothing found: \(name)")
        continue
      }
      #expect(abs(norm.length(point) / exact - 1) < 1e-6, "\(name): \(point), \(exact)")
      for (normal, offset) in all {
        #expect(normal[0] * point[0] + normal[1] * point[1] >= offset - 1e-7, "\(name)")
      }
    }
    #expect(found > 50)
  }
}

/// The smallest vector of the plane that several half-planes <normal, u> >= offset have in common, by
/// looking at the nearest point of every line and at every crossing of two.
private struct PlaneOracle {
  let constraints: [(normal: [Double], offset: Double)]

  func distance(_ norm: Norm) -> Double {
    var best = holds([0, 0]) ? 0 : Double.infinity
    for (k, (a, b)) in constraints.enumerated() {
      var candidates = [nearest(a, b, norm)]
      for (c, d) in constraints[..<k] {
        let determinant = a[0] * c[1] - a[1] * c[0]
        if abs(determinant) < 1e-12 { continue }
        candidates.append([
          (b * c[1] - a[1] * d) / determinant, (a[0] * d - b * c[0]) / determinant,
        ])
      }
      for point in candidates where holds(point) { best = min(best, norm.length(point)) }
    }
    return best
  }

  private func holds(_ u: [Double]) -> Bool {
    constraints.allSatisfy { $0.normal[0] * u[0] + $0.normal[1] * u[1] >= $0.offset - 1e-9 }
  }

  private func nearest(_ a: [Double], _ b: Double, _ norm: Norm) -> [Double] {
    switch norm {
    case .l2: return a.map { $0 * b / (a[0] * a[0] + a[1] * a[1]) }
    case .linf: return a.map { ($0 > 0 ? 1 : -1) * b / (abs(a[0]) + abs(a[1])) }
    case .l1: return abs(a[0]) > abs(a[1]) ? [b / a[0], 0] : [0, b / a[1]]
    }
  }
}
