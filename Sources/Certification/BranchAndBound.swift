import Foundation
import LinearCore

/// When a search ends.
public struct SearchBudget: Sendable, Equatable {
  /// The relative gap (upper - lower) / upper at which a radius counts as known.
  public var gap: Double
  /// Boxes looked at for one sample and opponent: a limit that does not depend on the machine. In more than
  /// 32 dimensions, where a box takes longer, there are fewer; see ``nodes(dimension:)``.
  public var nodes: Int
  /// Seconds for one sample. A search that it ends is the only thing that depends on the machine's speed.
  public var seconds: Double

  /// A budget.
  public init(gap: Double = 1e-3, nodes: Int = 20_000, seconds: Double = .infinity) {
    precondition(gap > 0 && gap < 1 && nodes > 0 && seconds > 0, "a budget to search with")
    self.gap = gap
    self.nodes = nodes
    self.seconds = seconds
  }

  /// Boxes for a reduced network of so many dimensions: nodes (32 / dimension)^2 beyond 32.
  public func nodes(dimension: Int) -> Int {
    let ratio = min(1, 32 / Double(max(1, dimension)))
    return max(1, Int(Double(nodes) * ratio * ratio))
  }
}

/// Looks for the smallest ||d|| that loses the label, by branch and bound on the pre-activations of the
/// neurons that speak against it; best bound first.
struct BranchAndBound {
  /// What a search ends with.
  struct Outcome {
    /// The proof.
    let certificate: BranchCertificate
    /// The smallest perturbation of the reduced network found; nil where there was none.
    let witness: [Double]?
    /// Boxes looked at.
    let nodes: Int
  }

  private struct Node {
    var bound: Double
    /// The multipliers of the best bound; those of the parent hold for its children too.
    var leaf: CertificateLeaf
    /// The multiplier and the point to start from.
    var multiplier: Double
    var point: [Double]
    /// The curvature that each relaxation may have, and the weights it was shared out by.
    var budgets: [Double]
    var shares: [Double]
    /// The largest gap of a neuron's relaxation, and where to cut.
    var neuron = -1
    var cut = 0.0
    /// Children, where there are some.
    var children: (lower: Int, upper: Int)?
    var parent: Int?
    var isUpper = false
  }

  private let problem: DecisionProblem
  private let budget: SearchBudget
  private let deadline: Date
  private let opponent: Int
  private let radius: Double
  private let tightening: BallTightening
  private let minimizer: LagrangianMinimizer
  private let relaxation: RelaxationBudget
  private let rounding: Double
  private var nodes: [Node] = []
  private var best: Double
  private var witness: [Double]?

  /// - Parameters:
  ///   - radius: perturbations up to this size are looked at.
  ///   - witness: a perturbation of about that size that loses the label, where one is known.
  ///   - deadline: when to stop, whatever the budget says.
  init(
    _ problem: DecisionProblem, opponent: Int, radius: Double, witness: [Double]?,
    budget: SearchBudget, deadline: Date
  ) {
    self.problem = problem
    self.opponent = opponent
    self.radius = radius
    self.witness = witness
    self.budget = budget
    self.deadline = deadline
    best = radius
    let p = problem.activation.exponent
    // Costs at most 1e-8 times the multiplier.
    rounding = p < 2 ? Double.power(1e-8, 1 / p) : 0
    tightening = BallTightening(problem, radius: radius)
    relaxation = RelaxationBudget(problem)
    let moved = witness.map { zip(problem.point, $0).reduce(0) { $0 + $1.1 * (2 * $1.0 + $1.1) } }
    minimizer = LagrangianMinimizer(
      problem, radius: radius, square: 1 + (moved ?? 0), budgets: relaxation.even,
      rounding: rounding)
  }

  /// Searches.
  mutating func run() -> Outcome {
    let origin = [Double](repeating: 0, count: problem.dimension)
    nodes = [
      Node(
        bound: 0,
        leaf: CertificateLeaf(boundingNothingOf: problem),
        multiplier: firstMultiplier(), point: witness ?? origin, budgets: relaxation.even,
        shares: [Double](repeating: 1, count: problem.against))
    ]
    bound(0)
    var open = Heap()
    open.insert(nodes[0].bound, 0)
    var count = 1
    let limit = budget.nodes(dimension: problem.dimension)
    while let (value, index) = open.popFirst() {
      if value >= target || nodes[index].neuron < 0 { break }
      if count >= limit || Date() >= deadline { break }
      for child in branch(index) {
        bound(child)
        count += 1
        if nodes[child].bound < target { open.insert(nodes[child].bound, child) }
      }
    }
    let certificate = BranchCertificate(
      opponent: opponent, searchRadius: radius, rounding: rounding, nodes: preorder())
    return Outcome(certificate: certificate, witness: witness, nodes: count)
  }

  /// A bound of ||d||^2/2 that needs no further work. A little more than the gap, for what the checker
  /// subtracts.
  private var target: Double {
    let aim = best * (1 - 0.95 * budget.gap)
    return 0.5 * aim * aim
  }

  /// The multiplier of the witness, where d = -lambda grad (P - N).
  private func firstMultiplier() -> Double {
    guard let witness else { return 1 }
    let gradient = problem.margin(witness).gradient
    let slope = Norm.l2.length(gradient)
    return slope > 0 ? min(1e4, max(1e-4, best / slope)) : 1
  }

