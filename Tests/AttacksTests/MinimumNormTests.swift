import LinearCore
import Networks
import Testing
import Theory

@testable import Attacks

/// A classifier whose logits are those of another times a number.
private struct ScaledClassifier<Base: Classifier>: Classifier {
  let base: Base
  let factor: Base.Scalar
  var inputDimension: Int { base.inputDimension }
  var outputCount: Int { base.outputCount }

  private func scaled(_ matrix: Matrix<Base.Scalar>) -> Matrix<Base.Scalar> {
    var result = matrix
    result.elements = matrix.elements.map { factor * $0 }
    return result
  }

  func logits(_ inputs: Matrix<Base.Scalar>) -> Matrix<Base.Scalar> { scaled(base.logits(inputs)) }

  func logitsAndInputGradient(
    _ inputs: Matrix<Base.Scalar>,
    cotangent: (Matrix<Base.Scalar>, Range<Int>) -> Matrix<Base.Scalar>
  ) -> (logits: Matrix<Base.Scalar>, gradient: Matrix<Base.Scalar>) {
    let result = base.logitsAndInputGradient(inputs) { cotangent(scaled($0), $1) }
    return (scaled(result.logits), scaled(result.gradient))
  }
}

@Suite struct MinimumNormTests {
  static let attacks: [any Attack] = [DecoupledDirectionNorm(), FastMinimumNorm()]
  let stream = RandomStream(seed: 12)

  /// Radii in input order; infinite where an attack fails.
  private func radii<C: Classifier>(
    _ classifier: C, _ inputs: Matrix<C.Scalar>, _ threat: ThreatModel<C.Scalar>,
    _ attack: any Attack
  ) throws -> [Double] {
    try RobustnessEvaluation<C>(
      threat: threat, attacks: [attack], references: AttackReferences(dimension: inputs.columns),
      epsilons: [], stream: stream
    ).run(classifier, inputs: inputs, labels: classifier.predictions(inputs)).samples.map(\.radius)
  }

