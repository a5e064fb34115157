import Certification
import Foundation
import LinearCore
import Networks
import Testing
import Theory

/// Certificates are verified from what is stored, and damage shows.
@Suite struct CertificateTests {
  /// F^(3) in a rotated space of 60 dimensions, so that a basis is stored too.
  let network: PReLUNetwork<Float>
  let input: [Float]
  let effective: EffectiveNetwork
  let certificate: SampleCertificate

  init() throws {
    let centers = try Matrix<Float>.gaussian(
      rows: 8, columns: 60, stream: RandomStream(seed: 2).child("centers")
    ).orthonormalizedRows().basis
    network = IdealClassifiers.polynomialReLU(
      exponent: 3, centers: centers, labels: [1, 1, 1, 1, 0, 0, 0, 0])
    input = zip(centers.row(0), centers.row(5)).map { $0 + 0.1 * $1 }
    let certifier = try RadiusCertifier(network)
    effective = certifier.effective
    certificate = SampleCertificate(certifier.certify(input, label: 1))
  }

  func restored<Value: Codable>(_ value: Value) throws -> Value {
    try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
  }

  @Test func holdsAfterStorage() throws {
    let checker = try CertificateChecker(network, effective: restored(effective))
    let stored = try restored(certificate)
    #expect(stored == certificate)
    #expect(try checker.check(stored, input: input) >= certificate.lower * (1 - 1e-12))
    #expect(effective.rank == 8 && effective.inputDimension == 60)
    #expect(certificate.lower > 0.6)
    #expect(certificate.branches[0].nodes.count > 2)
  }

  func expectCaught(_ damaged: SampleCertificate) throws {
    let checker = try CertificateChecker(network, effective: effective)
    #expect(throws: CertificateError.self) { try checker.check(damaged, input: input) }
  }

  /// Changes the leaf of least bound, or every leaf.
  func changingLeaves(_ change: (inout CertificateLeaf) -> Void) -> SampleCertificate {
    var damaged = certificate
    for (i, node) in damaged.branches[0].nodes.enumerated() {
      guard case .leaf(var leaf) = node else { continue }
      change(&leaf)
      damaged.branches[0].nodes[i] = .leaf(leaf)
    }
    return damaged
  }

  @Test func changedMultipliersAreCaught() throws {
    try expectCaught(changingLeaves { $0.multiplier *= 0.8 })
    try expectCaught(changingLeaves { $0.multiplier = -1 })
    try expectCaught(changingLeaves { $0.multiplier = .infinity })
    try expectCaught(changingLeaves { $0.quadratics[0] += 0.6 })
    try expectCaught(changingLeaves { $0.quadratics[1] = .nan })
    try expectCaught(changingLeaves { $0.slopes[2] += 0.5 })
    try expectCaught(changingLeaves { $0.point[0] += 0.1 })
    try expectCaught(changingLeaves { $0.point.removeLast() })
  }

  @Test func oneDamagedLeafIsEnough() throws {
    var caught = 0
    for (i, node) in certificate.branches[0].nodes.enumerated() {
      guard case .leaf(var leaf) = node else { continue }
      leaf.point[0] += 0.3
      var damaged = certificate
      damaged.branches[0].nodes[i] = .leaf(leaf)
      try expectCaught(damaged)
      caught += 1
    }
    #expect(caught == (certificate.branches[0].nodes.count + 1) / 2)
  }

  @Test func missingAndMovedNodesAreCaught() throws {
    for i in certificate.branches[0].nodes.indices {
      var damaged = certificate
      damaged.branches[0].nodes.remove(at: i)
      try expectCaught(damaged)
    }
    var doubled = certificate
    doubled.branches[0].nodes.append(doubled.branches[0].nodes.last!)
    try expectCaught(doubled)
    var empty = certificate
    empty.branches = []
    try expectCaught(empty)
    var outside = certificate
    outside.branches[0].nodes[0] = .branch(neuron: 0, at: 7)
    try expectCaught(outside)
  }

  @Test func anotherSampleIsCaught() throws {
    let checker = try CertificateChecker(network, effective: effective)
    let other = zip(input, network.hiddenWeights.row(6)).map { $0 + 0.3 * $1 }
    #expect(throws: CertificateError.self) { try checker.check(certificate, input: other) }
  }

  /// Margins are for rows of length 1 up to rounding.
  @Test func longerRowsAreCaught() throws {
    let text = try JSONEncoder().encode(effective)
    var object = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    var rows = try #require(object["directions"] as? [[Double]])
    object["errorBound"] = 1.0
    func accepts() throws -> Bool {
      object["directions"] = rows
      let changed = try JSONDecoder().decode(
        EffectiveNetwork.self, from: JSONSerialization.data(withJSONObject: object))
      return (try? CertificateChecker(network, effective: changed)) != nil
    }
    #expect(try accepts())
    rows[0] = rows[0].map { $0 * (1 + 1e-12) }
    #expect(try !accepts())
  }

  @Test func anotherNetworkIsCaught() throws {
    var weaker = network
    weaker.hiddenWeights.scaleRow(0, by: 0.9)
    #expect(throws: CertificateError.self) {
      _ = try CertificateChecker(weaker, effective: effective)
    }
    var turned = network
    turned.hiddenWeights[5, 0] += 0.05
    #expect(throws: CertificateError.self) {
      _ = try CertificateChecker(turned, effective: effective)
    }
    // A network of which a neuron against the label is missing would be more robust.
    let smaller = try PReLUNetwork(
      exponent: 3, hiddenWeights: network.hiddenWeights.rows(in: 0..<7),
      outputWeights: Matrix(rows: 1, columns: 7, elements: [1, 1, 1, 1, -1, -1, -1]))
    #expect(throws: CertificateError.self) {
      _ = try CertificateChecker(network, effective: EffectiveNetwork(smaller))
    }
  }
}
