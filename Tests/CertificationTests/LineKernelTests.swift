import LinearCore
import Networks
import Testing

@testable import Certification

/// Lines prove nothing that a point contradicts, whatever their slopes are.
@Suite struct LineKernelTests {
  /// Perturbations inside of a ball that lose the label clearly, by the tests' own evaluation.
  private func lost(_ test: RandomCase, radius: Double, count: Int) -> [[Double]] {
    var random = RandomStream(seed: 41).child("lost")
    var found: [[Double]] = []
    for _ in 0..<4000 where found.count < count {
      let d = test.input.map { _ in radius * .random(in: -1...1, using: &random) }
      if test.margin(d) < -1e-9 { found.append(d) }
    }
    return found
  }

  private func problem(_ test: RandomCase) throws -> DecisionProblem {
    try WholeNetwork(test.network).problem(
      label: test.label, opponent: 1 - test.label, input: test.input, unit: 1)
  }

  @Test(arguments: Norm.allCases) func boundsHold(norm: Norm) throws {
    var random = RandomStream(seed: 42).child("lines")
    var (positive, tried) = (0, 0)
    for number in 0..<60 {
      let test = RandomCase(number, normalizeInput: number % 4 == 3)
      let problem = try problem(test)
      let radius = 4 * norm.length(test.input)
      let kernel = LineKernel(problem, norm: norm, radius: radius, isWhole: true)
      for d in lost(test, radius: radius / Double(test.input.count), count: 6) {
        guard var box = kernel.root else { continue }
        // A box around the point, cut at random.
        for _ in 0..<8 {
          let index = Int.random(in: box.lower.indices, using: &random)
          let at = Double.random(in: box.lower[index]...box.upper[index], using: &random)
          let value =
            index < problem.against
            ? problem.preActivations[problem.supporting + index]
              + zip(problem.directions.row(problem.supporting + index), d).reduce(0) {
                $0 + $1.0 * $1.1
              }
            : d[index - problem.against]
          let half = box.half(index, at: at, isUpper: value > at)
          let part = try #require(half.flatMap(kernel.tightened), "the box of a point is not empty")
          for (i, entry) in d.enumerated() {
            let k = problem.against + i
            #expect(part.lower[k] <= entry && entry <= part.upper[k])
          }
          box = part
        }
        var program = RegionProgram(
          problem, norm: norm, start: problem.preActivations, box: box,
          condition: kernel.condition(of: box),
          isKept: kernel.keepsLabelAlone(box), tolerance: 1e-6)
        let solution = program.solve(guess: d, target: radius)
        let length = norm.length(d)
        #expect(solution.value <= length * (1 + 1e-9))
        for spread in [0, 1e-3, 0.1, 1, 100] {
          var lines = solution.lines
          for k in lines.slopes.indices {
            lines.slopes[k] *= 1 + spread * .random(in: -1...1, using: &random)
          }
          lines.multiplier *= 1 + min(1, spread) * .random(in: -1...1, using: &random)
          let bound = kernel.bound(lines, box)
          #expect(bound <= length * (1 + 1e-12), "case \(number), p = \(test.network.exponent)")
          tried += 1
          if bound > 0 { positive += 1 }
        }
      }
    }
    #expect(tried > 300 && positive > tried / 10, "\(positive) of \(tried) say something")
  }

