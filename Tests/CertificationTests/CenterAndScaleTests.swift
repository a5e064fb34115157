import Certification
import Foundation
import LinearCore
import Networks
import Testing

/// Inputs at the center, extreme scales, large degrees and limits of time.
@Suite struct CenterAndScaleTests {
  private func network(
    _ rows: [[Double]], _ outputs: [Double], bias: Double? = nil, p: Double,
    normalizes: Bool = false
  ) throws -> PReLUNetwork<Double> {
    try PReLUNetwork(
      exponent: p, hiddenWeights: Matrix(rows), outputWeights: Matrix([outputs]),
      outputBias: bias.map { [$0] }, normalizeInput: normalizes)
  }

  /// f = 0.1 - relu(x_1)^3/‖x‖^2 is lost first at (0.1, 0, 0), at distance 0.1 in every norm.
  @Test(arguments: [Norm.l2, .linf, .l1]) func inputAtTheCenter(norm: Norm) throws {
    let network = try network([[1, 0, 0]], [-1], bias: 0.1, p: 3, normalizes: true)
    let input = [0.0, 0, 0]
    let result: CertifiedRadius
    let effective: EffectiveNetwork
    switch norm {
    case .l2:
      let certifier = try RadiusCertifier(network)
      (result, effective) = (certifier.certify(input, label: 1), certifier.effective)
    case .linf:
      let certifier = try MaximumNormCertifier(network)
      (result, effective) = (certifier.certify(input, label: 1), certifier.effective)
    case .l1:
      let certifier = try RelaxationCertifier(network, norm: .l1)
      (result, effective) = (certifier.certify(input, label: 1), certifier.effective)
    }
    #expect(result.lower <= 0.1)
    // In linf the bound speaks about the Euclidean ball around the box.
    #expect(result.lower >= (norm == .linf ? 0.05 : 0.0999))
    let checker = try CertificateChecker(network, effective: effective)
    let certificate = SampleCertificate(result, norm: norm)
    #expect(try checker.check(certificate, input: input) <= 0.1)
    // What used to be accepted.
    for claimed in [0.4768, 0.291, 0.349, 0.1001] {
      var wrong = certificate
      wrong.lower = claimed
      wrong.branches[0].searchRadius = claimed
      #expect(throws: CertificateError.self) { try checker.check(wrong, input: input) }
      wrong.branches[0].unit = nil
      #expect(throws: CertificateError.self) { try checker.check(wrong, input: input) }
      wrong.branches[0].nodes = []
      #expect(throws: CertificateError.self) { try checker.check(wrong, input: input) }
    }
  }

  /// f = 2e-38 - 1e38 relu(x_1)^8: the radius is (2e-76)^(1/8).
  @Test func overflowingUnitsAreRefused() throws {
    let network = try network([[1e30, 0]], [-1e8], bias: 2e-38, p: 8)
    let input = [Double(Float(1e-45)), 0]
    let certifier = try RadiusCertifier(network)
    let result = certifier.certify(input, label: 1)
    let truth = pow(2e-76, 1.0 / 8)
    #expect(result.lower <= truth && result.lower >= 0.999 * truth)
    #expect(result.status == .exact)
    let checker = try CertificateChecker(network, effective: certifier.effective)
    #expect(try checker.check(SampleCertificate(result), input: input) <= truth)
    for unit in [nil, 1e-300, 1e-45, 1, 1e300] {
      var forged = SampleCertificate(result)
      forged.lower = 1.4e-7
      forged.branches[0].unit = unit
      forged.branches[0].searchRadius = 1e38
      forged.branches[0].nodes = []
      #expect(throws: CertificateError.self) { try checker.check(forged, input: input) }
    }
  }

  /// A search that did not end: curvatures beyond the shift.
  @Test(arguments: [1e-4, 1e-8, 1e-12, 1e-20]) func searchesEnd(s: Double) throws {
    let network = try network(
      [[0.35, -1.28], [1.6, -1.96], [-1.88, 0.675], [-2.92, 1.3]], [-3.4, -16, -0.56, 13.8],
      bias: 0.179, p: 8)
    let certifier = try RadiusCertifier(network, budget: SearchBudget(nodes: 2000))
    let result = certifier.certify([-s, -1.2 * s], label: 1)
    #expect(result.status == .exact, "\(result.lower) \(result.upper)")
    let test = RandomBall(network: network, input: [-s, -1.2 * s])
    #expect(test.keepsLabel(1, radius: result.lower * (1 - 1e-9)))
  }

  @Test func secondsAreKept() throws {
    let network = try network(
      [[0.35, -1.28], [1.6, -1.96], [-1.88, 0.675], [-2.92, 1.3]], [-3.4, -16, -0.56, 13.8],
      bias: 0.179, p: 8)
    let crowded = try PReLUNetwork<Double>(
      exponent: 3,
      hiddenWeights: .gaussian(rows: 300, columns: 200, stream: RandomStream(seed: 1)),
      outputWeights: .gaussian(rows: 4, columns: 300, stream: RandomStream(seed: 2)))
    let input = Matrix<Double>.gaussian(rows: 1, columns: 200, stream: RandomStream(seed: 3))
    for limit in [0.3, 1.0] {
      let budget = SearchBudget(
        gap: 1e-6, nodes: SearchBudget.asManyAsThereIsTimeFor, seconds: limit)
      let small = try RadiusCertifier(network, budget: budget).certify([-0.91, -1.3], label: 0)
      let large = try RadiusCertifier(crowded, budget: budget).certify(
        input.row(0), label: crowded.predictions(input)[0])
      for result in [small, large] {
        #expect(result.seconds <= 1.1 * limit + 0.2)
        #expect(result.lower > 0 && result.lower <= result.upper)
      }
    }
  }

  /// relu(0.5 - x_1^150): powers of units that overflow are no reason to trap.
  @Test(arguments: [12, 150, 1000.0]) func largeDegreesInTheMaximumNorm(p: Double) throws {
    for size in [1, 1e-11, 1e11] {
      let network = try network([[size, 0]], [-1], bias: 0.5, p: p)
      let certifier = try MaximumNormCertifier(network, budget: SearchBudget(nodes: 80))
      let result = certifier.certify([0.1, 0.3], label: 1)
      // size x_1^p = 0.5.
      let truth = pow(0.5 / size, 1 / p) - 0.1
      #expect(result.lower <= truth * (1 + 1e-12) && result.lower >= 0)
    }
  }

  @Test func contradictionsAreNeverExact() throws {
    let network = try network([[1, 0], [0, 1]], [1, -1], p: 1)
    let result = try RadiusCertifier(network).certify([1, 0], label: 1)
    #expect(result.status == .exact && abs(result.upper - 0.5.squareRoot()) < 1e-3)
    // Everything that is proved is proved beyond the witness, if it is wrong.
    #expect(result.proved <= result.upper * (1 + 1e-9))
  }
}

/// Points of a ball, evaluated in 80-bit arithmetic.
private struct RandomBall {
  let network: PReLUNetwork<Double>
  let input: [Double]

  func keepsLabel(_ label: Int, radius: Double) -> Bool {
    (0..<2000).allSatisfy { k in
      let angle = 2 * Double.pi * Double(k) / 2000
      let d = [Float80(radius * cos(angle)), Float80(radius * sin(angle))]
      let (logits, errors) = ExtremeCase.logits(network, input, d)
      return (label == 1 ? logits[0] : -logits[0]) >= -errors[0]
    }
  }
}
