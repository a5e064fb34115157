import Foundation
import LinearCore

/// What is known about one box.
struct BoxState {
  /// A lower bound of half the squared length of all perturbations of the box that lose the label.
  var bound = 0.0
  /// The multipliers of the best bound; those of the parent hold for its children too.
  var leaf: CertificateLeaf
  /// The multiplier and the point to start from.
  var multiplier: Double
  var point: [Double]
  /// The curvature that each relaxation may have, and the weights it was shared out by.
  var budgets: [Double]
  var shares: [Double]
  /// The multipliers mu_i of the slabs of cut directions, which add curvature, and the spread of the relaxed
  /// perturbation; see ``MomentRelaxation``.
  var slabMultipliers: [Double] = []
  var spread: [Double] = []
  /// What ‖x + d‖² is between; nil for all of the ball.
  var squares: ClosedRange<Double>?
  /// What to cut where the relaxation is loosest; nil where nothing is gained by a cut.
  var cut: BoxCut?
}

/// Where a box is cut in two.
enum BoxCut {
  /// The interval of one neuron against the label, or of a cut direction behind them.
  case neuron(Int, at: Double)
  /// That of ‖x + d‖².
  case length(at: Double)
}

/// How boxes are bounded: what depends on the norm.
protocol BoxRelaxation {
  /// The intervals of all pre-activations of neurons against the label.
  var root: [ClosedRange<Double>] { get }
  /// That of ‖x + d‖², where boxes may have less of it.
  var rootSquares: ClosedRange<Double>? { get }
  /// What is known before the root is bounded.
  var initialState: BoxState { get }
  /// How many boxes to look at.
  func nodes(_ budget: SearchBudget) -> Int
  /// See ``BranchCertificate/rounding``.
  var rounding: Double { get }
  /// Directions that boxes have intervals of, behind those of the neurons.
  var cuts: CutDirections? { get }
  /// The smallest perturbation known, and its size; updated as boxes are bounded.
  var best: Double { get }
  var witness: [Double]? { get }

  /// The part of a box that the ball reaches, or more; nil for nothing.
  func tightened(_ box: [ClosedRange<Double>]) -> [ClosedRange<Double>]?
  /// Raises the bound of a box as far as `target`, and picks where to cut it.
  mutating func bound(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], isRoot: Bool, target: Double)
}

extension BoxRelaxation {
  var rootSquares: ClosedRange<Double>? { nil }
}

/// Looks for the smallest perturbation that loses the label, by branch and bound on the pre-activations of
/// the neurons that speak against it; best bound first.
struct BranchAndBound<Relaxation: BoxRelaxation> {
  /// What a search ends with.
  struct Outcome {
    let certificate: BranchCertificate
    /// The smallest perturbation of the reduced network found; nil where there was none.
    let witness: [Double]?
    /// Boxes looked at.
    let nodes: Int
  }

  private struct Node {
    var state: BoxState
    /// Children, where there are some.
    var children: (lower: Int, upper: Int)?
    var parent: Int?
    var isUpper = false
  }

  private var relaxation: Relaxation
  private let budget: SearchBudget
  private let deadline: Date
  private let opponent: Int
  private let unit: Double?
  private let radius: Double
  private let check: (BranchCertificate) -> Double?
  private var nodes: [Node] = []

  /// - Parameters:
  ///   - unit: see ``BranchCertificate/unit``.
  ///   - radius: perturbations up to this size are looked at.
  ///   - deadline: when certificates have to be found and checked, whatever the budget says.
  ///   - check: what callers do with the certificate in the end; the time it takes is kept free.
  init(
    _ relaxation: Relaxation, opponent: Int, unit: Double? = nil, radius: Double,
    budget: SearchBudget, deadline: Date, check: @escaping (BranchCertificate) -> Double?
  ) {
    self.relaxation = relaxation
    self.opponent = opponent
    self.unit = unit
    self.check = check
    self.radius = radius
    self.budget = budget
    self.deadline = deadline
  }

