import Certification
import Foundation
import LinearCore
import Networks
import Synchronization
import Testing

/// How many random networks: POLYRELU_CAMPAIGN=20000 for the whole campaign, a share of it otherwise.
let campaignSize = ProcessInfo.processInfo.environment["POLYRELU_CAMPAIGN"].flatMap(Int.init) ?? 300

/// No proof exceeds the truth, for networks of every option and magnitude.
@Suite struct SoundnessCampaignTests {
  static func certify(_ test: ExtremeCase, _ label: Int, _ norm: Norm) throws -> (
    CertifiedRadius, EffectiveNetwork
  ) {
    let budget = SearchBudget(gap: 1e-3, nodes: 24)
    switch norm {
    case .l2:
      let certifier = try RadiusCertifier(test.network, budget: budget)
      return (certifier.certify(test.input, label: label), certifier.effective)
    case .linf:
      let certifier = try MaximumNormCertifier(test.network, budget: budget)
      return (certifier.certify(test.input, label: label), certifier.effective)
    case .l1:
      let certifier = try RelaxationCertifier(test.network, norm: .l1, nodes: 24)
      return (certifier.certify(test.input, label: label), certifier.effective)
    }
  }

  @Test(.tags(.slow)) func provedRadiiAreTrueAtEveryMagnitude() {
    let counts = Atomic<Int>(0)
    let positives = Atomic<Int>(0)
    let exact = Atomic<Int>(0)
    Parallel.forEach(campaignSize) { number in
      DenormalNumbers.kept {
        let test = ExtremeCase(number)
        guard let label = test.label else { return }
        for norm in [Norm.l2, .linf, .l1] {
          // All rows 0: there is nothing to certify.
          guard let (result, effective) = try? Self.certify(test, label, norm) else { continue }
          if result.status == .misclassified { continue }
          counts.add(1, ordering: .relaxed)
          #expect(result.status != .contradictory, "case \(number), \(norm)")
          #expect(result.lower >= 0 && result.lower <= result.upper, "case \(number), \(norm)")
          if result.status == .exact { exact.add(1, ordering: .relaxed) }
          if result.upper.isFinite {
            let d = result.perturbation.map { Float80($0) }
            #expect(
              test.isLost(d, label: label) || test.isLost(d.map { $0 * (1 + 1e-9) }, label: label)
                || test.isOnBoundary(d, label: label),
              "case \(number), \(norm): no witness")
          }
          if result.lower > 0 {
            positives.add(1, ordering: .relaxed)
            let found = test.adversary(
              radius: result.lower * (1 - 1e-9), norm: norm, label: label)
            #expect(found == nil, "case \(number), \(norm): \(result.lower) is proved")
          }
          // What was found can be checked.
          let certificate = SampleCertificate(result, norm: norm)
          #expect(throws: Never.self, "case \(number), \(norm)") {
            try CertificateChecker(test.network, effective: effective).check(
              certificate, input: test.input)
          }
        }
      }
    }
    print(
      "campaign: \(campaignSize) networks, \(counts.load(ordering: .relaxed)) radii, "
        + "\(positives.load(ordering: .relaxed)) positive, \(exact.load(ordering: .relaxed)) exact")
    // Most cases have something to prove.
    #expect(positives.load(ordering: .relaxed) > campaignSize)
  }
}

extension ExtremeCase {
  /// Whether rounding decides who is ahead at input + d.
  func isOnBoundary(_ d: [Float80], label: Int) -> Bool {
    let (logits, errors) = Self.logits(network, input, d)
    // Witnesses are doubles: input + d has been rounded once.
    let room: Float80 = 0x1p12
    if logits.count == 1 {
      return (label == 1 ? logits[0] : -logits[0]) <= room * errors[0]
    }
    return logits.indices.contains {
      $0 != label && logits[label] - logits[$0] <= room * (errors[label] + errors[$0])
    }
  }
}

extension Tag {
  /// Takes seconds.
  @Tag static var slow: Self
}