  /// Half-spaces at random: the optimality conditions of the nearest point.
  @Test(arguments: Norm.allCases) func nearestPointIsNearest(norm: Norm) {
    var random = RandomStream(seed: 43).child("half-spaces")
    var empty = 0
    for number in 0..<400 {
      let n = 2 + number % 4
      var (normals, offsets): ([[Double]], [Double]) = ([], [])
      var nearest = NearestPoint(dimension: n, norm: norm)
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let c = (0..<n).map { _ in Double.random(in: -1...1, using: &random) }
        let length = Norm.l2.length(c)
        normals.append(c.map { $0 / length })
        offsets.append(.random(in: -1...0.6, using: &random))
        nearest.add(normal: normals.last!, offset: offsets.last!)
      }
      var sum = [Double](repeating: 0, count: n)
      var value = 0.0
      for (index, multiplier) in nearest.active {
        #expect(multiplier >= 0)
        value += multiplier * offsets[index]
        for i in 0..<n { sum[i] += multiplier * normals[index][i] }
      }
      let dual = norm.dual.length(sum)
      if nearest.isEmpty {
        empty += 1
        // Farkas: the sum of half-spaces asks 0 to be positive.
        #expect(dual <= 1e-9 * value, "case \(number)")
        continue
      }
      for (c, e) in zip(normals, offsets) {
        #expect(zip(c, nearest.point).reduce(0) { $0 + $1.0 * $1.1 } >= e - 1e-9, "case \(number)")
      }
      #expect((norm.length(nearest.point) - nearest.length).magnitude <= 1e-9)
      // Weak duality meets the primal value.
      if nearest.length > 0 {
        #expect((value / dual - nearest.length).magnitude <= 1e-8 * (1 + nearest.length))
      }
    }
    #expect(empty > 10)
  }

  /// Trees with a missing part, a leaf of another kind or a cut outside of the box prove nothing.
  @Test func malformedTreesAreRefused() throws {
    let test = RandomCase(2)
    let problem = try problem(test)
    let search = CompleteSearch(
      problem, norm: .l2, .whole, opponent: 1 - test.label, unit: 1,
      reach: 2 * Norm.l2.length(test.input), witness: nil, gap: 1e-2, nodes: 400,
      deadline: .distantFuture)
    var running = search
    let outcome = running.run()
    func proved(_ change: (inout BranchCertificate) -> Void) -> Double? {
      var certificate = outcome.certificate
      change(&certificate)
      return LineKernel.certifiedRadius(certificate, of: problem, norm: .l2, isWhole: true)
    }
    let radius = try #require(proved { _ in })
    #expect(radius == outcome.proved && radius > 0)
    #expect(outcome.certificate.nodes.count > 3)
    #expect(proved { $0.nodes.removeLast() } == nil)
    #expect(proved { $0.nodes.append($0.nodes.last!) } == nil)
    #expect(proved { $0.nodes.removeFirst() } == nil)
    #expect(proved { $0.searchRadius = .nan } == nil)
    #expect(proved { $0.searchRadius = -1 } == nil)
    #expect(
      proved { $0.nodes[$0.nodes.count - 1] = .leaf(CertificateLeaf(boundingNothingOf: problem)) }
        == nil)
    #expect(proved { $0.nodes[0] = .branch(neuron: 1000, at: 0) } == nil)
    #expect(proved { $0.nodes[0] = .branch(neuron: 0, at: .nan) } == nil)
    #expect(proved { $0.faces = [] } == nil)
    #expect(proved { $0.cutDirections = [[1]] } == nil)
    func changingLines(_ change: (inout CertificateLines) -> Void) -> Double? {
      proved { certificate in
        for k in certificate.nodes.indices {
          guard case .lines(var lines) = certificate.nodes[k] else { continue }
          change(&lines)
          certificate.nodes[k] = .lines(lines)
        }
      }
    }
    #expect(changingLines { $0.multiplier = -1 } == nil)
    #expect(changingLines { $0.multiplier = .infinity } == nil)
    #expect(changingLines { $0.slopes.removeLast() } == nil)
    #expect(changingLines { $0.slopes[0] = .nan } == nil)
    // What lines say does not depend on their scale.
    let scaled = changingLines { lines in
      lines.multiplier *= 1024
      lines.slopes = lines.slopes.map { 1024 * $0 }
    }
    #expect(scaled == radius)
    #expect(changingLines { $0.slopes = $0.slopes.map { _ in 0 } } ?? -1 < radius)
  }
}
