import LinearCore
import Networks
import Testing

@testable import Certification

/// Many neurons in similar directions: bounds by ``MomentRelaxation``, cut along common directions.
@Suite struct CrowdedNetworkTests {
  static let exponents: [Double] = [2, 2.5, 3, 4, 6]

  let network: PReLUNetwork<Double>
  let inputs: Matrix<Double>
  let labels: [Int]
  let p: Double

  /// 60 neurons in 12 dimensions, with a small bias of normalised inputs where `normalizeInput` is set: biases are
  /// not cut, and a large one that is concave leaves a gap.
  init() throws { try self.init(exponent: 3) }

  init(exponent: Double, normalizeInput: Bool = false) throws {
    let stream = RandomStream(seed: 41)
    p = exponent
    network = try PReLUNetwork(
      exponent: exponent,
      hiddenWeights: .gaussian(rows: 60, columns: 12, stream: stream.child("w")),
      outputWeights: .gaussian(rows: 1, columns: 60, stream: stream.child("v")),
      outputBias: normalizeInput ? [0.1] : nil, normalizeInput: normalizeInput)
    inputs = .gaussian(rows: 6, columns: 12, stream: stream.child("x"))
    labels = predictedClasses(network.referenceLogits(inputs))
  }

  /// The smallest perturbation known of a sample, in the units of its problem.
  func problem(_ i: Int) throws -> (problem: DecisionProblem, witness: [Double]) {
    let problem = try EffectiveNetwork(network).problem(
      label: labels[i], opponent: 1 - labels[i], input: inputs.row(i))
    let witness = try #require(WitnessSearch(problem).run(maximum: 2))
    return (problem, witness)
  }

