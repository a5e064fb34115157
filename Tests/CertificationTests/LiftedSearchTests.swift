import Foundation
import LinearCore
import Networks
import Synchronization
import Testing

@testable import Certification

/// Few neurons as functions of many coordinates: linf and l1, and boxes of valid inputs in every norm.
@Suite struct LiftedSearchTests {
  private func certify(
    _ test: RandomCase, _ norm: Norm, _ box: InputBox<Double>?, budget: SearchBudget
  ) throws -> (CertifiedRadius, EffectiveNetwork) {
    switch norm {
    case .l2:
      let certifier = try RadiusCertifier(test.network, budget: budget, box: box)
      return (certifier.certify(test.input, label: test.label), certifier.effective)
    case .linf:
      let certifier = try MaximumNormCertifier(test.network, budget: budget, box: box)
      return (certifier.certify(test.input, label: test.label), certifier.effective)
    case .l1:
      let certifier = try RelaxationCertifier(
        test.network, norm: .l1, gap: budget.gap, seconds: budget.seconds, nodes: budget.nodes,
        box: box)
      return (certifier.certify(test.input, label: test.label), certifier.effective)
    }
  }

  /// A box with the sample inside, on walls, and with a coordinate that nobody moves.
  private func box(around test: RandomCase, _ number: Int) -> InputBox<Double> {
    let widths = [0.3, 1, 0, 0.6, 0.1, 2]
    return .perCoordinate(
      lower: test.input.indices.map { test.input[$0] - widths[($0 + number) % 6] },
      upper: test.input.indices.map { test.input[$0] + widths[(3 * $0 + 2 * number + 1) % 6] })
  }

  /// lower <= brute force, and proofs that the checker accepts; the share of exact ones.
  private func compare(
    _ cases: [RandomCase], _ norm: Norm, isBoxed: Bool, budget: SearchBudget
  ) -> Double {
    let exact = Atomic<Int>(0)
    Parallel.forEach(cases.count) { number in
      let test = cases[number]
      let box = isBoxed ? box(around: test, number) : nil
      let (result, effective) = try! certify(test, norm, box, budget: budget)
      #expect(result.lower <= result.upper && !result.isContradictory)
      if result.status == .exact || result.status == .unreachable {
        exact.add(1, ordering: .relaxed)
      }
      let found = test.bruteForce(reach: 1.2 * min(result.upper, 10), norm: norm, box: box)
      #expect(
        result.lower <= found, "case \(number), p = \(test.network.exponent), \(norm), \(isBoxed)")
      if result.upper.isFinite {
        #expect(test.margin(result.perturbation) <= 1e-11)
        if let box {
          for (i, d) in result.perturbation.enumerated() {
            #expect(box.range(at: i).contains(test.input[i] + d))
          }
        }
      }
      let certificate = SampleCertificate(result, norm: norm)
      #expect(throws: Never.self, "case \(number), \(norm)") {
        try CertificateChecker(test.network, effective: effective, box: box)
          .check(certificate, input: test.input)
      }
      if let box, certificate.branches.contains(where: { $0.isBoxed ?? false }) {
        // Without the box, or in a larger one, it proves less or nothing.
        #expect(throws: CertificateError.self) {
          try CertificateChecker(test.network, effective: effective)
            .check(certificate, input: test.input)
        }
        let wider = InputBox.perCoordinate(
          lower: test.input.indices.map { box.range(at: $0).lowerBound - 1 },
          upper: test.input.indices.map { box.range(at: $0).upperBound + 1 })
        if let radius = try? CertificateChecker(test.network, effective: effective, box: wider)
          .check(certificate, input: test.input)
        {
          #expect(radius <= test.bruteForce(reach: 1.2 * radius, norm: norm, box: wider))
        }
      }
    }
    return Double(exact.load(ordering: .relaxed)) / Double(cases.count)
  }

  @Test(arguments: [Norm.linf, .l1]) func manyCoordinates(norm: Norm) {
    let share = compare(
      (0..<24).map { RandomCase($0, dimensions: 20...40, hasHiddenBias: $0 % 4 == 1) }, norm,
      isBoxed: false, budget: SearchBudget(nodes: 400))
    #expect(share >= 0.9, "\(norm): \(share)")
  }

  @Test(arguments: Norm.allCases) func boxesOfManyCoordinates(norm: Norm) {
    let share = compare(
      (0..<24).map { RandomCase($0, dimensions: 20...40) }, norm, isBoxed: true,
      budget: SearchBudget(nodes: 400))
    #expect(share >= 0.9, "\(norm): \(share)")
  }

  @Test(arguments: Norm.allCases) func boxesOfFewCoordinates(norm: Norm) {
    let share = compare(
      (0..<48).map { RandomCase($0, dimensions: 2...3, hasHiddenBias: $0 % 4 == 1) }, norm,
      isBoxed: true, budget: SearchBudget(nodes: 4000))
    #expect(share >= 0.95, "\(norm): \(share)")
  }
}
