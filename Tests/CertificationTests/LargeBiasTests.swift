import LinearCore
import Networks
import Testing

@testable import Certification

/// Networks that normalise their inputs and have a bias several times as large as their other outputs: what the length
/// of x + d does to the bias decides the radius.
struct LargeBiasTests {
  /// 20 neurons in 10 dimensions, or 40 in 30, too many for the complete search; a bias of three standard deviations.
  private static func network(
    _ exponent: Double, sign: Double, neurons: Int = 20, dimension: Int = 10
  )
    throws -> (network: PReLUNetwork<Double>, inputs: Matrix<Double>, labels: [Int])
  {
    let stream = RandomStream(seed: 5).child("\(exponent) \(sign) \(neurons)")
    let plain = try PReLUNetwork<Double>(
      exponent: exponent,
      hiddenWeights: .gaussian(rows: neurons, columns: dimension, stream: stream.child("w")),
      outputWeights: .gaussian(rows: 1, columns: neurons, stream: stream.child("v")),
      normalizeInput: true)
    let inputs = Matrix<Double>.gaussian(rows: 3, columns: dimension, stream: stream.child("x"))
    let outputs = plain.referenceLogits(inputs).elements
    let deviation = (outputs.reduce(0) { $0 + $1 * $1 } / Double(outputs.count)).squareRoot()
    let network = try PReLUNetwork<Double>(
      exponent: exponent, hiddenWeights: plain.hiddenWeights, outputWeights: plain.outputWeights,
      outputBias: [3 * sign * deviation], normalizeInput: true)
    return (network, inputs, predictedClasses(network.referenceLogits(inputs)))
  }

  @Test(arguments: [1.5, 2.5, 4] as [Double], [-1, 1] as [Double])
  func radiiAreExact(exponent: Double, sign: Double) throws {
    let (network, inputs, labels) = try Self.network(
      exponent, sign: sign, neurons: exponent < 2 ? 20 : 40, dimension: exponent < 2 ? 10 : 30)
    let certifier = try RadiusCertifier(network, budget: SearchBudget(nodes: 4000))
    let checker = try CertificateChecker(network, effective: certifier.effective)
    var exact = 0
    for (i, result) in certifier.certify(inputs, labels: labels).enumerated() {
      #expect(result.lower <= result.upper && !result.isContradictory)
      let point = zip(inputs.row(i), result.perturbation).map { $0 + $1 }
      if result.upper.isFinite {
        let lost = predictedClasses(network.referenceLogits(Matrix([point])))[0]
        #expect(lost != labels[i])
      }
      // Nothing nearer, as far as a search of the ball goes.
      #expect(
        Self.lostNearer(network, inputs.row(i), label: labels[i], than: result.lower) == nil)
      try checker.check(SampleCertificate(result), input: inputs.row(i))
      if result.status == .exact { exact += 1 }
    }
    #expect(exact >= 2)
  }

  /// A point that loses the label inside of a radius, by steps towards the boundary that are drawn back into the ball.
  private static func lostNearer(
    _ network: PReLUNetwork<Double>, _ input: [Double], label: Int, than radius: Double
  ) -> [Double]? {
    var stream = RandomStream(seed: 9).child("ball")
    let sign = label == 1 ? 1.0 : -1.0
    func margin(_ d: [Double]) -> Double {
      sign * network.referenceLogits(Matrix([zip(input, d).map { $0 + $1 }]))[0, 0]
    }
    func inside(_ d: [Double]) -> [Double] {
      let length = Norm.l2.length(d)
      let share = length > radius * (1 - 1e-9) ? radius * (1 - 1e-9) / length : 1
      return d.map { share * $0 }
    }
    for _ in 0..<12 {
      var d = inside(input.map { _ in radius * Double.random(in: -1...1, using: &stream) })
      var value = margin(d)
      for step in 0..<150 {
        let size = 0.5 * radius * Double.power(0.97, Double(step))
        let next = inside(d.map { $0 + size * Double.random(in: -1...1, using: &stream) })
        let other = margin(next)
        if other < value { (d, value) = (next, other) }
      }
      if value < -1e-9 { return d }
    }
    return nil
  }

  @Test func damagedCutsOfTheLengthAreCaught() throws {
    let (network, inputs, labels) = try Self.network(
      2.5, sign: 1, neurons: 40, dimension: 30)
    let certifier = try RadiusCertifier(network, budget: SearchBudget(nodes: 4000))
    let checker = try CertificateChecker(network, effective: certifier.effective)
    let results = certifier.certify(inputs, labels: labels)
    let found = results.enumerated().first { result in
      result.element.certificates[0].nodes.contains {
        if case .lengthBranch = $0 { true } else { false }
      }
    }
    let (i, result) = try #require(found)
    let certificate = SampleCertificate(result)
    let nodes = certificate.branches[0].nodes
    let cut = try #require(
      nodes.indices.first { if case .lengthBranch = nodes[$0] { true } else { false } })
    guard case .lengthBranch(let at) = nodes[cut] else { return }
    func expectCaught(_ change: (inout [BranchCertificate.Node]) -> Void) {
      var damaged = certificate
      change(&damaged.branches[0].nodes)
      #expect(throws: CertificateError.self) { try checker.check(damaged, input: inputs.row(i)) }
    }
    expectCaught { $0[cut] = .lengthBranch(at: .nan) }
    expectCaught { $0[cut] = .lengthBranch(at: 1e30) }
    expectCaught { $0[cut] = .lengthBranch(at: -1) }
    expectCaught { $0[cut] = .branch(neuron: 0, at: at) }
    expectCaught { $0[cut] = .lengthBranch(at: 0.7 * at) }
    expectCaught { $0[cut] = .lengthBranch(at: 1.4 * at) }
    // One leaf in the place of all that a cut has made.
    expectCaught { nodes in
      let leaf = nodes.last { if case .leaf = $0 { true } else { false } }!
      nodes = [leaf]
    }
  }
}