  @Test(arguments: exponents, [false, true])
  func radiiAreExactAndProofsHold(_ p: Double, _ normalizeInput: Bool) throws {
    let test = try Self(exponent: p, normalizeInput: normalizeInput)
    let certifier = try RadiusCertifier(test.network, budget: SearchBudget(nodes: 400))
    let checker = try CertificateChecker(test.network, effective: certifier.effective)
    var exact = 0
    var directions = 0
    for (i, result) in certifier.certify(test.inputs, labels: test.labels).enumerated() {
      #expect(result.lower <= result.upper && result.upper.isFinite && !result.isContradictory)
      exact += result.status == .exact ? 1 : 0
      let certificate = SampleCertificate(result)
      #expect(
        try checker.check(certificate, input: test.inputs.row(i)) >= result.lower * (1 - 1e-12))
      directions = max(directions, certificate.branches[0].cutDirections?.count ?? 0)
      // An independent witness: the network itself changes its mind there.
      let moved = zip(test.inputs.row(i), result.perturbation).map { $0 + (1 + 1e-9) * $1 }
      #expect(predictedClasses(test.network.referenceLogits(Matrix([moved]))) != [test.labels[i]])
    }
    #expect(exact >= (normalizeInput ? 4 : 5), "\(exact)")
    #expect(directions > 0)
  }

  /// Random perturbations below the proved radius keep the label: 20,000 a sample, half of them next to the
  /// direction of the witness.
  @Test func nothingSmallerIsFound() throws {
    let certifier = try RadiusCertifier(network, budget: SearchBudget(nodes: 20))
    var generator = RandomStream(seed: 42).child("d")
    for (i, result) in certifier.certify(inputs, labels: labels).enumerated() {
      let size = Norm.l2.length(result.perturbation)
      var moved = Matrix<Double>(rows: 20_000, columns: 12)
      for row in 0..<moved.rows {
        var d = (0..<12).map { _ in Double.random(in: -1...1, using: &generator) }
        if row % 2 == 0 {
          for k in d.indices { d[k] = 0.3 * d[k] + result.perturbation[k] / size }
        }
        let length = Norm.l2.length(d)
        for k in d.indices {
          moved[row, k] = inputs[i, k] + result.lower * (1 - 1e-9) * d[k] / length
        }
      }
      #expect(predictedClasses(network.referenceLogits(moved)).allSatisfy { $0 == labels[i] })
    }
  }

  @Test func damagedDirectionsAreCaught() throws {
    let certifier = try RadiusCertifier(network, budget: SearchBudget(nodes: 400))
    let checker = try CertificateChecker(network, effective: certifier.effective)
    let results = certifier.certify(inputs, labels: labels)
    let (i, result) = try #require(
      results.enumerated().first { $0.element.certificates[0].nodes.count > 4 })
    let certificate = SampleCertificate(result)
    func expectCaught(_ change: (inout BranchCertificate) -> Void) {
      var damaged = certificate
      change(&damaged.branches[0])
      #expect(throws: CertificateError.self) { try checker.check(damaged, input: inputs.row(i)) }
    }
    expectCaught { $0.cutDirections = nil }
    expectCaught { $0.cutDirections?.removeLast() }
    expectCaught { $0.cutDirections?[0][0] += 1e-6 }
    expectCaught { $0.cutDirections?[0][0] = .nan }
    expectCaught { $0.cutDirections?[0].removeLast() }
    // Longer directions would make boxes look narrower than they are.
    expectCaught { $0.cutDirections = $0.cutDirections?.map { $0.map { 1.01 * $0 } } }
    // Another orthonormal set: the boxes are not those the multipliers are for.
    expectCaught { $0.cutDirections = $0.cutDirections?.map { Array($0.reversed()) } }
    // A slab that takes curvature instead of paying for it.
    let paying = certificate.branches[0].nodes.indices.first { number in
      guard case .leaf(let leaf) = certificate.branches[0].nodes[number] else { return false }
      return leaf.quadratics.last! < 0
    }
    let number = try #require(paying)
    guard case .leaf(var leaf) = certificate.branches[0].nodes[number] else { return }
    leaf.quadratics[leaf.quadratics.count - 1] = 0.5
    expectCaught { $0.nodes[number] = .leaf(leaf) }
  }

  /// Files may say anything: cuts twice at one place leave a slab without width, which is a slab.
  @Test func repeatedCutsAreNoTrap() throws {
    let (problem, witness) = try problem(0)
    let radius = Norm.l2.length(witness)
    let cuts = try #require(CutDirections([witness], of: problem))
    let leaf = BranchCertificate.Node.leaf(CertificateLeaf(boundingNothingOf: problem))
    for number in 0..<200 {
      let at = cuts.start[0] + radius * (Double(number) / 100 - 1)
      let cut = BranchCertificate.Node.branch(neuron: problem.against, at: at)
      let certificate = BranchCertificate(
        opponent: 0, searchRadius: radius, rounding: 0, cutDirections: [cuts.rows.row(0)],
        nodes: [cut, leaf, cut, leaf, leaf])
      #expect(CertificateKernel.certifiedRadius(certificate, of: problem) == 0)
    }
  }

  /// Where a power overflows, a leaf without multipliers proves nothing, and neither does a ball that large.
  @Test func overflowsProveNothing() throws {
    let (problem, _) = try problem(0)
    for radius in [1e99, 1e100, 5.643803094121723e102, 1e154, 1e200, .infinity] {
      let z = problem.preActivations
      for k in 0..<3 {
        // Only a neuron whose value is no number would let this leaf bound anything.
        var leaf = CertificateLeaf(boundingNothingOf: problem)
        let row = problem.directions.row(problem.supporting + k)
        let start = z[problem.supporting + k]
        leaf.slopes[k] = -start
        leaf.point = row.map { -start * $0 }
        let certificate = BranchCertificate(
          opponent: 0, searchRadius: radius, rounding: 0, nodes: [.leaf(leaf)])
        #expect((CertificateKernel.certifiedRadius(certificate, of: problem) ?? 0) == 0)
      }
    }
    let cube = RectifiedPower(exponent: 3)
    #expect(cube.supremum(weight: 0, q: 0, s: -1, on: 0...1e103) == 1e103)
    #expect(cube.supremum(weight: 1, q: 1e200, s: 0, on: -1...1e103) == .infinity)
  }

  @Test func directionsThatAreNotOrthonormalAreRefused() throws {
    let (problem, _) = try problem(0)
    let identity = Matrix<Double>.identity(problem.dimension)
    #expect(CutDirections(identity, of: problem) != nil)
    var longer = identity
    longer[0, 0] = 1 + 1e-13
    #expect(CutDirections(longer, of: problem) == nil)
    // Each entry of the Gram matrix is right to 1e-13, the matrix is not.
    var tilted = identity
    for i in 0..<12 {
      for j in 0..<12 where i != j { tilted[i, j] += 4e-14 }
    }
    #expect(CutDirections(tilted, of: problem) == nil)
    #expect(CutDirections(Matrix(stacking: [identity, identity]), of: problem) == nil)
  }

  /// What a ball and slabs leave of pre-activations holds for points drawn from them, and nearly every bound is met.
  @Test func tightenedIntervalsAreReachedButNotLeft() throws {
    let (problem, witness) = try problem(0)
    let radius = Norm.l2.length(witness)
    var cuts = try #require(CutDirections([witness], of: problem))
    for k in 0..<2 {
      cuts = try #require(cuts.appending(problem.directions.row(k), of: problem))
    }
    let tightening = BallTightening(problem, radius: radius, cuts: cuts)
    var box = tightening.root
    let limits = [(0.5, 0.6), (-0.2, 0.1), (0.3, 0.9)]
    for (i, limit) in limits.enumerated() {
      box[problem.against + i] =
        cuts.start[i] + limit.0 * radius...cuts.start[i] + limit.1 * radius
    }
    let tight = try #require(tightening.tightened(box))
    let neurons = problem.directions.rows(in: problem.supporting..<problem.count)
    let start = neurons.times(problem.point)
    var generator = RandomStream(seed: 43).child("d")
    for k in 0..<neurons.rows {
      var best = -Double.infinity
      for trial in 0..<400 {
        // t in the slabs, the rest along what the neuron has outside of their span, or anywhere.
        var d = [Double](repeating: 0, count: problem.dimension)
        var rest = neurons.row(k)
        if trial % 4 == 0 { rest = rest.map { _ in .random(in: -1...1, using: &generator) } }
        var square = 0.0
        for i in 0..<3 {
          let row = cuts.rows.row(i)
          let t = radius * Double.random(in: limits[i].0...limits[i].1, using: &generator)
          square += t * t
          let share = zip(rest, row).reduce(0) { $0 + $1.0 * $1.1 }
          for c in d.indices {
            d[c] += t * row[c]
            rest[c] -= share * row[c]
          }
        }
        if square > radius * radius { continue }
        let length = Norm.l2.length(rest)
        let scale = (radius * radius - square).squareRoot() / length
        for c in d.indices { d[c] += scale * rest[c] }
        let z = start[k] + zip(neurons.row(k), d).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(tight[k].contains(z))
        best = max(best, z)
      }
      #expect(best > tight[k].upperBound - 0.15 * radius)
    }
    // Slabs that no point of the ball meets.
    box[problem.against + 2] =
      cuts.start[2] + 0.95 * radius...cuts.start[2] + radius
    #expect(tightening.tightened(box) == nil)
  }
}
