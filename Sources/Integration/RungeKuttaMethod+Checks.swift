extension RungeKuttaMethod {
  /// Throws unless the tableau is explicit, every row sums to its c_i, and
  /// - sum_i b_i phi_i(tree) = 1 / gamma(tree) for every rooted tree up to the order,
  /// - sum_i e_i phi_i(tree) = 0 for the error weights and every tree up to the order of the embedded
  ///   method, but not for all trees of the order above, where the estimate has to see something,
  /// - sum_i b_i(theta) phi_i(tree) = theta^order(tree) / gamma(tree) for every tree up to the order of the
  ///   interpolant,
  /// - the interpolant meets both ends: b_i(1) = b_i, b_1'(0) = 1, b_end'(1) = 1, the other derivatives 0.
  ///
  /// Sums may differ from what they should be by the rounding errors of their terms.
  func checkTableau() throws(IntegrationError) {
    try checkShape()
    for (i, row) in a.enumerated() {
      try expect(row, sumTo: c[i], "row \(i + 1) of a has to sum to c")
    }
    for tree in Self.trees(upTo: order) {
      try expectTree(
        tree, weights: b, sumTo: 1 / tree.density, "order \(tree.order) is not reached")
    }
    try checkEmbedded()
    try checkInterpolant()
  }

  private static func trees(upTo order: Int) -> [RootedTree] {
    (1...order).flatMap { RootedTree.all(order: $0) }
  }

  private func failure(_ problem: String) -> IntegrationError {
    .tableau(method: name, problem: problem)
  }

  private func checkShape() throws(IntegrationError) {
    guard !b.isEmpty, a.count == b.count, c.count == b.count else {
      throw failure("a, b and c need the same number of rows, at least one")
    }
    guard a.indices.allSatisfy({ a[$0].count == $0 }) else {
      throw failure("row i of a needs i - 1 entries, or the method is not explicit")
    }
    guard order >= 1 else { throw failure("the order has to be at least 1") }
    if let embedded, embedded.errorWeights.count != b.count {
      throw failure("the error weights need one entry a stage")
    }
    let rows = interpolant.coefficients
    guard rows.count == stagesAndEnd.count, let length = rows.first?.count, length > 0,
      rows.allSatisfy({ $0.count == length })
    else { throw failure("the interpolant needs one row a stage, and all of them equally long") }
    guard interpolant.order >= 1 else {
      throw failure("the interpolant needs an order of at least 1")
    }
  }

  /// The rows of a, and that of the derivative at the end where it is not a stage.
  private var stagesAndEnd: [[Double]] { isFirstSameAsLast ? a : a + [b] }

  private func checkEmbedded() throws(IntegrationError) {
    guard let embedded else { return }
    guard embedded.order >= 1 else { throw failure("the embedded order has to be at least 1") }
    for tree in Self.trees(upTo: embedded.order) {
      try expectTree(
        tree, weights: embedded.errorWeights, sumTo: 0,
        "the embedded method does not reach order \(tree.order)")
    }
    let blind = RootedTree.all(order: embedded.order + 1).allSatisfy { tree in
      misses(terms(tree, embedded.errorWeights), 0) == nil
    }
    if blind {
      throw failure("the error estimate is blind to errors of order \(embedded.order + 1)")
    }
  }

  private func checkInterpolant() throws(IntegrationError) {
    let rows = interpolant.coefficients
    for tree in Self.trees(upTo: interpolant.order) {
      for power in 1...max(rows[0].count, tree.order) {
        let weights = rows.map { power <= $0.count ? $0[power - 1] : 0 }
        try expectTree(
          tree, weights: weights, sumTo: power == tree.order ? 1 / tree.density : 0,
          "the interpolant does not reach order \(tree.order)")
      }
    }
    for (i, row) in rows.enumerated() {
      let problem = "the interpolant misses an end of the step in row \(i + 1)"
      let slopes = row.enumerated().map { Double($0.offset + 1) * $0.element }
      try expect(row, sumTo: i < b.count ? b[i] : 0, problem)
      try expect([row[0]], sumTo: i == 0 ? 1 : 0, problem)
      try expect(slopes, sumTo: i == rows.count - 1 ? 1 : 0, problem)
    }
  }

  /// The terms of sum_i weight_i phi_i(tree), with the sizes of what they were summed from.
  private func terms(_ tree: RootedTree, _ weights: [Double]) -> (terms: [Double], size: Double) {
    let rows = stagesAndEnd
    let sizes = tree.elementaryWeights(rows.map { $0.map(\.magnitude) })
    return (
      zip(weights, tree.elementaryWeights(rows)).map(*),
      zip(weights, sizes).reduce(0) { $0 + $1.0.magnitude * $1.1 }
    )
  }

  /// The sum, where it is further from `value` than rounding explains: a coefficient is off by half a unit
  /// in the last place, a tree of order 5 multiplies up to five of them, and a sum adds one unit a term.
  private func misses(_ found: (terms: [Double], size: Double), _ value: Double) -> Double? {
    let sum = found.terms.reduce(0, +)
    let tolerance = 16 * Double.ulpOfOne * (found.size + value.magnitude)
    return (sum - value).magnitude <= tolerance ? nil : sum
  }

  private func expect(_ terms: [Double], sumTo value: Double, _ problem: String)
    throws(IntegrationError)
  {
    if let sum = misses((terms, terms.reduce(0) { $0 + $1.magnitude }), value) {
      throw failure("\(problem) (\(sum) instead of \(value))")
    }
  }

  private func expectTree(
    _ tree: RootedTree, weights: [Double], sumTo value: Double, _ problem: String
  ) throws(IntegrationError) {
    if let sum = misses(terms(tree, weights), value) {
      throw failure("\(problem) (\(sum) instead of \(value))")
    }
  }
}
