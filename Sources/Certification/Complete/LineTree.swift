import Foundation
import LinearCore

/// A tree of boxes that are bounded by lines, grown best first. No box is given up while it can be cut: where boxes shrink,
/// the chords of a box tend to phi, and its bound to the truth.
struct LineTree {
  private struct Node {
    /// What is left of it; nil once it is cut or proved.
    var box: CoordinateBox?
    var bound: Double
    /// The node whose lines prove the bound.
    var source: Int
    var lines: CertificateLines?
    /// Near the solution of the relaxation.
    var point: [Double]
    var cut: (index: Int, at: Double)?
    var children: (lower: Int, upper: Int)?
    var depth: Int
  }

  private let problem: DecisionProblem
  private let norm: Norm
  private let start: [Double]
  private let kernel: LineKernel
  private let gap: Double
  private let range: PerturbationRange?
  private var nodes: [Node] = []
  /// The size that bounds are compared with; see ``grow(from:guess:limit:deadline:_:)``.
  private(set) var best: Double
  /// Whether every box has a bound that needs no further work.
  private(set) var isClosed = false

  /// The number of boxes.
  var count: Int { nodes.count }
  /// A bound that needs no further work.
  private var target: Double { best * (1 - 0.9 * gap) }

  /// - Parameters:
  ///   - gap: by how much bounds may fall short of `best`.
  ///   - best: the size of the smallest perturbation known, or how far to look.
  ///   - range: of valid perturbations; nil for all.
  init(
    _ problem: DecisionProblem, norm: Norm, kernel: LineKernel, gap: Double, best: Double,
    range: PerturbationRange? = nil
  ) {
    self.problem = problem
    self.range = range
    self.norm = norm
    self.kernel = kernel
    self.gap = gap
    self.best = best
    start = problem.preActivations
  }

  /// Cuts boxes until all bounds reach the target, or a limit is met.
  ///
  /// - Parameters:
  ///   - guess: a perturbation near the solution.
  ///   - look: takes the solution of a box and its number; returns the size of a smaller perturbation where it has
  ///     found one, 0 to end the search.
  mutating func grow(
    from root: CoordinateBox?, guess: [Double], limit: Int, deadline: Date,
    _ look: (_ d: [Double], _ number: Int) -> Double?
  ) {
    let nothing = CertificateLines(
      multiplier: 0,
      slopes: [Double](repeating: 0, count: problem.count + (isWide ? 0 : problem.dimension)))
    nodes = [Node(box: root, bound: 0, source: 0, lines: nothing, point: guess, depth: 0)]
    var open = BoxHeap()
    bound(0, look)
    open.insert(nodes[0].bound, 0)
    while let (value, index) = open.popFirst() {
      if value >= target {
        isClosed = best > 0
        return
      }
      guard nodes.count < limit, Date() < deadline, nodes[index].depth < 900,
        let cut = nodes[index].cut
      else { return }
      for isUpper in [false, true] {
        let child = nodes.count
        nodes.append(
          Node(
            box: nodes[index].box?.half(cut.index, at: cut.at, isUpper: isUpper), bound: value,
            source: nodes[index].source, lines: nil, point: nodes[index].point,
            depth: nodes[index].depth + 1))
        bound(child, look)
        if nodes[child].bound < target {
          open.insert(nodes[child].bound, child)
        } else {
          (nodes[child].box, nodes[child].point) = (nil, [])
        }
      }
      nodes[index].children = (nodes.count - 2, nodes.count - 1)
      (nodes[index].box, nodes[index].point) = (nil, [])
    }
    isClosed = best > 0
  }

  /// Bounds a box, and picks where to cut it.
  private mutating func bound(_ index: Int, _ look: ([Double], Int) -> Double?) {
    guard let box = nodes[index].box.flatMap(kernel.tightened) else {
      nodes[index].bound = .infinity
      return
    }
    nodes[index].box = box
    // What the parent's lines say of the smaller box.
    let inherited = nodes[nodes[index].source].lines!
    nodes[index].bound = max(nodes[index].bound, kernel.bound(inherited, box))
    if nodes[index].bound >= target { return }
    var program = RegionProgram(
      problem, norm: norm, start: start, box: box, condition: kernel.condition(of: box),
      isKept: kernel.keepsLabelAlone(box), tolerance: (isWide ? 1e-3 : 1e-5) * gap * best,
      walls: walls)
    let solution = program.solve(guess: nodes[index].point, target: best)
    let value = kernel.bound(solution.lines, box)
    if value > nodes[index].bound {
      nodes[index].bound = value
      nodes[index].lines = solution.lines
      nodes[index].source = index
    }
    if nodes[index].bound >= target { return }
    nodes[index].point = solution.point
    nodes[index].cut = cut(box, program, solution.point)
    if let found = look(solution.point, index) { best = min(best, found) }
  }

