import Attacks
import LinearCore
import Networks
import Testing
import Theory

/// f(x) = <w, x> + b: the distance to the boundary is |f(x)| divided by the dual norm of w.
struct LinearClassifier<Scalar: LinearScalar>: Classifier {
  let weights: [Scalar]
  let bias: Scalar
  var inputDimension: Int { weights.count }
  var outputCount: Int { 1 }

  func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    Matrix(rows: inputs.rows, columns: 1, elements: inputs.times(weights).map { $0 + bias })
  }

  func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>, cotangent: (Matrix<Scalar>, Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    let logits = logits(inputs)
    let factors = cotangent(logits, 0..<inputs.rows)
    return (logits, Matrix.product(factors, Matrix([weights])))
  }

  func distance(_ x: [Scalar], _ norm: Norm) -> Double {
    let value = zip(x, weights).reduce(Double(bias)) { $0 + Double($1.0) * Double($1.1) }
    let dual: Norm = norm == .l2 ? .l2 : norm == .l1 ? .linf : .l1
    return abs(value) / Double(dual.length(weights))
  }
}

@Suite struct LinearOracleTests {
  static let attacks: [any Attack] = [StructuralAttack(), ProjectedGradientDescent()]
  let stream = RandomStream(seed: 8)

  func problem(_ dimension: Int) -> (LinearClassifier<Float>, Matrix<Float>, [Int]) {
    let weights = Matrix<Float>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("w", dimension))
    let classifier = LinearClassifier(weights: weights.elements, bias: 0.3)
    let inputs = Matrix<Float>.gaussian(
      rows: 40, columns: dimension, stream: stream.child("x", dimension))
    return (classifier, inputs, classifier.predictions(inputs))
  }

  @Test(arguments: Norm.allCases, [1, 2, 7, 60]) func structuralAttackFindsTheDistance(
    _ norm: Norm, _ dimension: Int
  ) throws {
    let (classifier, inputs, labels) = problem(dimension)
    let evaluation = RobustnessEvaluation<LinearClassifier<Float>>(
      threat: ThreatModel(norm: norm), attacks: [StructuralAttack()],
      references: AttackReferences(dimension: dimension, samples: inputs, sampleLabels: labels),
      epsilons: [], stream: stream)
    let result = try evaluation.run(classifier, inputs: inputs, labels: labels)
    for sample in result.samples {
      let exact = classifier.distance(inputs.row(sample.index), norm)
      #expect(sample.radius >= exact * (1 - 1e-4) - 1e-6)
      #expect(sample.radius <= exact * 1.01 + 1e-6)
    }
  }

  @Test(arguments: Norm.allCases, [2, 7, 60]) func budgetAttackSucceedsJustAboveAndNeverBelow(
    _ norm: Norm, _ dimension: Int
  ) throws {
    let (classifier, inputs, labels) = problem(dimension)
    for i in 0..<inputs.rows {
      let exact = classifier.distance(inputs.row(i), norm)
      let evaluation = RobustnessEvaluation<LinearClassifier<Float>>(
        threat: ThreatModel(norm: norm), attacks: [ProjectedGradientDescent()],
        references: AttackReferences(dimension: dimension), epsilons: [0.99 * exact, 1.01 * exact],
        stream: stream)
      let result = try evaluation.run(
        classifier, inputs: inputs.rows(at: [i]), labels: [labels[i]])
      #expect(result.robustAccuracy(epsilon: 0.99 * exact) == 1)
      #expect(result.robustAccuracy(epsilon: 1.01 * exact) == 0)
      // The witness is inside the ball, and its reported size is its size.
      let size = Double(norm.length(result.perturbations.row(0)))
      #expect(size <= 1.01 * exact * (1 + 1e-5))
      #expect(abs(size - result.samples[0].radius) <= 1e-6 * size)
    }
  }

  /// The distance to the boundary inside the box is known, so an attack that finds nothing, or leaves the box, fails.
  @Test(arguments: Norm.allCases) func theBoxIsRespected(_ norm: Norm) throws {
    let (classifier, raw, _) = problem(9)
    var inputs = raw
    for i in inputs.elements.indices {
      inputs.elements[i] = min(max(inputs.elements[i] * 0.3 + 0.5, 0), 1)
    }
    let labels = classifier.predictions(inputs)
    let evaluation = RobustnessEvaluation<LinearClassifier<Float>>(
      threat: ThreatModel(norm: norm, box: 0...1),
      attacks: try AttackCatalog.attacks(named: "standard", norm: norm, classCount: 2),
      references: AttackReferences(dimension: 9, samples: inputs, sampleLabels: labels),
      epsilons: [0.5, 1, 2], stream: stream)
    let result = try evaluation.run(classifier, inputs: inputs, labels: labels)
    var cut = 0
    for i in 0..<inputs.rows {
      let point = zip(inputs.row(i), result.perturbations.row(i)).map { $0 + $1 }
      #expect(point.allSatisfy { $0 >= -1e-6 && $0 <= 1 + 1e-6 })
      let exact = classifier.distance(inputs.row(i), norm, box: 0...1)
      if exact > 1.001 * classifier.distance(inputs.row(i), norm) { cut += 1 }
      let found = result.samples[i].radius
      #expect(exact.isFinite == found.isFinite, "sample \(i): \(found), exact \(exact)")
      if exact.isFinite {
        #expect((0.9999 * exact...1.01 * exact).contains(found), "sample \(i): \(found), \(exact)")
      }
    }
    #expect(cut > 5, "the box matters")
  }
}

