import Testing

@testable import Integration

/// Every tableau checks itself; here, that the check sees what is wrong.
struct TableauTests {
  /// Butcher, *Numerical Methods for Ordinary Differential Equations*, table 302(I).
  @Test func thereAreAsManyTreesAsCounted() {
    #expect((1...7).map { RootedTree.all(order: $0).count } == [1, 1, 2, 4, 9, 20, 48])
  }

  /// The densities of all trees of order 4.
  @Test func densities() {
    #expect(RootedTree.all(order: 4).map(\.density).sorted() == [4, 8, 12, 24])
  }

  /// phi of every tree at the exact solution: a method whose stages reach everything exactly, in the
  /// limit of many Euler stages, has sum b phi = 1 / gamma.
  @Test func elementaryWeightsApproachTheDensities() {
    let count = 200
    let step = 1 / Double(count)
    let a = (0..<count).map { [Double](repeating: step, count: $0) }
    for order in 1...5 {
      for tree in RootedTree.all(order: order) {
        let sum = tree.elementaryWeights(a).reduce(0) { $0 + step * $1 }
        // A Riemann sum of a polynomial of degree order - 1 in up to order - 1 nested sums.
        #expect(abs(sum - 1 / tree.density) <= Double(order * order) * step)
      }
    }
  }

  @Test(arguments: RungeKuttaMethod.all) func isWhatItSays(_ method: RungeKuttaMethod) throws {
    try method.checkTableau()
    let expected: [String: (order: Int, embedded: Int?, stages: Int, sharesStage: Bool)] = [
      "euler": (1, nil, 1, false), "heun": (2, 1, 2, false), "runge-kutta-4": (4, nil, 4, false),
      "bogacki-shampine-3(2)": (3, 2, 4, true), "dormand-prince-5(4)": (5, 4, 7, true),
      "tsitouras-5(4)": (5, 4, 7, true),
    ]
    let row = try #require(expected[method.name])
    #expect(method.order == row.order && method.embedded?.order == row.embedded)
    #expect(method.stageCount == row.stages && method.isFirstSameAsLast == row.sharesStage)
  }

  /// A method that claims one order more than it has is refused: no tableau passes by being lenient.
  @Test(arguments: RungeKuttaMethod.all) func noMethodIsBetterThanItSays(_ method: RungeKuttaMethod)
  {
    #expect(throws: IntegrationError.self) { try copy(method, order: method.order + 1) }
    #expect(throws: IntegrationError.self) {
      try copy(
        method,
        interpolant: .init(
          coefficients: method.interpolant.coefficients, order: method.interpolant.order + 1))
    }
    if let embedded = method.embedded {
      #expect(throws: IntegrationError.self) {
        try copy(
          method,
          embedded: .init(errorWeights: embedded.errorWeights, order: embedded.order + 1))
      }
    }
  }

  /// One digit wrong, in any coefficient, by 1e-9 of its size.
  @Test(arguments: RungeKuttaMethod.all) func oneWrongDigitIsSeen(_ method: RungeKuttaMethod) {
    let wrong = { (value: Double) in value == 0 ? 1e-9 : value * (1 + 1e-9) }
    for i in method.a.indices {
      for j in method.a[i].indices {
        var a = method.a
        a[i][j] = wrong(a[i][j])
        #expect(throws: IntegrationError.self, "a \(i) \(j)") { try copy(method, a: a) }
      }
      var b = method.b
      b[i] = wrong(b[i])
      #expect(throws: IntegrationError.self, "b \(i)") { try copy(method, b: b) }
      var c = method.c
      c[i] = wrong(c[i])
      #expect(throws: IntegrationError.self, "c \(i)") { try copy(method, c: c) }
      if let embedded = method.embedded {
        var weights = embedded.errorWeights
        weights[i] = wrong(weights[i])
        #expect(throws: IntegrationError.self, "e \(i)") {
          try copy(method, embedded: .init(errorWeights: weights, order: embedded.order))
        }
      }
    }
    let rows = method.interpolant.coefficients
    for i in rows.indices {
      for j in rows[i].indices {
        var changed = rows
        changed[i][j] = wrong(rows[i][j])
        #expect(throws: IntegrationError.self, "interpolant \(i) \(j)") {
          try copy(
            method, interpolant: .init(coefficients: changed, order: method.interpolant.order))
        }
      }
    }
  }

  @Test func shapesAreChecked() {
    let heun = RungeKuttaMethod.heun
    #expect(throws: IntegrationError.self) { try copy(heun, a: [[], [1, 0]]) }
    #expect(throws: IntegrationError.self) { try copy(heun, a: [[]]) }
    #expect(throws: IntegrationError.self) { try copy(heun, order: 0) }
    #expect(throws: IntegrationError.self) {
      try copy(heun, embedded: .init(errorWeights: [0], order: 1))
    }
    #expect(
      throws: IntegrationError.tableau(
        method: "heun", problem: "the error estimate is blind to errors of order 2")
    ) { try copy(heun, embedded: .init(errorWeights: [0, 0], order: 1)) }
    #expect(throws: IntegrationError.self) {
      try copy(heun, interpolant: .init(coefficients: [[1], [0]], order: 1))
    }
  }

  private func copy(
    _ method: RungeKuttaMethod, order: Int? = nil, a: [[Double]]? = nil, b: [Double]? = nil,
    c: [Double]? = nil, embedded: RungeKuttaMethod.Embedded? = nil,
    interpolant: RungeKuttaMethod.Interpolant? = nil
  ) throws -> RungeKuttaMethod {
    // The Hermite polynomial of the original, or a wrong b would be repeated in it.
    try RungeKuttaMethod(
      name: method.name, order: order ?? method.order, a: a ?? method.a, b: b ?? method.b,
      c: c ?? method.c, embedded: embedded ?? method.embedded,
      interpolant: interpolant ?? method.interpolant)
  }
}
