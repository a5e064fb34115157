import Certification
import Foundation
import LinearCore
import Networks
import Synchronization
import Testing

/// What the first search leaves open: large degrees, dead starts, samples without any adversary, and all norms.
@Suite struct CompleteSearchTests {
  private func network(_ rows: [[Double]], _ outputs: [Double], bias: Double? = nil, p: Double)
    throws
    -> PReLUNetwork<Double>
  {
    try PReLUNetwork(
      exponent: p, hiddenWeights: Matrix(rows), outputWeights: Matrix([outputs]),
      outputBias: bias.map { [$0] })
  }

  static func certify(
    _ network: PReLUNetwork<Double>, _ input: [Double], _ label: Int, _ norm: Norm,
    budget: SearchBudget = SearchBudget()
  ) throws -> (CertifiedRadius, EffectiveNetwork) {
    switch norm {
    case .l2:
      let certifier = try RadiusCertifier(network, budget: budget)
      return (certifier.certify(input, label: label), certifier.effective)
    case .linf:
      let certifier = try MaximumNormCertifier(network, budget: budget)
      return (certifier.certify(input, label: label), certifier.effective)
    case .l1:
      let certifier = try RelaxationCertifier(network, norm: .l1, nodes: budget.nodes)
      return (certifier.certify(input, label: label), certifier.effective)
    }
  }

  /// relu(x_1)^p - relu(x_2)^p is 0 first at (1/2, 1/2), in every norm.
  @Test(arguments: [12, 20, 30, 50, 150.0]) func degreesCostNoTightness(p: Double) throws {
    let network = try network([[1, 0], [0, 1]], [1, -1], p: p)
    for (norm, truth) in [(Norm.l2, 0.5.squareRoot()), (.linf, 0.5), (.l1, 1.0)] {
      // In l1 every point of the boundary is as near, and large p take more boxes than there are.
      if norm == .l1 && p > 50 { continue }
      let (result, effective) = try Self.certify(network, [1, 0], 1, norm)
      #expect(result.lower >= 0.999 * truth && result.lower <= truth, "\(norm): \(result.lower)")
      #expect(result.upper >= truth * (1 - 1e-12) && result.upper <= 1.001 * truth, "\(norm)")
      let checker = try CertificateChecker(network, effective: effective)
      let proved = try checker.check(SampleCertificate(result, norm: norm), input: [1, 0])
      #expect(proved <= truth)
    }
  }