  private func linear(_ dimension: Int, box: Bool) -> (LinearClassifier<Float>, Matrix<Float>) {
    var inputs = Matrix<Float>.gaussian(
      rows: 40, columns: dimension, stream: stream.child("x", dimension))
    if box { inputs.elements = inputs.elements.map { min(max($0 * 0.5 + 0.5, 0), 1) } }
    let weights = Matrix<Float>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("w", dimension)
    ).elements
    let middle = weights.reduce(0, +) / 2
    return (LinearClassifier(weights: weights, bias: box ? -middle : 0.3), inputs)
  }

  @Test(arguments: Norm.allCases, [false, true]) func linearClassifiersFallAtTheirDistance(
    _ norm: Norm, box: Bool
  ) throws {
    for dimension in [2, 7, 60] {
      let (classifier, inputs) = linear(dimension, box: box)
      for attack in Self.attacks where attack.norms.contains(norm) {
        let threat = ThreatModel<Float>(norm: norm, box: box ? 0...1 : nil)
        for (i, radius) in try radii(classifier, inputs, threat, attack).enumerated() {
          let exact = boxedDistance(classifier, inputs.row(i), norm, within: threat.box)
          guard exact.isFinite else {
            #expect(radius == .infinity)
            continue
          }
          // Perturbed coordinates are rounded to Float, their error relative to the input.
          let name = "\(attack.name), \(norm), box \(box), dimension \(dimension), sample \(i)"
          #expect(radius >= exact * (1 - 1e-5) - 1e-6, "\(name)")
          #expect(radius <= exact * 1.01 + 1e-6, "\(name): \(radius), \(exact)")
        }
      }
    }
  }

  @Test func reluNetworkBreaksAtOneOverRootK() throws {
    let problem = CentreProblem(subclasses: 10, positive: 6, dimension: 40)
    let network = IdealClassifiers.relu(centers: problem.centers, labels: problem.labels)
    let law = CriticalRadius.relu(subclasses: 10)
    for attack in Self.attacks {
      for radius in try problem.radii(network, [attack]) {
        #expect(radius >= law * (1 - 1e-4) && radius <= law * 1.01, "\(attack.name): \(radius)")
      }
    }
  }

  /// Gradient attacks need not find the boundary for p >= 3, but may not report less than the law.
  @Test(arguments: [1.5, 2, 3, 4]) func nothingIsFoundBelowTheLaw(_ p: Double) throws {
    let problem = CentreProblem(subclasses: 10, positive: 6, dimension: 40)
    let network = IdealClassifiers.polynomialReLU(
      exponent: p, centers: problem.centers, labels: problem.labels)
    for attack in Self.attacks {
      for (k, radius) in try problem.radii(network, [attack]).enumerated() {
        let law = CriticalRadius.polynomialReLU(
          exponent: p, oppositeSubclasses: problem.labels[k] == 1 ? 4 : 6)
        #expect(radius >= law * (1 - 1e-4), "\(attack.name), p = \(p), centre \(k)")
      }
    }
  }

  @Test(arguments: [1.3e6, 0.7e-6]) func theScaleOfLogitsDoesNotMatter(_ factor: Double) throws {
    let (classifier, inputs) = linear(20, box: true)
    let problem = CentreProblem(subclasses: 6, positive: 3, dimension: 20)
    let network = IdealClassifiers.relu(centers: problem.centers, labels: problem.labels)
    func compare<C: Classifier>(_ classifier: C, _ inputs: Matrix<C.Scalar>, _ name: String) throws
    {
      let scaled = ScaledClassifier(base: classifier, factor: C.Scalar(factor))
      for (norm, attack) in [
        (Norm.l2, DecoupledDirectionNorm() as any Attack), (.l2, FastMinimumNorm()),
        (.linf, FastMinimumNorm()),
      ] {
        let threat = ThreatModel<C.Scalar>(norm: norm)
        let plain = try radii(classifier, inputs, threat, attack)
        let other = try radii(scaled, inputs, threat, attack)
        for (a, b) in zip(plain, other) {
          #expect(abs(a - b) <= 1e-6 * a, "\(name), \(attack.name), \(norm): \(a), \(b)")
        }
      }
    }
    let double = LinearClassifier<Double>(
      weights: classifier.weights.map(Double.init), bias: Double(classifier.bias))
    try compare(double, inputs.converted(to: Double.self), "linear")
    // Near the centres: the steps from a centre itself lead to 0, where no neuron is active and rounding
    // decides.
    var samples = Matrix<Double>.gaussian(rows: 6, columns: 20, stream: stream.child("noise"))
    samples.elements = zip(samples.elements, problem.centers.elements).map {
      0.03 * $0 + Double($1)
    }
    try compare(network.converted(to: Double.self), samples, "relu")
  }

  @Test func dataOfAnyScaleAreAttacked() throws {
    for scale: Float in [1e-6, 1e6] {
      var (classifier, inputs) = linear(20, box: false)
      classifier = LinearClassifier(weights: classifier.weights, bias: classifier.bias * scale)
      inputs.elements = inputs.elements.map { scale * $0 }
      for attack in Self.attacks {
        let found = try radii(classifier, inputs, ThreatModel(norm: .l2), attack)
        for (i, radius) in found.enumerated() {
          let exact = classifier.distance(inputs.row(i), .l2)
          #expect(abs(radius - exact) <= 0.01 * exact, "\(attack.name), \(scale)")
        }
      }
    }
  }

  @Test func attacksSayWhichNormsTheyMeasure() throws {
    let (classifier, inputs) = linear(3, box: false)
    #expect(throws: AttackError("attack ddn measures l2 only, expected norm l2")) {
      try radii(classifier, inputs, ThreatModel(norm: .linf), DecoupledDirectionNorm())
    }
    #expect(
      (try AttackCatalog.attacks(named: "ddn", steps: 7)[0] as? DecoupledDirectionNorm)?.steps == 7)
    #expect((try AttackCatalog.attacks(named: "fmn")[0] as? FastMinimumNorm)?.steps == 100)
  }
}
