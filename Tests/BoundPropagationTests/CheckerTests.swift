import Certification
import Foundation
import LinearCore
import Networks
import Testing

@testable import BoundPropagation

/// The checker believes nothing.
@Suite struct CheckerTests {
  private struct Proof {
    let network: BoundedNetwork
    let x: [Double]
    let certificate: DeepCertificate
    let checker: DeepCertificateChecker
  }

  /// A proof with cuts, slopes and multipliers.
  private func proof(_ seed: UInt64 = 41, isDivided: Bool = false) throws -> Proof {
    var numbers = Numbers(seed)
    for _ in 0..<20 {
      let network = try Samples.dense(
        [4, 10, 8, 3], exponent: 1, isDivided: isDivided, &numbers)
      let x = numbers.vector(4)
      let label = predictedClasses(Matrix([network.outputs(x)]))[0]
      let certifier = DeepCertifier(network, norm: .l2, budget: SearchBudget(nodes: 60))
      let found = certifier.certify(x, label: label)
      guard let certificate = found.certificate, certificate.lower > 0,
        certificate.nodes.contains(where: { $0.split != nil })
      else { continue }
      return Proof(
        network: network, x: x, certificate: certificate, checker: certifier.checker)
    }
    throw NetworkError("no proof with cuts")
  }

  /// The place of a leaf.
  private func leaf(_ certificate: DeepCertificate) -> Int {
    certificate.nodes.lastIndex { $0.split == nil }!
  }

  @Test(arguments: [false, true]) func proofsStandAndSurviveTheirFile(isDivided: Bool) throws {
    let proof = try proof(isDivided: isDivided)
    try proof.checker.check(proof.certificate, input: proof.x)
    let data = try JSONEncoder().encode(proof.certificate)
    let read = try JSONDecoder().decode(DeepCertificate.self, from: data)
    #expect(read == proof.certificate)
    try proof.checker.check(read, input: proof.x)
  }

