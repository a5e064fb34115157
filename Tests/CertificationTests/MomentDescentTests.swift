import Foundation
import LinearCore
import Networks
import Testing

@testable import Certification

/// The dual side of a box: expectations, gradients and the systems of equations behind them.
@Suite struct MomentDescentTests {
  /// E(m, v) is the least M(m) + gamma v over all majorants, attained at its own gamma.
  @Test(arguments: [2.0, 2.5, 3, 4, 6]) func expectationIsDualToMajorants(_ p: Double) {
    let activation = RectifiedPower(exponent: p)
    var generator = RandomStream(seed: 51).child("interval", Int(10 * p))
    for _ in 0..<300 {
      let l = Double.random(in: -1...0.5, using: &generator)
      let u = l + .random(in: 0.05...1.5, using: &generator)
      let m = l + (u - l) * .random(in: 0.02...0.98, using: &generator)
      let v = (m - l) * (u - m) * .random(in: 0...1, using: &generator)
      let (value, slope, gamma) = IntervalExpectation(activation, on: l...u)(mean: m, variance: v)
      for factor in [0, 0.3, 0.9, 1, 1.1, 2] {
        let curvature = factor * (gamma + (factor > 1 ? 0.1 : 0))
        let majorant = ConcaveMajorant(activation, lower: l, upper: u, curvature: curvature)
        let dual = majorant.derivatives(m).value + majorant.curvature * v
        #expect(value <= dual + 1e-12)
        if factor == 1 && majorant.curvature == curvature {
          #expect(abs(dual - value) <= 1e-9 * max(1, abs(value)))
          #expect(abs(majorant.derivatives(m).slope - slope) <= 1e-6)
        }
      }
      // Two atoms with that mean and variance, and their mean of phi.
      if u > 0, v > 1e-6 {
        let a = m - v / (u - m)
        let share = (m - a) / (u - a)
        #expect(abs(share * activation(u) + (1 - share) * activation(a) - value) <= 1e-12)
      }
    }
  }

  /// The gradient of the objective, by central differences.
  @Test(arguments: [2.0, 2.5, 3, 4]) func gradientIsThatOfTheValue(_ p: Double) throws {
    let test = try CrowdedNetworkTests(exponent: p, normalizeInput: true)
    let (problem, witness) = try test.problem(1)
    let radius = Norm.l2.length(witness)
    let cuts = try #require(CutDirections([witness], of: problem))
    let descent = MomentDescent(
      problem, radius: radius, square: 1.2, deadline: .distantFuture)
    var box = BallTightening(problem, radius: radius, cuts: cuts).root
    box[problem.against] = cuts.start[0] + 0.2 * radius...cuts.start[0] + 0.4 * radius
    descent.set(box, cuts: cuts)
    let n = problem.dimension
    let count = (1 + MomentDescent.rank) * n
    _ = descent.solve(
      multiplier: 3, from: [Double](repeating: 0, count: count), slabMultipliers: [0.3])
    var generator = RandomStream(seed: 52).child("moments")
    let moments = (0..<count).map { _ in 0.1 * radius * Double.random(in: -1...1, using: &generator)
    }
    var gradient = moments
    _ = descent.evaluate(moments, &gradient)
    for i in stride(from: 0, to: count, by: 5) {
      var ignored = moments
      func value(_ step: Double) -> Double {
        var moved = moments
        moved[i] += step
        return descent.evaluate(moved, &ignored)
      }
      let difference = (value(1e-5) - value(-1e-5)) / 2e-5
      #expect(abs(difference - gradient[i]) <= 1e-6 * max(1, abs(gradient[i])))
    }
  }

  /// The dual value of the moments is one that multipliers prove: at the best one, up to what is left to descend.
  @Test(arguments: [2.0, 3, 4]) func valuesAreProved(_ p: Double) throws {
    let test = try CrowdedNetworkTests(exponent: p)
    for i in 0..<3 {
      let (problem, witness) = try test.problem(i)
      let radius = Norm.l2.length(witness)
      var relaxation = try #require(
        MomentRelaxation(
          problem, curvature: CurvatureBudget(problem), ball: radius, best: radius,
          witness: witness,
          deadline: .distantFuture))
      let cuts = try #require(relaxation.cuts)
      var state = relaxation.initialState
      let box = try #require(relaxation.tightened(relaxation.root))
      relaxation.bound(&state, box, isRoot: true, target: 0.5 * radius * radius)
      let descent = MomentDescent(
        problem, radius: radius, square: 1, deadline: .distantFuture)
      descent.set(box, cuts: cuts)
      let solution = descent.solve(
        multiplier: state.multiplier, from: state.point + state.spread,
        slabMultipliers: state.slabMultipliers)
      #expect(state.bound > 0)
      #expect(state.bound >= 0.98 * min(solution.value, 0.5 * radius * radius))
    }
  }

  @Test func woodburySolvesWhatTheWholeMatrixSolves() {
    let stream = RandomStream(seed: 53)
    let rows = Matrix<Double>.gaussian(rows: 40, columns: 80, stream: stream.child("u"))
      .rowsNormalized()
    var generator = stream.child("c")
    let theta = (0..<40).map { _ in Double.random(in: 0...0.2, using: &generator) }
    let shift = 1.3
    for bound in [0.0, 3] {
      // As on bridges, and with terms that are more than that.
      let curvatures = theta.map {
        -shift * $0 + Double.random(in: 0...1, using: &generator) * bound
      }
      let system = CurvatureSystem(rows: rows)
      system.setBase(theta)
      let isSolvable = curvatures.withUnsafeBufferPointer {
        system.factorize(shift: shift, curvatures: $0)
      }
      #expect(isSolvable)
      let x = (0..<80).map { _ in Double.random(in: -1...1, using: &generator) }
      var image = rows.transposed.times(zip(rows.times(x), curvatures).map { $0 * $1 })
      for i in image.indices { image[i] += shift * x[i] }
      image.withUnsafeMutableBufferPointer { system.solve($0.baseAddress!) }
      for i in image.indices { #expect(abs(image[i] - x[i]) <= 1e-10) }
    }
  }

  /// Rosenbrock's function in 10 dimensions, whose minimum is at (1, ..., 1).
  @Test func descentFindsTheEndOfAValley() {
    var x = [Double](repeating: -1, count: 10)
    var descent = LimitedMemoryBFGS(count: 10)
    let value = descent.minimize(&x, limit: 2000, tolerance: 1e-20) { x, gradient in
      var sum = 0.0
      for i in 0..<10 { gradient[i] = 0 }
      for i in 0..<9 {
        let (a, b) = (1 - x[i], x[i + 1] - x[i] * x[i])
        sum += a * a + 100 * b * b
        gradient[i] += -2 * a - 400 * b * x[i]
        gradient[i + 1] += 200 * b
      }
      return sum
    }
    #expect(value < 1e-12)
    for entry in x { #expect(abs(entry - 1) < 1e-5) }
  }
}