  /// f = 0 at the sample, which is class 0 by the tie: class 1 begins at x_1 > 0 or x_2 > 0.
  @Test(arguments: [1, 1.5, 2, 3, 10.0]) func deadStarts(p: Double) throws {
    let network = try network([[1, 0], [0, 1]], [1, 1], p: p)
    for (norm, truth) in [(Norm.l2, 0.3), (.linf, 0.3), (.l1, 0.3)] {
      let (result, _) = try Self.certify(network, [-0.3, -0.4], 0, norm)
      #expect(result.status == .exact, "\(norm): \(result.lower) \(result.upper)")
      #expect(
        result.lower <= truth && result.upper >= truth * (1 - 1e-9) && result.upper < 1.001 * truth)
    }
  }

  /// Class 1 ends where no neuron is active any more.
  @Test(arguments: [1, 1.25, 3, 20.0]) func deadEnds(p: Double) throws {
    let network = try network([[1, 0], [0, 1], [1, 1]], [1, 1, 0.5], p: p)
    let (result, effective) = try Self.certify(network, [0.3, -0.1], 1, .l2)
    #expect(result.status == .exact, "\(result.lower) \(result.upper)")
    #expect(result.lower <= 0.3 && result.lower >= 0.999 * 0.3)
    let checker = try CertificateChecker(network, effective: effective)
    #expect(try checker.check(SampleCertificate(result), input: [0.3, -0.1]) <= 0.3)
  }

  /// f <= 0 everywhere: there is no class 1.
  @Test(arguments: [1, 2, 2.5, 6.0]) func noAdversaryAtAll(p: Double) throws {
    // relu(x_1 + x_2)^p is at most 2^(p/2) times that of the unit direction, and less than both others together.
    let network = try network([[1, 0], [0, 1], [-1, 0.2], [1, 1]], [-4, -4, -1, 0.5], p: p)
    for norm in Norm.allCases {
      let (result, effective) = try Self.certify(network, [0.4, 0.3], 0, norm)
      #expect(result.status == .unreachable, "\(norm): \(result.lower) \(result.upper)")
      #expect(result.upper == .infinity && result.lower >= 2 * 0.5 * (1 - 1e-3))
      let checker = try CertificateChecker(network, effective: effective)
      let certificate = SampleCertificate(result, norm: norm)
      let restored = try JSONDecoder().decode(
        SampleCertificate.self, from: JSONEncoder().encode(certificate))
      #expect(restored == certificate)
      #expect(try checker.check(restored, input: [0.4, 0.3]) >= result.lower * (1 - 1e-12))
      // The same proof says nothing about a network that has an adversary.
      let other = try self.network(
        [[1, 0], [0, 1], [-1, 0.2], [1, 1]], [-4, -4, 1e-3, 0.5], p: p)
      let stranger = try CertificateChecker(other, effective: EffectiveNetwork(other))
      #expect(throws: CertificateError.self) {
        try stranger.check(certificate, input: [0.4, 0.3])
      }
    }
  }

  /// Proofs of random networks against sampled perturbations, and how many are exact.
  private func compare(_ cases: [RandomCase], _ norm: Norm, budget: SearchBudget) throws -> Double {
    let exact = Atomic<Int>(0)
    Parallel.forEach(cases.count) { number in
      let test = cases[number]
      let (result, effective) = try! Self.certify(
        test.network, test.input, test.label, norm, budget: budget)
      #expect(result.lower <= result.upper && !result.isContradictory)
      if result.status == .exact || result.status == .unreachable {
        exact.add(1, ordering: .relaxed)
      }
      let found = test.bruteForce(reach: 1.2 * min(result.upper, 10), norm: norm)
      #expect(result.lower <= found, "case \(number), p = \(test.network.exponent), \(norm)")
      if result.status == .exact {
        #expect(result.upper * (1 - budget.gap) <= found * (1 + 1e-12), "case \(number), \(norm)")
      }
      if number % 4 == 0 {
        #expect(throws: Never.self, "case \(number), \(norm)") {
          try CertificateChecker(test.network, effective: effective).check(
            SampleCertificate(result, norm: norm), input: test.input)
        }
      }
    }
    return Double(exact.load(ordering: .relaxed)) / Double(cases.count)
  }

  @Test(arguments: Norm.allCases, [false, true])
  func randomNetworks(norm: Norm, hasHiddenBias: Bool) throws {
    let share = try compare(
      (0..<48).map { RandomCase($0, dimensions: 2...3, hasHiddenBias: hasHiddenBias) }, norm,
      budget: SearchBudget(nodes: 4000))
    #expect(share >= 0.95, "\(norm): \(share)")
  }

  /// Proofs of whole networks with hidden biases, and of neurons that no input moves, hold for no other biases.
  @Test(arguments: Norm.allCases) func proofsBelongToTheirHiddenBiases(norm: Norm) throws {
    for number in 0..<12 {
      let test = RandomCase(number, dimensions: 2...3, hasHiddenBias: true)
      let (result, effective) = try Self.certify(
        test.network, test.input, test.label, norm, budget: SearchBudget(nodes: 4000))
      let certificate = SampleCertificate(result, norm: norm)
      var other = test.network
      let last = other.inputDimension
      for j in 0..<other.hiddenWidth { other.hiddenWeights[j, last] -= 0.3 }
      #expect(throws: CertificateError.self) {
        try CertificateChecker(other, effective: effective)
      }
      // Even where the checker is told of the new biases, the old tree claims too much or is right by chance.
      let checker = try CertificateChecker(other, effective: EffectiveNetwork(other))
      guard
        let proved = try? checker.check(certificate, input: test.input),
        predictedClasses(other.referenceLogits(Matrix([test.input])))[0] == test.label
      else { continue }
      let moved = RandomCase(test, network: other)
      #expect(proved <= moved.bruteForce(reach: 1.2 * proved, norm: norm), "case \(number)")
    }
  }

  @Test(
    .tags(.slow), .enabled(if: ProcessInfo.processInfo.environment["POLYRELU_CAMPAIGN"] != nil),
    arguments: Norm.allCases, [false, true])
  func randomNetworksCampaign(norm: Norm, hasHiddenBias: Bool) throws {
    let share = try compare(
      (0..<1000).map { RandomCase($0, dimensions: 2...5, hasHiddenBias: hasHiddenBias) }, norm,
      budget: SearchBudget(nodes: SearchBudget.asManyAsThereIsTimeFor, seconds: 10))
    print(
      "complete search, \(norm.rawValue): \(100 * share)% of 1000 networks exact"
        + (hasHiddenBias ? ", with hidden biases" : ""))
    #expect(share >= (norm == .l2 ? 0.99 : 0.95), "\(norm): \(share)")
  }
}
