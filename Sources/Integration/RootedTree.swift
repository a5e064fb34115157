/// Rooted trees, which number the conditions that a Runge-Kutta method of some order has to satisfy.
///
/// Source: Butcher, *Numerical Methods for Ordinary Differential Equations*, chapter 3; Hairer, Norsett and
/// Wanner, *Solving Ordinary Differential Equations I*, section II.2.
struct RootedTree {
  /// The trees that hang at the root; their order does not matter.
  let branches: [RootedTree]
  /// The number of vertices.
  let order: Int

  init(_ branches: [RootedTree]) {
    self.branches = branches
    order = branches.reduce(1) { $0 + $1.order }
  }

  /// gamma: the order times the densities of the branches.
  var density: Double { branches.reduce(Double(order)) { $0 * $1.density } }

  /// phi_i = prod over branches of sum_j a_ij phi_j(branch), for every stage i. `a` has one row a stage,
  /// which may be shorter than the number of stages.
  func elementaryWeights(_ a: [[Double]]) -> [Double] {
    var weights = [Double](repeating: 1, count: a.count)
    for branch in branches {
      let inner = branch.elementaryWeights(a)
      for (i, row) in a.enumerated() {
        weights[i] *= zip(row, inner).reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    return weights
  }

  /// Every tree of `order` vertices, once: 1, 1, 2, 4, 9, 20 trees for the orders 1 to 6.
  static func all(order: Int) -> [RootedTree] {
    var trees: [[RootedTree]] = [[]]
    for size in 1...max(order, 1) {
      trees.append(forests(vertices: size - 1, from: trees.flatMap { $0 }).map(RootedTree.init))
    }
    return trees[order]
  }

  /// Every multiset of the given trees with that many vertices together.
  private static func forests(vertices: Int, from trees: [RootedTree]) -> [[RootedTree]] {
    if vertices == 0 { return [[]] }
    return trees.indices.flatMap { first -> [[RootedTree]] in
      let tree = trees[first]
      if tree.order > vertices { return [] }
      // The rest may repeat this tree, but not return to earlier ones.
      return forests(vertices: vertices - tree.order, from: Array(trees[first...]))
        .map { [tree] + $0 }
    }
  }
}