  mutating func run() -> Outcome {
    nodes = [Node(state: relaxation.initialState)]
    bound(0)
    let checkTime = timeOfCheck()
    var open = BoxHeap()
    open.insert(nodes[0].state.bound, 0)
    var count = 1
    let limit = relaxation.nodes(budget)
    while let (value, index) = open.popFirst() {
      if value >= target || nodes[index].state.cut == nil { break }
      if count >= limit || isLate(leaves: (count + 3) / 2, checkTime) { break }
      for child in branch(index) {
        bound(child)
        count += 1
        if nodes[child].state.bound < target { open.insert(nodes[child].state.bound, child) }
      }
    }
    return Outcome(certificate: certificate(), witness: relaxation.witness, nodes: count)
  }

  private func certificate() -> BranchCertificate {
    BranchCertificate(
      opponent: opponent, unit: unit, searchRadius: radius, rounding: relaxation.rounding,
      cutDirections: relaxation.cuts.map { cuts in (0..<cuts.count).map(cuts.rows.row) },
      nodes: preorder())
  }

  /// Seconds to check one leaf, where seconds matter.
  private func timeOfCheck() -> TimeInterval {
    guard deadline.timeIntervalSinceNow < 1e6 else { return 0 }
    let start = Date()
    _ = check(certificate())
    return Date().timeIntervalSince(start)
  }

  private func isLate(leaves: Int, _ checkTime: TimeInterval) -> Bool {
    Date().addingTimeInterval(checkTime * Double(leaves)) >= deadline
  }

  /// A bound that needs no further work. A little more than the gap, for what the checker subtracts.
  private var target: Double {
    let aim = relaxation.best * (1 - 0.95 * budget.gap)
    return 0.5 * aim * aim
  }

  private mutating func bound(_ index: Int) {
    guard let box = relaxation.tightened(box(of: index)) else {
      nodes[index].state.bound = .infinity
      return
    }
    relaxation.bound(&nodes[index].state, box, isRoot: index == 0, target: target)
  }

  private func box(of index: Int) -> [ClosedRange<Double>] {
    var cuts: [(neuron: Int, at: Double, isUpper: Bool)] = []
    var current = index
    while let parent = nodes[current].parent {
      if case .neuron(let neuron, let at) = nodes[parent].state.cut {
        cuts.append((neuron, at, nodes[current].isUpper))
      }
      current = parent
    }
    var box = relaxation.root
    for cut in cuts.reversed() {
      box[cut.neuron] =
        cut.isUpper
        ? cut.at...box[cut.neuron].upperBound : box[cut.neuron].lowerBound...cut.at
    }
    return box
  }

  private mutating func branch(_ index: Int) -> [Int] {
    let first = nodes.count
    for isUpper in [false, true] {
      var state = nodes[index].state
      if case .length(let at) = state.cut, let whole = state.squares ?? relaxation.rootSquares {
        state.squares = isUpper ? at...whole.upperBound : whole.lowerBound...at
      }
      state.cut = nil
      nodes.append(Node(state: state, parent: index, isUpper: isUpper))
    }
    nodes[index].children = (first, first + 1)
    return [first, first + 1]
  }

  private func preorder() -> [BranchCertificate.Node] {
    var result: [BranchCertificate.Node] = []
    var pending = [0]
    while let index = pending.popLast() {
      let node = nodes[index]
      if let children = node.children, let cut = node.state.cut {
        switch cut {
        case .neuron(let neuron, let at): result.append(.branch(neuron: neuron, at: at))
        case .length(let at): result.append(.lengthBranch(at: at))
        }
        pending.append(children.upper)
        pending.append(children.lower)
      } else {
        result.append(.leaf(node.state.leaf))
      }
    }
    return result
  }
}

/// A binary heap of node numbers by bound, smallest first, ties by number.
struct BoxHeap {
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