  @Test(arguments: [false, true]) func corruptionsAreRefused(isDivided: Bool) throws {
    let proof = try proof(isDivided: isDivided)
    let split = proof.certificate.nodes.firstIndex { $0.split != nil }!
    let leaf = leaf(proof.certificate)
    let chosen = try #require(
      proof.certificate.nodes.firstIndex { !($0.stages.last?.choices.isEmpty ?? true) })
    typealias Change = (inout DeepCertificate) -> Void
    func choice(_ body: @escaping (inout DeepCertificate.Choice) -> Void) -> Change {
      { body(&$0.nodes[chosen].stages[$0.nodes[chosen].stages.count - 1].choices[0]) }
    }
    let changes: [(String, Change)] = [
      ("a larger radius", { $0.lower *= 1.5 }),
      ("a radius of NaN", { $0.lower = .nan }),
      ("an infinite radius", { $0.lower = .infinity }),
      ("a negative radius", { $0.lower = -1 }),
      ("another label", { $0.label = ($0.label + 1) % 3 }),
      ("a label that is none", { $0.label = 7 }),
      ("a negative label", { $0.label = -1 }),
      ("another norm", { $0.norm = .linf }),
      ("no nodes", { $0.nodes = [] }),
      ("a missing leaf", { $0.nodes.removeLast() }),
      ("a node too many", { $0.nodes.append($0.nodes[leaf]) }),
      ("a leaf without stages", { $0.nodes[leaf].stages = [] }),
      ("a smaller ball in a leaf", { $0.nodes[leaf].stages[0].radius! *= 0.5 }),
      ("a ball without radius", { $0.nodes[leaf].stages[0].radius = nil }),
      ("a radius of NaN in a leaf", { $0.nodes[leaf].stages[0].radius = .nan }),
      ("an infinite ball", { $0.nodes[0].stages[0].radius = .infinity }),
      ("a larger ball inside", { $0.nodes[leaf].stages[0].radius! *= 2 }),
      ("a cut of no node", { $0.nodes[split].split!.node = 99 }),
      ("a cut of the outputs", { $0.nodes[split].split!.node = proof.network.output }),
      ("a cut of the input", { $0.nodes[split].split!.node = 0 }),
      ("a cut of no neuron", { $0.nodes[split].split!.neuron = 1000 }),
      ("a cut of a negative neuron", { $0.nodes[split].split!.neuron = -1 }),
      ("a cut at NaN", { $0.nodes[split].split!.threshold = .nan }),
      ("a cut at infinity", { $0.nodes[split].split!.threshold = .infinity }),
      ("a cut that became a leaf", { $0.nodes[split].split = nil }),
      ("a leaf that became a cut", { $0.nodes[leaf].split = $0.nodes[split].split }),
      ("slopes for no node", choice { $0.target = 50 }),
      ("slopes for the input", choice { $0.target = 0 }),
      ("slopes of no row", choice { $0.rows[0] = 10_000 }),
      ("slopes of a negative row", choice { $0.rows[0] = -1 }),
      ("slopes of a row twice", choice { $0.rows.append($0.rows[0]) }),
      ("fewer slopes than rows", choice { $0.slopes[0].values.removeLast() }),
      ("fewer slopes than neurons", choice { $0.slopes[0].values[0].removeLast() }),
      ("slopes of no neuron", choice { $0.slopes[0].columns[0] = 77 }),
      ("slopes of a linear node", choice { $0.slopes[0].node = 1 }),
      (
        "slopes of a scale",
        choice { $0.slopes[0].node = proof.network.scaledNodes.first?.node ?? 1 }
      ),
      ("slopes of a node behind", choice { $0.slopes[0].node = proof.network.output }),
      (
        "a negative multiplier",
        choice { c in
          c.multipliers = c.rows.map { _ in [-1] }
        }
      ),
    ]
    #expect(changes.count >= 20)
    for (name, change) in changes {
      var certificate = proof.certificate
      change(&certificate)
      #expect(throws: DeepCertificateError.self, "\(name)") {
        try proof.checker.check(certificate, input: proof.x)
      }
    }
  }

  /// Whatever numbers a file holds, the checker accepts only what it can prove: slopes and multipliers at random give true
  /// bounds, so that a perturbation is never below an accepted radius.
  @Test(arguments: [false, true]) func randomNumbersNeverProveTooMuch(isDivided: Bool) throws {
    let proof = try proof(43, isDivided: isDivided)
    var numbers = Numbers(44)
    // The smallest radius at which the class is lost, among many directions.
    let margins = MarginRows(label: proof.certificate.label, outputCount: 3)
    var upper = Double.infinity
    for _ in 0..<3000 {
      let t = proof.certificate.lower * numbers.uniform(1...6)
      let d = numbers.perturbation(4, norm: .l2, radius: t)
      if margins.values(proof.network.outputs(zip(proof.x, d).map { $0 + $1 })).contains(where: {
        $0 <= 0
      }) {
        upper = min(upper, Norm.l2.length(d))
      }
    }
    try #require(upper.isFinite)
    for _ in 0..<150 {
      var certificate = proof.certificate
      certificate.lower = upper * numbers.uniform(1...1.2)
      for node in certificate.nodes.indices {
        certificate.nodes[node].split?.threshold *= numbers.uniform(0.5...2)
        for stage in certificate.nodes[node].stages.indices {
          certificate.nodes[node].stages[stage].radius = certificate.lower
          for choice in certificate.nodes[node].stages[stage].choices.indices {
            certificate.nodes[node].stages[stage].choices[choice].multipliers =
              certificate
              .nodes[node].stages[stage].choices[choice].multipliers.map {
                $0.map { $0 + (numbers.uniform() > 0 ? numbers.uniform(0...2) : 0) }
              }
            for slopes in certificate.nodes[node].stages[stage].choices[choice].slopes.indices {
              for row in certificate.nodes[node].stages[stage].choices[choice].slopes[slopes].values
                .indices
              {
                certificate.nodes[node].stages[stage].choices[choice].slopes[slopes].values[row] =
                  certificate.nodes[node].stages[stage].choices[choice].slopes[slopes].values[row]
                  .map {
                    $0 + numbers.uniform(-0.5...0.5)
                  }
              }
            }
          }
        }
      }
      #expect(throws: DeepCertificateError.self) {
        try proof.checker.check(certificate, input: proof.x)
      }
    }
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    let proof = try proof()
    for input in [[], [0, 0, 0], [0, 0, 0, .nan], [.infinity, 0, 0, 0]] as [[Double]] {
      #expect(throws: DeepCertificateError.self) {
        try proof.checker.check(proof.certificate, input: input)
      }
    }
    // The certificate of another sample.
    #expect(throws: DeepCertificateError.self) {
      try proof.checker.check(proof.certificate, input: proof.x.map { $0 + 0.7 })
    }
  }
}