  private func box(of index: Int) -> [ClosedRange<Double>] {
    var cuts: [(neuron: Int, at: Double, isUpper: Bool)] = []
    var current = index
    while let parent = nodes[current].parent {
      cuts.append((nodes[parent].neuron, nodes[parent].cut, nodes[current].isUpper))
      current = parent
    }
    var box = tightening.root
    for cut in cuts.reversed() {
      box[cut.neuron] =
        cut.isUpper
        ? cut.at...box[cut.neuron].upperBound : box[cut.neuron].lowerBound...cut.at
    }
    return box
  }

  private mutating func branch(_ index: Int) -> [Int] {
    let first = nodes.count
    let node = nodes[index]
    for isUpper in [false, true] {
      nodes.append(
        Node(
          bound: node.bound, leaf: node.leaf, multiplier: node.multiplier, point: node.point,
          budgets: node.budgets, shares: node.shares, parent: index, isUpper: isUpper))
    }
    nodes[index].children = (first, first + 1)
    return [first, first + 1]
  }

  /// Maximises the dual value of a node over the multiplier, and picks where to cut it.
  private mutating func bound(_ index: Int) {
    guard let box = tightening.tightened(box(of: index)) else {
      nodes[index].bound = .infinity
      return
    }
    minimizer.budgets = nodes[index].budgets
    let ascent = ascend(index, box)
    keep(ascent, index)
    if ascent.value >= target { return }
    if !relaxation.isOrthogonal { shareOut(index, box, from: ascent.value) }
    if nodes[index].bound >= target { return }
    chooseCut(index, box)
    tryPoint(nodes[index].point)
  }

  /// One ascent with the budgets of the minimizer.
  private func ascend(_ index: Int, _ box: [ClosedRange<Double>]) -> DualAscent {
    var ascent = DualAscent(multiplier: nodes[index].multiplier, point: nodes[index].point)
    ascent.run(minimizer, box: box, target: target, deadline: deadline)
    return ascent
  }

  /// Keeps the multipliers of an ascent, and its bound where it is better than the parent's.
  private mutating func keep(_ ascent: DualAscent, _ index: Int) {
    nodes[index].multiplier = ascent.multiplier
    nodes[index].point = ascent.point
    if ascent.value > nodes[index].bound, let leaf = ascent.leaf {
      nodes[index].bound = ascent.value
      nodes[index].leaf = leaf
    }
  }

  /// Shares the curvature out anew among the relaxations, more to those that cost most: often at the
  /// root, once below.
  private mutating func shareOut(_ index: Int, _ box: [ClosedRange<Double>], from value: Double) {
    var shares = nodes[index].shares
    var best = value
    for round in 0..<(index == 0 ? 8 : 1) {
      let gains = minimizer.budgetGains()
      if round > 0 || index > 0 {
        shares = RelaxationBudget.shifted(shares, gains: gains.map(\.gain))
      }
      minimizer.budgets = relaxation.filled(weights: shares, enough: gains.map(\.enough))
      let ascent = ascend(index, box)
      if ascent.value > best {
        best = ascent.value
        keep(ascent, index)
        nodes[index].shares = shares
        nodes[index].budgets = minimizer.budgets
      }
      if best >= target || Date() >= deadline { return }
    }
  }

  /// Picks the neuron whose relaxation costs most at the minimiser. Where none costs anything, the
  /// minimiser jumps at this multiplier, and the loosest relaxation is to blame.
  private mutating func chooseCut(_ index: Int, _ box: [ClosedRange<Double>]) {
    let gaps = minimizer.gaps()
    let isTight = gaps.allSatisfy { $0.here <= 1e-12 }
    var chosen = (gap: 1e-12, neuron: -1, at: 0.0)
    for (k, entry) in gaps.enumerated() {
      let gap = isTight ? entry.worst : entry.here
      let (l, u) = (box[k].lowerBound, box[k].upperBound)
      if gap <= chosen.gap || u - l < 1e-9 { continue }
      // Left of the kink phi is straight.
      let isKinked = problem.activation.exponent < 2 && l < 0 && u > 0
      let at = min(max(entry.at, l + 0.15 * (u - l)), u - 0.15 * (u - l))
      chosen = (gap, k, isKinked ? 0 : at)
    }
    nodes[index].neuron = chosen.neuron
    nodes[index].cut = chosen.at
  }

  /// Whether the boundary behind a node's solution is closer than what is known.
  private mutating func tryPoint(_ d: [Double]) {
    let search = WitnessSearch(problem)
    guard let found = search.improve(d, below: best) else { return }
    let length = Norm.l2.length(found)
    if length < best {
      best = length
      witness = found
    }
  }

  private func preorder() -> [BranchCertificate.Node] {
    var result: [BranchCertificate.Node] = []
    var pending = [0]
    while let index = pending.popLast() {
      let node = nodes[index]
      if let children = node.children {
        result.append(.branch(neuron: node.neuron, at: node.cut))
        pending.append(children.upper)
        pending.append(children.lower)
      } else {
        result.append(.leaf(node.leaf))
      }
    }
    return result
  }
}

/// A binary heap of node numbers by bound, smallest first, ties by number.
private struct Heap {
  private var entries: [(bound: Double, index: Int)] = []

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    (entries[a].bound, entries[a].index) < (entries[b].bound, entries[b].index)
  }

  mutating func insert(_ bound: Double, _ index: Int) {
    entries.append((bound, index))
    var child = entries.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popFirst() -> (Double, Int)? {
    guard let first = entries.first else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if precedes(child, least) { least = child }
      }
      if least == parent { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
