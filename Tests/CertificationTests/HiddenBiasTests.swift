import Foundation
import LinearCore
import Networks
import Synchronization
import Testing

@testable import Certification

/// Networks with hidden biases: what is proved against what a search finds that moves inputs alone.
@Suite struct HiddenBiasCertificateTests {
  /// Checks lower <= brute force and lower <= upper for every case, and counts exact ones.
  func compare(
    _ cases: [RandomCase], norm: Norm = .l2,
    certify: @Sendable (RandomCase) throws -> CertifiedRadius
  ) throws -> Double {
    let exact = Atomic<Int>(0)
    let attackable = Atomic<Int>(0)
    Parallel.forEach(cases.count) { i in
      let test = cases[i]
      let result = try! certify(test)
      #expect(result.status != .misclassified)
      #expect(result.lower <= result.upper && !result.isContradictory, "case \(i)")
      let reach = result.upper.isFinite ? 1.5 * result.upper : 8
      let found = test.bruteForce(reach: reach, norm: norm)
      #expect(result.lower <= found, "case \(i), p = \(test.network.exponent)")
      if result.status == .exact { exact.add(1, ordering: .relaxed) }
      if result.upper.isFinite {
        attackable.add(1, ordering: .relaxed)
        #expect(test.margin(result.perturbation) <= 1e-11)
      }
    }
    return Double(exact.load(ordering: .relaxed)) / Double(attackable.load(ordering: .relaxed))
  }

  static let budget = SearchBudget(gap: 1e-3, nodes: 300)

  @Test func euclidean() throws {
    let exact = try compare(
      (0..<120).map { RandomCase($0, outputs: $0 % 4 == 3 ? 3 : 1, hasHiddenBias: true) }
    ) { try RadiusCertifier($0.network, budget: Self.budget).certify($0.input, label: $0.label) }
    #expect(exact > 0.95, "\(exact)")
  }

  @Test func maximumNorm() throws {
    _ = try compare((0..<32).map { RandomCase($0, hasHiddenBias: true) }, norm: .linf) {
      try MaximumNormCertifier($0.network, budget: Self.budget).certify($0.input, label: $0.label)
    }
  }

  @Test func relaxationsInL1() throws {
    _ = try compare((0..<32).map { RandomCase($0, hasHiddenBias: true) }, norm: .l1) {
      try RelaxationCertifier($0.network, norm: .l1).certify($0.input, label: $0.label)
    }
  }

  /// f(x) = relu(x_1 + b) - relu(-x_1 - b) is x_1 + b: the radius is |x_1 + b|, in any number of dimensions.
  @Test(arguments: [Norm.l2, .linf, .l1]) func linear(norm: Norm) throws {
    let b = 0.75
    let network = try PReLUNetwork<Double>(
      exponent: 1, hiddenWeights: Matrix([[1, 0, 0], [-1, 0, 0]]), hiddenBias: [b, -b],
      outputWeights: Matrix([[1, -1]]))
    let input = [0.5, -3, 2]
    let result: CertifiedRadius =
      switch norm {
      case .l2: try RadiusCertifier(network).certify(input, label: 1)
      case .linf: try MaximumNormCertifier(network).certify(input, label: 1)
      case .l1: try RelaxationCertifier(network, norm: .l1).certify(input, label: 1)
      }
    #expect(result.lower <= 1.25 && result.lower >= 1.25 * (1 - 2e-3))
  }

  /// A neuron whose weights vanish beside its bias is a constant that nobody can move.
  @Test(arguments: [0, 1e-12, 1e-5]) func constantNeuron(weight: Double) throws {
    let network = try PReLUNetwork<Double>(
      exponent: 2, hiddenWeights: Matrix([[1, 0], [weight, 0]]), hiddenBias: [0, 2],
      outputWeights: Matrix([[1, -0.5]]))
    // x^2/|x| = x for x > 0, and 0.5 * 2 = 1.
    let result = try RadiusCertifier(network).certify([3, 1], label: 1)
    #expect(result.lower <= 2 * (1 + 1e-4) && result.lower >= 2 * (1 - 3e-3))
  }

  /// Where all neurons are constants and the output bias decides, nothing is ever lost.
  @Test func onlyConstants() throws {
    let network = try PReLUNetwork<Double>(
      exponent: 1, hiddenWeights: Matrix([[0, 0]]), hiddenBias: [2], outputWeights: Matrix([[1]]),
      outputBias: [-1])
    let result = try RadiusCertifier(network).certify([3, 1], label: 1)
    #expect(result.lower > 1 && result.upper == .infinity)
  }

  /// Certificates of a reduced network, many neurons in many dimensions, survive a file and the checker, and are
  /// refused for a network with other biases.
  @Test func storedCertificates() throws {
    let (network, input) = Self.wide()
    let certifier = try RadiusCertifier(network, budget: Self.budget)
    #expect(certifier.effective.rank <= 4 && certifier.effective.inputDimension == 40)
    let label = predictedClasses(network.referenceLogits(Matrix([input])))[0]
    let result = certifier.certify(input, label: label)
    #expect(result.lower > 0 && result.lower <= result.upper)
    let stored = try JSONDecoder().decode(
      EffectiveNetwork.self, from: JSONEncoder().encode(certifier.effective))
    #expect(stored == certifier.effective)
    let certificate = SampleCertificate(result)
    let checker = try CertificateChecker(network, effective: stored)
    #expect(try checker.check(certificate, input: input) >= result.lower * (1 - 1e-9))
    var other = network
    let last = network.hiddenWeights.columns - 1
    for j in 0..<network.hiddenWidth { other.hiddenWeights[j, last] += 0.05 }
    #expect(throws: CertificateError.self) { try CertificateChecker(other, effective: stored) }
    let without = network.augmented
    #expect(throws: CertificateError.self) { try CertificateChecker(without, effective: stored) }
  }

  /// 60 neurons in 40 dimensions that see four directions only.
  static func wide() -> (network: PReLUNetwork<Double>, input: [Double]) {
    let stream = RandomStream(seed: 5)
    let basis = Matrix<Double>.gaussian(rows: 4, columns: 40, stream: stream.child("basis"))
    let mixing = Matrix<Double>.gaussian(rows: 8, columns: 4, stream: stream.child("mixing"))
    let kinds = Matrix.product(mixing, basis)
    let biases = Matrix<Double>.gaussian(rows: 1, columns: 8, stream: stream.child("bias")).row(0)
    let signs = Matrix<Double>.gaussian(rows: 1, columns: 60, stream: stream.child("output"))
    let network = try! PReLUNetwork(
      exponent: 3, hiddenWeights: kinds.rows(at: (0..<60).map { $0 % 8 }),
      hiddenBias: (0..<60).map { biases[$0 % 8] }, outputWeights: signs)
    return (
      network,
      Matrix<Double>.gaussian(rows: 1, columns: 40, stream: stream.child("input")).row(0)
    )
  }
}
