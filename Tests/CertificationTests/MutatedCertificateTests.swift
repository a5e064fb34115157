import Certification
import Foundation
import LinearCore
import Networks
import Synchronization
import Testing

/// Certificates that claim more than is true are refused, whatever else is changed about them.
@Suite struct MutatedCertificateTests {
  /// A number that a damaged or a hostile file may hold in the place of `value`.
  private static func mutated(_ value: Double, _ random: inout some RandomNumberGenerator) -> Double
  {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: 0
    case 1: -value
    case 2: .infinity
    case 3: .nan
    case 4: value * 1.001
    case 5: value * 0.999
    case 6: value * pow(10, .random(in: -30...30, using: &random))
    case 7: pow(10, .random(in: -300...300, using: &random))
    case 8: -pow(10, .random(in: -300...300, using: &random))
    case 9: .leastNonzeroMagnitude
    case 10: .greatestFiniteMagnitude
    default: value + .random(in: -1...1, using: &random)
    }
  }

  private static func mutate(
    _ values: inout [Double], _ random: inout some RandomNumberGenerator
  ) {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: values.append(mutated(1, &random))
    case 1: if !values.isEmpty { values.removeLast() }
    case 2: values = values.map { mutated($0, &random) }
    case 3:
      let factor = pow(10, Double.random(in: -3...3, using: &random))
      values = values.map { factor * $0 }
    default:
      if let i = values.indices.randomElement(using: &random) {
        values[i] = mutated(values[i], &random)
      }
    }
  }

  private static func mutate(
    _ branch: inout BranchCertificate, _ random: inout some RandomNumberGenerator
  ) {
    switch Int.random(in: 0..<16, using: &random) {
    case 0: branch.searchRadius = mutated(branch.searchRadius, &random)
    case 1: branch.searchRadius *= pow(10, .random(in: 0...40, using: &random))
    case 2: branch.unit = mutated(branch.unit ?? 1, &random)
    case 3:
      branch.unit = branch.unit.map {
        $0 * pow(2, Double(Int.random(in: -60...60, using: &random)))
      }
    case 4: branch.nodes = []
    case 5:
      if !branch.nodes.isEmpty {
        branch.nodes.remove(at: Int.random(in: 0..<branch.nodes.count, using: &random))
      }
    case 6: if let node = branch.nodes.randomElement(using: &random) { branch.nodes.append(node) }
    case 7: branch.nodes.shuffle(using: &random)
    case 8:
      branch.cutDirections = [(0..<3).map { _ in mutated(1, &random) }]
    default:
      guard let i = branch.nodes.indices.randomElement(using: &random) else { return }
      switch branch.nodes[i] {
      case .branch(let neuron, let at):
        branch.nodes[i] =
          Bool.random(using: &random)
          ? .branch(neuron: neuron + Int.random(in: -2...2, using: &random), at: at)
          : .branch(neuron: neuron, at: mutated(at, &random))
      case .lengthBranch(let at): branch.nodes[i] = .lengthBranch(at: mutated(at, &random))
      case .leaf(var leaf):
        switch Int.random(in: 0..<6, using: &random) {
        case 0: leaf.multiplier = mutated(leaf.multiplier, &random)
        case 1: mutate(&leaf.quadratics, &random)
        case 2: mutate(&leaf.slopes, &random)
        case 3: leaf.biasSlope = mutated(leaf.biasSlope, &random)
        case 4: mutate(&leaf.point, &random)
        default: mutate(&leaf.metric, &random)
        }
        branch.nodes[i] = .leaf(leaf)
      case .lines(var lines):
        switch Int.random(in: 0..<4, using: &random) {
        case 0: lines.multiplier = mutated(lines.multiplier, &random)
        case 1: branch.isWhole = branch.isWhole == nil ? true : nil
        case 2: branch.faces = [branch.nodes]
        default: mutate(&lines.slopes, &random)
        }
        branch.nodes[i] = .lines(lines)
      }
    }
  }

  @Test(.tags(.slow)) func noMutationProvesMoreThanIsTrue() {
    let tried = Atomic<Int>(0)
    let bases = Atomic<Int>(0)
    let each = 20
    Parallel.forEach(2 * campaignSize / each) { number in
      DenormalNumbers.kept {
        let test = ExtremeCase(number)
        guard let label = test.label else { return }
        let norm = [Norm.l2, .linf, .l1][number % 3]
        guard let (result, effective) = try? SoundnessCampaignTests.certify(test, label, norm),
          result.status != .misclassified, result.upper.isFinite, !result.certificates.isEmpty,
          let checker = try? CertificateChecker(test.network, effective: effective)
        else { return }
        bases.add(1, ordering: .relaxed)
        var random = RandomStream(seed: 31).child("mutation", number)
        for _ in 0..<2 * each {
          var certificate = SampleCertificate(result, norm: norm)
          // Above what a perturbation shows to be true, a little or a lot.
          certificate.lower =
            result.upper
            * [1 + 1e-6, 1.001, 1.3, 2, 10, 1e6].randomElement(using: &random)!
          for _ in 0..<Int.random(in: 0...3, using: &random) {
            let i = certificate.branches.indices.randomElement(using: &random)!
            Self.mutate(&certificate.branches[i], &random)
          }
          if Int.random(in: 0..<20, using: &random) == 0 {
            certificate.norm = [Norm.l2, .linf, .l1].randomElement(using: &random)!
            // Another norm has another truth.
            if certificate.norm != norm { continue }
          }
          tried.add(1, ordering: .relaxed)
          let proved = try? checker.check(certificate, input: test.input)
          #expect(proved == nil, "case \(number), \(norm): \(certificate.lower) of \(result.upper)")
        }
      }
    }
    print(
      "mutations: \(tried.load(ordering: .relaxed)) of \(bases.load(ordering: .relaxed)) certificates"
    )
    #expect(tried.load(ordering: .relaxed) > campaignSize / 2)
  }
}
