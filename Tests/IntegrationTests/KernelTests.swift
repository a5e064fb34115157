import Foundation
import LinearCore
import Testing

@testable import Integration

/// Coupled pendulums in a ring, y_i'' = -sin y_i + (neighbours): long states whose components differ.
struct PendulumRing: DifferentialSystem {
  let pendulums: Int
  var dimension: Int { 2 * pendulums }

  var start: [Double] {
    (0..<dimension).map { (i: Int) -> Double in sin(0.7 * Double(i)) * Double(1 + i % 13) / 13 }
  }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<pendulums {
      let pull = state[(i + 1) % pendulums] + state[(i + pendulums - 1) % pendulums] - 2 * state[i]
      derivative[i] = state[pendulums + i]
      derivative[pendulums + i] = -sin(state[i]) + pull + 0.1 * cos(time)
    }
  }
}

/// The loops over long states against plain ones.
struct KernelTests {
  /// One step by the definition of a Runge-Kutta method.
  private func plainStep(_ method: RungeKuttaMethod, _ ring: PendulumRing, step: Double)
    -> (state: [Double], stages: [[Double]])
  {
    let start = ring.start
    var stages: [[Double]] = []
    func sum(_ weights: [Double]) -> [Double] {
      start.indices.map { i in
        var sum = 0.0
        for (weight, stage) in zip(weights, stages) where weight != 0 {
          sum += step * weight * stage[i]
        }
        return start[i] + sum
      }
    }
    for (row, time) in zip(method.a, method.c) {
      var stage = start
      let argument = sum(row)
      ring.derivative(time: time * step, state: argument, into: &stage)
      stages.append(stage)
    }
    return (sum(method.b), stages)
  }

  /// 50,006 components: four blocks of work, the last of them with a remainder. Products and sums come in
  /// the same order, so the bytes agree.
  @Test(arguments: RungeKuttaMethod.all) func stepsAgree(_ method: RungeKuttaMethod) throws {
    let ring = PendulumRing(pendulums: 25_003)
    let integrator = try Integrator(ring, method: method, fixedStep: 0.1, state: ring.start)
    #expect(integrator.step(notBeyond: 1) == .accepted)
    #expect(integrator.state == plainStep(method, ring, step: 0.1).state)
  }

  /// Groups of all sizes, given in another order, against the definition.
  @Test func errorNormAgrees() throws {
    let ring = PendulumRing(pendulums: 25_003)
    let method = RungeKuttaMethod.dormandPrince54
    let (after, stages) = plainStep(method, ring, step: 0.1)
    var groups: [ToleranceGroup] = []
    let before = ring.start
    var first = 0
    for length in [1, 3, 20_000, 8, 4096, 1, 12_345, 13_552] {
      let k = Double(groups.count + 1)
      groups.append(
        ToleranceGroup(range: first..<first + length, relative: 1e-6 * k, absolute: 1e-7 / k))
      first += length
    }
    #expect(first == ring.dimension)
    let weights = try #require(method.embedded).errorWeights
    let expected = groups.map { group in
      let squares = group.range.map { i in
        let error = zip(weights, stages).reduce(0) { $0 + 0.1 * $1.0 * $1.1[i] }
        let size = max(abs(before[i]), abs(after[i]))
        return pow(error / (group.absolute + group.relative * size), 2)
      }
      return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }
    let norm = try ErrorNorm(
      [groups[5], groups[2], groups[0], groups[7], groups[1]]
        + [groups[3], groups[6], groups[4]], count: ring.dimension)
    let sums = UnsafeMutablePointer<Double>.allocate(capacity: norm.sumCount)
    defer { sums.deallocate() }
    var owned = stages
    let pointers = owned.indices.map { index in
      let copy = UnsafeMutablePointer<Double>.allocate(capacity: ring.dimension)
      copy.initialize(from: &owned[index], count: ring.dimension)
      return copy
    }
    defer { for pointer in pointers { pointer.deallocate() } }
    let found = StageKernels.withWeighted(weights, step: 0.1, stages: pointers) { terms in
      norm.maximum(sums: sums) { start, count, absolute, relative in
        StageKernels.squaredErrors(
          terms, before: before, after: after, start: start, count: count,
          absolute: absolute, relative: relative)
      }
    }
    let largest = try #require(expected.max())
    // Errors are differences of stages that cancel to about 1e-6 of their size.
    #expect(abs(found - largest) <= 1e-9 * largest)
    #expect(expected.filter { $0 == largest }.count == 1)
  }

  @Test func valuesThatAreNotFiniteAreSeen() {
    for count in [1, 7, 8, 9, 100] {
      for position in [0, count / 2, count - 1] {
        var values = [Double](repeating: 1e300, count: count)
        #expect(StageKernels.areFinite(values, count: count))
        values[position] = .nan
        #expect(!StageKernels.areFinite(values, count: count))
        values[position] = -.infinity
        #expect(!StageKernels.areFinite(values, count: count))
        // An infinite end of the step with a finite error is not a small error.
        let zeros = [Double](repeating: 0, count: count)
        let sum = StageKernels.squaredErrors(
          UnsafeBufferPointer(start: nil, count: 0), before: zeros, after: values, start: 0,
          count: count, absolute: 1, relative: 1)
        #expect(!sum.isFinite)
      }
    }
  }

  @Test func threadsDoNotChangeTheBytes() throws {
    let ring = PendulumRing(pendulums: 25_003)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let results = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      let integrator = try Integrator(
        ring,
        tolerances: [
          ToleranceGroup(range: 0..<40_000, relative: 1e-6, absolute: 1e-6),
          ToleranceGroup(range: 40_000..<ring.dimension, relative: 1e-8, absolute: 1e-5),
        ], state: ring.start)
      _ = integrator.integrate(to: 1)
      return integrator.checkpoint
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