extension LinearClassifier {
  /// The distance to the boundary inside a box, infinite where the box does not reach it: every coordinate goes against
  /// the margin as far as the norm makes worth its while, or up to the wall.
  func distance(_ x: [Scalar], _ norm: Norm, box: ClosedRange<Double>) -> Double {
    let value = zip(x, weights).reduce(Double(bias)) { $0 + Double($1.0) * Double($1.1) }
    let coordinates = zip(x, weights).map { x, w -> (weight: Double, room: Double) in
      let isRising = (Double(w) < 0) == (value > 0)
      let room = isRising ? box.upperBound - Double(x) : Double(x) - box.lowerBound
      return (abs(Double(w)), room)
    }
    guard coordinates.reduce(0, { $0 + $1.weight * $1.room }) >= abs(value) else {
      return .infinity
    }
    if norm == .l1 {
      // The coordinate with the largest weight first.
      var (left, length) = (abs(value), 0.0)
      for (weight, room) in coordinates.sorted(by: { $0.weight > $1.weight }) where left > 0 {
        let step = min(room, left / weight)
        (left, length) = (left - step * weight, length + step)
      }
      return length
    }
    func steps(_ t: Double) -> [Double] {
      coordinates.map { min(norm == .linf ? t : t * $0.weight, $0.room) }
    }
    var (low, high) = (0.0, 1e6)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      let gain = zip(steps(middle), coordinates).reduce(0) { $0 + $1.0 * $1.1.weight }
      if gain < abs(value) { low = middle } else { high = middle }
    }
    return norm.length(steps(high))
  }
}

/// An orthonormal mixture without noise: the samples are the centres.
struct CentreProblem: Sendable {
  let centers: Matrix<Float>
  let labels: [Int]

  init(subclasses: Int, positive: Int, dimension: Int) {
    centers = try! Matrix<Float>.gaussian(
      rows: subclasses, columns: dimension, stream: RandomStream(seed: 21)
    ).orthonormalizedRows().basis
    labels = (0..<subclasses).map { $0 < positive ? 1 : 0 }
  }

  func radii(_ network: PReLUNetwork<Float>, _ attacks: [any Attack]) throws -> [Double] {
    let means = (rows: centers, labels: labels)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: .l2), attacks: attacks,
      references: AttackReferences(
        dimension: network.inputDimension, classCount: network.classCount,
        directions: network.classDirections(of: Array(0..<network.hiddenWidth)), means: means,
        samples: means),
      epsilons: [0.1, 0.3, 0.5, 0.7, 0.9], stream: RandomStream(seed: 1))
    return try evaluation.run(network, inputs: centers, labels: labels).samples.map(\.radius)
  }
}

@Suite struct IdealClassifierOracleTests {
  static let standard = try! AttackCatalog.attacks(named: "standard")

  @Test(arguments: [(4, 2), (10, 6), (20, 3)]) func reluNetworkBreaksAtOneOverRootK(
    _ subclasses: Int, _ positive: Int
  ) throws {
    let problem = CentreProblem(subclasses: subclasses, positive: positive, dimension: 40)
    let network = IdealClassifiers.relu(centers: problem.centers, labels: problem.labels)
    let law = CriticalRadius.relu(subclasses: subclasses)
    for radius in try problem.radii(network, Self.standard) {
      #expect(radius >= law * (1 - 1e-4) && radius <= law * 1.01)
    }
  }

  @Test(arguments: [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 6]) func polynomialNetworkFollowsItsLaw(
    _ p: Double
  ) throws {
    let problem = CentreProblem(subclasses: 10, positive: 6, dimension: 40)
    let network = IdealClassifiers.polynomialReLU(
      exponent: p, centers: problem.centers, labels: problem.labels)
    for (k, radius) in try problem.radii(network, Self.standard).enumerated() {
      let law = CriticalRadius.polynomialReLU(
        exponent: p, oppositeSubclasses: problem.labels[k] == 1 ? 4 : 6)
      #expect(radius >= law * (1 - 1e-4), "p = \(p), centre \(k)")
      #expect(radius <= law * 1.01, "p = \(p), centre \(k)")
    }
  }

  @Test func anAttackThatIsTooWeakIsFlagged() throws {
    let problem = CentreProblem(subclasses: 10, positive: 6, dimension: 40)
    let network = IdealClassifiers.polynomialReLU(
      exponent: 3, centers: problem.centers, labels: problem.labels)
    let means = (rows: problem.centers, labels: problem.labels)
    for (name, reliable) in [("pgd", false), ("apgd-ce", false), ("standard", true)] {
      let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
        threat: ThreatModel(norm: .l2), attacks: try AttackCatalog.attacks(named: name),
        references: AttackReferences(
          dimension: network.inputDimension, classCount: network.classCount,
          directions: network.classDirections(of: Array(0..<10)), means: means, samples: means),
        epsilons: [0.72, 0.8], stream: RandomStream(seed: 1))
      let result = try evaluation.run(network, inputs: problem.centers, labels: problem.labels)
      let checked = try ReliabilityChecks(evaluation).check(
        result, network, inputs: problem.centers, labels: problem.labels)
      #expect(checked.isReliable == reliable, "\(name): \(checked.flags)")
    }
  }
}