  /// Whether there are too many coordinates to cut them one by one.
  private var isWide: Bool { problem.dimension > CompleteSearch.mostDimensions }

  private var walls: WidePoint? {
    if !isWide { return nil }
    let none = [Double](repeating: .infinity, count: problem.dimension)
    return WidePoint(
      norm: norm, lower: range?.lower ?? none.map { -$0 }, upper: range?.upper ?? none, scale: best,
      precision: 0.02 * gap)
  }

  /// Where a cut takes most off the chords at the solution: through one neuron, or through a coordinate, which moves all
  /// of them.
  private func cut(_ box: CoordinateBox, _ program: RegionProgram, _ d: [Double]) -> (
    index: Int, at: Double
  )? {
    let (against, n) = (problem.against, problem.dimension)
    let gaps = program.gaps(d)
    let isStraight = problem.activation.exponent == 1
    // A little before the kink a neuron is dead, whatever rounding has done.
    let kink = -1e-9 * best
    var chosen = (gain: 0.0, index: -1, at: 0.0)
    for (k, entry) in gaps.enumerated() {
      let (l, u) = (box.lower[k], box.upper[k])
      var (gain, at) = (0.75 * entry.gap, Self.inside(entry.z, l, u))
      if l < 2 * kink && u > 0 && (problem.activation.exponent < 2 || entry.z < 0.25 * u) {
        // Left of the kink phi is 0; this is what the chord makes of it.
        let weight = problem.weights[problem.supporting + k]
        let height = weight * problem.activation(u) * (kink - l) / (u - l)
        gain = max(isStraight ? entry.gap : gain, entry.z < kink ? 0 : height)
        if gain == 0 { gain = 1e-3 * height }
        at = kink
      }
      if gain > chosen.gain { chosen = (gain, k, at) }
    }
    if !isStraight && !isWide {
      for i in 0..<n {
        let width = box.upper[against + i] - box.lower[against + i]
        var gain = 0.0
        for (k, entry) in gaps.enumerated() where entry.gap > 0 {
          let whole = box.upper[k] - box.lower[k]
          let row = problem.supporting + k
          let share = min(1, problem.directions[row, i].magnitude * width / max(whole, 1e-300))
          gain += entry.gap * (share - 0.25 * share * share)
        }
        if gain > chosen.gain {
          chosen = (
            gain, against + i,
            Self.inside(d[i], box.lower[against + i], box.upper[against + i])
          )
        }
      }
    }
    if chosen.index >= 0, isDivisible(box, chosen.index, chosen.at) {
      return (chosen.index, chosen.at)
    }
    // Chords that are tight: the widest coordinate.
    let widest = (0..<n).max {
      box.upper[against + $0] - box.lower[against + $0]
        < box.upper[against + $1] - box.lower[against + $1]
    }!
    let middle = 0.5 * (box.lower[against + widest] + box.upper[against + widest])
    return isDivisible(box, against + widest, middle) ? (against + widest, middle) : nil
  }

  private func isDivisible(_ box: CoordinateBox, _ index: Int, _ at: Double) -> Bool {
    min(at - box.lower[index], box.upper[index] - at) > 1e-12 * best
  }

  /// A place to cut an interval, near z.
  private static func inside(_ z: Double, _ l: Double, _ u: Double) -> Double {
    min(max(z, l + 0.2 * (u - l)), u - 0.2 * (u - l))
  }

  /// The tree in preorder.
  var preorder: [BranchCertificate.Node] {
    var result: [BranchCertificate.Node] = []
    var pending = [0]
    while let index = pending.popLast() {
      let node = nodes[index]
      if let children = node.children, let cut = node.cut {
        result.append(.branch(neuron: cut.index, at: cut.at))
        pending.append(children.upper)
        pending.append(children.lower)
      } else {
        result.append(.lines(nodes[node.source].lines!))
      }
    }
    return result
  }
}
