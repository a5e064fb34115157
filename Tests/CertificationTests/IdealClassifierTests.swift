import Attacks
import Certification
import LinearCore
import Networks
import Testing
import Theory

/// On ideal classifiers three independent numbers meet: certified <= closed form <= attacked.
@Suite struct IdealClassifierTests {
  static let exponents: [Double] = [1, 1.25, 1.5, 2, 2.5, 3, 4, 6]

  static func labels(_ subclasses: Int) -> [Int] {
    (0..<subclasses).map { $0 < subclasses * 6 / 10 ? 1 : 0 }
  }

  /// One noisy sample a subclass; centres are basis vectors.
  static func samples(_ subclasses: Int, alpha: Double) -> Matrix<Double> {
    var inputs = Matrix<Double>.gaussian(
      rows: subclasses, columns: subclasses, stream: RandomStream(seed: 5).child("noise"))
    for i in 0..<subclasses {
      inputs.scaleRow(i, by: alpha / Double(subclasses).squareRoot())
      inputs[i, i] += 1
    }
    return inputs
  }

  static func law(_ p: Double, _ subclasses: Int, label: Int) -> Double {
    let positive = subclasses * 6 / 10
    return CriticalRadius.polynomialReLU(
      exponent: p, oppositeSubclasses: label == 1 ? subclasses - positive : positive)
  }

  @Test(arguments: exponents, [10, 20])
  func polynomialClassifierWithoutNoise(_ p: Double, _ subclasses: Int) throws {
    let labels = Self.labels(subclasses)
    let network: PReLUNetwork<Double> = IdealClassifiers.polynomialReLU(
      exponent: p, centers: .identity(subclasses), labels: labels)
    let certifier = try RadiusCertifier(network)
    // All samples of a class are alike.
    for i in [0, subclasses - 1] {
      let result = certifier.certify(
        Matrix<Double>.identity(subclasses).row(i), label: labels[i], index: i)
      let law = Self.law(p, subclasses, label: labels[i])
      #expect(result.status == .exact)
      #expect(result.lower <= law && law <= result.upper * (1 + 1e-15))
      #expect(result.gap <= 1e-3)
    }
  }

  @Test(arguments: exponents, [10, 20])
  func noisySamplesAreExactToo(_ p: Double, _ subclasses: Int) throws {
    let labels = Self.labels(subclasses)
    let network: PReLUNetwork<Double> = IdealClassifiers.polynomialReLU(
      exponent: p, centers: .identity(subclasses), labels: labels)
    let results = try RadiusCertifier(network).certify(
      Self.samples(subclasses, alpha: 0.01), labels: labels)
    for result in results {
      #expect(result.status == .exact)
      #expect(result.lower <= result.upper && result.gap <= 1e-3 && !result.isContradictory)
      // The radius is Lipschitz: noise of norm about 0.01 moves it by no more.
      let law = Self.law(p, subclasses, label: result.label)
      #expect(abs(result.lower - law) <= 0.03)
    }
  }

  @Test(arguments: [10, 20]) func plainClassifier(_ subclasses: Int) throws {
    let labels = Self.labels(subclasses)
    let network: PReLUNetwork<Float> = IdealClassifiers.relu(
      centers: .identity(subclasses), labels: labels)
    let law = CriticalRadius.relu(subclasses: subclasses)
    let results = try RadiusCertifier(network).certify(.identity(subclasses), labels: labels)
    for result in results {
      #expect(result.status == .exact)
      #expect(result.lower <= law && law <= result.upper * (1 + 1e-15) && result.gap <= 1e-3)
    }
  }

  @Test(arguments: exponents) func attacksStayAbove(_ p: Double) throws {
    let subclasses = 10
    let labels = Self.labels(subclasses)
    let network: PReLUNetwork<Float> = IdealClassifiers.polynomialReLU(
      exponent: p, centers: .identity(subclasses), labels: labels)
    let inputs: Matrix<Float> = Self.samples(subclasses, alpha: 0.01).converted()
    let attacked = try RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: .l2), attacks: [StructuralAttack(), DecoupledDirectionNorm()],
      references: AttackReferences(dimension: subclasses, samples: inputs, sampleLabels: labels),
      epsilons: [], stream: RandomStream(seed: 1)
    ).run(network, inputs: inputs, labels: labels)
    let certifier = try RadiusCertifier(network)
    let alone = certifier.certify(inputs, labels: labels)
    for (sample, result) in zip(attacked.samples, alone) {
      #expect(result.lower <= sample.radius)
    }
    // What an attack has found never makes a result worse.
    let helped = certifier.certify(
      inputs, labels: labels, witnesses: attacked.perturbations)
    for (result, other) in zip(helped, alone) {
      #expect(result.upper <= other.upper * (1 + 1e-6))
      #expect(result.lower <= other.upper && other.lower <= result.upper)
    }
  }
}
