import Certification
import Foundation
import LinearCore
import Networks
import Synchronization
import Testing
import Theory

/// Branch and bound in linf: closed forms, brute force, and damaged certificates.
@Suite struct MaximumNormTests {
  /// At x = mu_k all coordinates can be moved at once: (1 - t)^p = m t^p for F^(p) with m opposite subclasses.
  @Test(arguments: IdealClassifierTests.exponents) func polynomialClassifier(_ p: Double) throws {
    let labels = IdealClassifierTests.labels(10)
    let network: PReLUNetwork<Double> = IdealClassifiers.polynomialReLU(
      exponent: p, centers: .identity(10), labels: labels)
    let certifier = try MaximumNormCertifier(network, budget: SearchBudget(nodes: 400))
    for (sample, opposite) in [(0, 4.0), (9, 6.0)] {
      let law = 1 / (1 + Double.power(opposite, 1 / p))
      let result = certifier.certify(
        Matrix<Double>.identity(10).row(sample), label: labels[sample])
      #expect(result.lower <= law && law <= result.upper * (1 + 1e-12))
      // For large p the metric may end far from the best one.
      #expect(result.gap <= (p <= 3 ? 5e-3 : p == 4 ? 1e-2 : 0.5), "p = \(p)")
    }
  }

  /// F moves like a linear function up to its boundary at 1 / K.
  @Test func plainClassifier() throws {
    let labels = IdealClassifierTests.labels(10)
    let network: PReLUNetwork<Double> = IdealClassifiers.relu(
      centers: .identity(10), labels: labels)
    let results = try MaximumNormCertifier(network, budget: SearchBudget(nodes: 100)).certify(
      .identity(10), labels: labels)
    for result in results {
      #expect(result.lower <= 0.1 && 0.1 <= result.upper * (1 + 1e-12))
      #expect(result.gap <= 2e-3)
    }
  }

  @Test func staysBelowBruteForce() throws {
    let gaps = Mutex<[Double]>([])
    Parallel.forEach(300) { number in
      let test = RandomCase(
        number, outputs: number % 5 == 4 ? 3 : 1, normalizeInput: number % 7 == 6)
      let result = try! MaximumNormCertifier(test.network, budget: SearchBudget(nodes: 80)).certify(
        test.input, label: test.label)
      #expect(result.lower <= result.upper && !result.isContradictory)
      let reach = result.upper.isFinite ? 1.5 * result.upper : 5
      let found = test.bruteForce(reach: reach, norm: .linf)
      #expect(result.lower <= found, "case \(number), p = \(test.network.exponent)")
      if !result.upper.isFinite { return }
      #expect(test.margin(result.perturbation) <= 1e-11)
      gaps.withLock { $0.append(1 - result.lower / min(found, result.upper)) }
    }
    let sorted = gaps.withLock { $0.sorted() }
    #expect(sorted[sorted.count / 2] < 5e-3)
  }

  @Test func damagedCertificatesAreCaught() throws {
    let labels = IdealClassifierTests.labels(8)
    // So many coordinates that the complete search leaves it alone.
    let centers = try Matrix<Float>.gaussian(
      rows: 8, columns: 4200, stream: RandomStream(seed: 2).child("centers")
    ).orthonormalizedRows().basis
    let network = IdealClassifiers.polynomialReLU(exponent: 3, centers: centers, labels: labels)
    let certifier = try MaximumNormCertifier(network, budget: SearchBudget(nodes: 400))
    let input = centers.row(1)
    let result = certifier.certify(input, label: labels[1])
    let certificate = try JSONDecoder().decode(
      SampleCertificate.self, from: JSONEncoder().encode(SampleCertificate(result, norm: .linf)))
    let checker = try CertificateChecker(network, effective: certifier.effective)
    #expect(try checker.check(certificate, input: input) >= result.lower * (1 - 1e-12))
    func expectCaught(_ change: (inout BranchCertificate) -> Void) {
      var damaged = certificate
      change(&damaged.branches[0])
      #expect(throws: CertificateError.self) { try checker.check(damaged, input: input) }
    }
    func changingLeaves(_ change: (inout CertificateLeaf) -> Void) {
      expectCaught { branch in
        for (i, node) in branch.nodes.enumerated() {
          guard case .leaf(var leaf) = node else { continue }
          change(&leaf)
          branch.nodes[i] = .leaf(leaf)
        }
      }
    }
    changingLeaves { $0.multiplier *= 0.8 }
    changingLeaves { $0.multiplier = -1 }
    changingLeaves { $0.quadratics[0] = .nan }
    changingLeaves { $0.slopes[1] += 0.5 }
    changingLeaves { $0.point[0] += 0.1 }
    changingLeaves { $0.metric[0] += 1 }
    changingLeaves { $0.metric.removeLast() }
    for i in certificate.branches[0].nodes.indices {
      expectCaught { $0.nodes.remove(at: i) }
    }
  }

  /// One relaxation is checked by doing it again at the radius it claims.
  @Test(arguments: [Norm.l1, .l2, .linf]) func relaxationsAreCertificates(_ norm: Norm) throws {
    for number in 0..<20 {
      let test = RandomCase(number, outputs: number % 2 == 0 ? 1 : 3)
      let certifier = try RelaxationCertifier(test.network, norm: norm)
      let result = certifier.certify(test.input, label: test.label)
      if result.status == .misclassified || result.proved == 0 || !result.proved.isFinite {
        continue
      }
      let certificate = SampleCertificate(result, norm: norm)
      let checker = try CertificateChecker(test.network, effective: certifier.effective)
      let proved = try checker.check(certificate, input: test.input)
      #expect(proved >= result.lower * (1 - 1e-12))
      var wider = certificate
      for index in wider.branches.indices { wider.branches[index].searchRadius *= 4 }
      // Where the relaxation was not asked for more, four times as much may be true.
      if let wide = try? checker.check(wider, input: test.input) {
        #expect(wide <= test.bruteForce(reach: 2 * wide, norm: norm))
      }
    }
  }
}
