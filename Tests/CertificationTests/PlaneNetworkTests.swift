import Certification
import Foundation
import LinearCore
import Networks
import Testing

/// Networks of 2 to 8 neurons in the plane whose l2 radii are known by brute force over rays, to about 1e-4.
///
/// The brute force looks for a change of sign. Where f is 0 exactly, on a region without active neurons or at the center, the class
/// is 0 by the tie, and for class 1 the radius may be smaller than that.
@Suite struct PlaneNetworkTests {
  struct Case: Decodable, Sendable {
    let p: Double
    let hiddenWeights: [[Double]]
    let outputWeights: [Double]
    let x: [Double]
    let label: Int
    let radius: Double

    var network: PReLUNetwork<Double> {
      get throws {
        try PReLUNetwork(
          exponent: p, hiddenWeights: Matrix(hiddenWeights), outputWeights: Matrix([outputWeights]))
      }
    }

    /// f.
    func value(_ y: [Double]) -> Double {
      var sum = 0.0
      for (w, v) in zip(hiddenWeights, outputWeights) {
        let z = w[0] * y[0] + w[1] * y[1]
        if z > 0 { sum += v * z * pow(z / (w[0] * w[0] + w[1] * w[1]).squareRoot(), p - 1) }
      }
      return sum
    }
  }

  static func cases() throws -> [Case] {
    let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/plane-networks.json")
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
  }

  @Test func everyRadiusIsFoundAndProved() throws {
    let cases = try Self.cases()
    #expect(cases.count == 120)
    var ties = 0
    for (number, test) in cases.enumerated() {
      let certifier = try RadiusCertifier(try test.network)
      let result = certifier.certify(test.x, label: test.label)
      let comment = Comment(
        rawValue: "case \(number), p = \(test.p): \(result.lower) \(result.upper)")
      #expect(result.status == .exact, comment)
      if result.upper < (1 - 2e-3) * test.radius || result.lower < (1 - 2e-3) * test.radius {
        ties += 1
        let y = zip(test.x, result.perturbation).map { $0 + $1 }
        #expect(test.label == 1 && test.value(y) == 0, comment)
      }
      // The brute force is right to 1e-4, and from above.
      #expect(result.lower <= (1 + 2e-4) * test.radius, comment)
      #expect(result.upper <= (1 + 2e-3) * test.radius, comment)
      if number % 4 == 0 {
        let checker = try CertificateChecker(try test.network, effective: certifier.effective)
        let proved = try checker.check(SampleCertificate(result), input: test.x)
        #expect(proved >= result.lower * (1 - 1e-12), comment)
      }
    }
    #expect(ties < 16)
  }
}
