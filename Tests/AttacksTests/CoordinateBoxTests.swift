import LinearCore
import Networks
import Testing

@testable import Attacks

/// Attacks where every coordinate has a range of its own.
@Suite struct CoordinateBoxTests {
  private let stream = RandomStream(seed: 31)

  /// A linear classifier, samples in a box of different ranges, some on its faces, one coordinate that is fixed and
  /// one without an upper bound.
  private func problem(_ dimension: Int, _ norm: Norm) -> AttackProblem<LinearClassifier<Float>> {
    func numbers(_ name: String) -> [Float] {
      Matrix<Float>.uniform(rows: 1, columns: dimension, bound: 1, stream: stream.child(name))
        .elements
    }
    var lower = numbers("low").map { 0.4 - $0.magnitude }
    var upper = numbers("high").map { 0.6 + 2 * $0.magnitude }
    (lower[0], upper[0]) = (0.25, 0.25)
    upper[1] = .infinity
    var inputs = Matrix<Float>.gaussian(rows: 16, columns: dimension, stream: stream.child("x"))
    for i in inputs.elements.indices {
      let j = i % dimension
      inputs.elements[i] = min(max(inputs.elements[i] * 0.5 + 0.5, lower[j]), upper[j])
    }
    lower[2] = -.infinity
    let weights = Matrix<Float>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("w")
    ).elements
    let classifier = LinearClassifier(weights: weights, bias: -weights.reduce(0, +) / 2)
    return AttackProblem(
      classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs),
      threat: ThreatModel(norm: norm, within: .perCoordinate(lower: lower, upper: upper)),
      references: AttackReferences(dimension: dimension))
  }

  private func evaluate(
    _ problem: AttackProblem<LinearClassifier<Float>>, _ name: String, epsilons: [Double],
    threat: ThreatModel<Float>? = nil
  ) throws -> RobustnessResult<Float> {
    let evaluation = RobustnessEvaluation<LinearClassifier<Float>>(
      threat: threat ?? problem.threat,
      attacks: try AttackCatalog.attacks(named: name, norm: problem.threat.norm, classCount: 2),
      references: AttackReferences(
        dimension: problem.inputs.columns, samples: problem.inputs, sampleLabels: problem.labels),
      epsilons: epsilons, stream: stream.child(name))
    return try evaluation.run(
      problem.classifier, inputs: problem.inputs, labels: problem.labels)
  }

  /// The first perturbed coordinate outside the box, up to rounding; nil where there is none.
  private func outside(
    _ result: RobustnessResult<Float>, _ inputs: Matrix<Float>, _ box: InputBox<Float>
  ) -> String? {
    for (i, input) in inputs.elements.enumerated() {
      let range = box.range(at: i % inputs.columns)
      let point = input + result.perturbations.elements[i]
      // Witnesses are lengthened by a few parts in a million to cross the boundary; the box clips them again.
      let slack = 1e-5 * (point - input).magnitude + 1e-6
      if !(point >= range.lowerBound - slack && point <= range.upperBound + slack) {
        return "\(input) + \(result.perturbations.elements[i]) in \(range)"
      }
    }
    return nil
  }

  @Test(arguments: Norm.allCases) func theEnsembleFindsTheDistance(_ norm: Norm) throws {
    let problem = problem(9, norm)
    let box = try #require(problem.threat.box)
    let result = try evaluate(problem, "standard", epsilons: [0.2, 0.5, 1])
    #expect(outside(result, problem.inputs, box) == nil)
    var cut = 0
    for i in 0..<problem.count {
      let exact = boxedDistance(problem.classifier, problem.inputs.row(i), norm, within: box)
      if exact > 1.001 * problem.classifier.distance(problem.inputs.row(i), norm) { cut += 1 }
      let found = result.samples[i].radius
      #expect(exact.isFinite == found.isFinite, "sample \(i): \(found), exact \(exact)")
      if exact.isFinite {
        #expect((0.9999 * exact...1.01 * exact).contains(found), "sample \(i): \(found), \(exact)")
      }
    }
    // In l1 the coordinate of the largest weight alone decides for most samples.
    #expect(cut > (norm == .l1 ? 0 : 5), "the box matters")
  }

  /// No attack leaves the box, none finds less than the distance, and those of minimum norm find it.
  @Test(
    arguments: Norm.allCases,
    ["structural", "ddn", "fmn", "fab", "pgd", "apgd-margin", "square"])
  func everyAttackStaysInside(_ norm: Norm, _ name: String) throws {
    if name == "ddn" && norm != .l2 { return }
    let problem = problem(7, norm)
    let box = try #require(problem.threat.box)
    let result = try evaluate(problem, name, epsilons: [0.3, 1, 3])
    #expect(outside(result, problem.inputs, box) == nil)
    var found = 0
    for i in 0..<problem.count {
      let exact = boxedDistance(problem.classifier, problem.inputs.row(i), norm, within: box)
      let radius = result.samples[i].radius
      #expect(radius >= exact * (1 - 1e-4) - 1e-6, "sample \(i): \(radius), exact \(exact)")
      if radius.isFinite { found += 1 }
      if ["structural", "ddn", "fmn", "fab"].contains(name), exact.isFinite {
        #expect(radius <= exact * 1.01 + 1e-6, "sample \(i): \(radius), exact \(exact)")
      }
    }
    #expect(found > 4)
  }

  /// The same numbers for every coordinate are the same box, to the last bit.
  @Test(arguments: Norm.allCases, ["standard", "pgd", "apgd-ce"])
  func equalRangesAreOneRange(_ norm: Norm, _ name: String) throws {
    var problem = problem(8, norm)
    let inputs = Matrix(
      rows: 16, columns: 8, elements: problem.inputs.elements.map { min(max($0, 0), 1) })
    problem = AttackProblem(
      classifier: problem.classifier, inputs: inputs,
      labels: problem.classifier.predictions(inputs),
      threat: ThreatModel(norm: norm, box: 0...1), references: AttackReferences(dimension: 8))
    let each = ThreatModel(
      norm: norm,
      within: InputBox<Float>.perCoordinate(
        lower: [Float](repeating: 0, count: 8), upper: [Float](repeating: 1, count: 8)))
    let one = try evaluate(problem, name, epsilons: [0.3, 1])
    let many = try evaluate(problem, name, epsilons: [0.3, 1], threat: each)
    #expect(one.perturbations == many.perturbations)
    #expect(one.samples.map(\.radius) == many.samples.map(\.radius))
  }

  @Test func samplesOutsideAreRefused() throws {
    let problem = problem(4, .l2)
    let box = InputBox<Float>.perCoordinate(
      lower: [0, 0, 0, 100], upper: [1, .infinity, 1, 101])
    #expect(throws: AttackError.self) {
      try evaluate(
        problem, "quick", epsilons: [1], threat: ThreatModel(norm: .l2, within: box))
    }
    let short = InputBox<Float>.perCoordinate(lower: [0], upper: [1])
    #expect(throws: AttackError.self) {
      try evaluate(
        problem, "quick", epsilons: [1], threat: ThreatModel(norm: .l2, within: short))
    }
  }
}
