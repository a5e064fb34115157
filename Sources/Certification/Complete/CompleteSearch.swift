import Foundation
import LinearCore

/// Proves a radius of one problem in few dimensions by branch and bound with lines, whatever the network.
///
/// Boxes are intervals of the neurons against the label and of all coordinates of the perturbation; see ``LineTree``.
struct CompleteSearch {
  /// What a search ends with.
  struct Outcome {
    let certificate: BranchCertificate
    /// What it proves, in units of the problem.
    let proved: Double
    /// The smallest perturbation found; nil where there was none.
    let witness: [Double]?
    /// Boxes looked at.
    let nodes: Int
  }

  /// Dimensions and neurons of the largest problems it is for.
  static var mostDimensions: Int { 12 }
  static var mostNeurons: Int { 64 }
  /// Boxes at most, whatever a budget says: no more than memory holds.
  private static var mostBoxes: Int { 400_000 }

  private let problem: DecisionProblem
  private let norm: Norm
  private let gap: Double
  private let limit: Int
  private let deadline: Date
  private let network: CompletePass.Subject
  private var isWhole: Bool { network != .reduced }
  private let range: PerturbationRange?
  private let opponent: Int
  private let unit: Double?
  private let descent: BoundaryDescent
  private var best: Double
  private var witness: [Double]?

  /// - Parameters:
  ///   - network: what the problem is about.
  ///   - range: of valid perturbations; nil for all. Takes coordinates of the input.
  ///   - reach: perturbations up to this size are looked at.
  ///   - witness: a perturbation that loses the label, where one is known.
  ///   - nodes: boxes to look at.
  init(
    _ problem: DecisionProblem, norm: Norm, _ network: CompletePass.Subject,
    range: PerturbationRange? = nil, opponent: Int, unit: Double?, reach: Double,
    witness: [Double]?,
    gap: Double, nodes limit: Int, deadline: Date
  ) {
    self.problem = problem
    self.norm = norm
    self.network = network
    self.range = range
    self.opponent = opponent
    self.unit = unit
    self.gap = gap
    self.limit = min(limit, Self.mostBoxes)
    self.deadline = deadline
    descent = BoundaryDescent(problem, norm: norm, deadline: deadline, range: range)
    self.witness = witness
    best = witness.map { min(reach, norm.length($0)) } ?? reach
  }

  mutating func run() -> Outcome {
    if let witness, let found = descent.improve(witness, below: best) { take(found) }
    if let found = descent.search(below: best) { take(found) }
    if let witness, problem.isHomogeneous, range == nil {
      // Points of the boundary itself are lost again by rounding where the ray comes near the center.
      for factor in [1, 1 + 1e-8, 1 + 1e-6, 1 + 1e-4, 1.01, 1.1] {
        let d = witness.map { $0 * factor }
        if descent.isLost(d), let found = nearest(onRayThrough: d) { take(found) }
      }
    }
    var nodes = 0
    if witness == nil, let proof = proveCone(&nodes) { return proof }
    // A little more than what is known, so that a wrong proof would show.
    let radius = best * EuclideanSearch.excess
    let kernel = LineKernel(
      problem, norm: norm, radius: radius, isWhole: isWhole, range: range)
    var tree = LineTree(
      problem, norm: norm, kernel: kernel, gap: gap, best: best, range: range)
    let guess = witness ?? [Double](repeating: 0, count: problem.dimension)
    var (best, found) = (best, witness)
    tree.grow(from: kernel.root, guess: guess, limit: limit, deadline: deadline) { d, number in
      // What loses the label without any step is inside, and rounding will not change it.
      let length = norm.length(d)
      if length < best, descent.isLost(d) {
        (best, found) = (length, d)
        return best
      }
      // Most boxes have the same boundary.
      guard
        number < 64 || number % 16 == 0 || descent.isLost(d.map { $0 * (1 + 0.1 * gap) }),
        let other = descent.improve(d, below: best)
      else { return nil }
      (best, found) = (norm.length(other), other)
      return best
    }
    let certificate = certificate(radius: radius, nodes: tree.preorder)
    let proved =
      LineKernel.certifiedRadius(
        certificate, of: problem, norm: norm, isWhole: isWhole, range: range) ?? 0
    return Outcome(
      certificate: certificate, proved: proved, witness: found, nodes: nodes + tree.count)
  }

  private mutating func take(_ found: [Double]) {
    let length = norm.length(found)
    if length < best { (witness, best) = (found, length) }
  }

  private func certificate(
    radius: Double, nodes: [BranchCertificate.Node], faces: [[BranchCertificate.Node]]? = nil
  ) -> BranchCertificate {
    BranchCertificate(
      opponent: opponent, unit: unit, searchRadius: radius, rounding: 0,
      isWhole: network == .whole ? true : nil, isLifted: network == .lifted ? true : nil,
      isBoxed: range == nil ? nil : true, faces: faces, nodes: nodes)
  }

  /// A proof that no point at all loses the label, where the margin is homogeneous; nil where there is none. A point that does
  /// becomes a witness.
  private mutating func proveCone(_ nodes: inout Int) -> Outcome? {
    guard range == nil, let cone = ConeKernel(problem, isWhole: isWhole) else { return nil }
    var faces: [[BranchCertificate.Node]] = []
    let half = deadline.timeIntervalSinceNow / 2
    let end = Date().addingTimeInterval(half)
    for number in 0..<cone.faceCount {
      var tree = LineTree(
        problem, norm: .l2, kernel: cone.kernel, gap: gap, best: cone.kernel.radius / (1 - gap))
      var lost: [Double]?
      tree.grow(
        from: cone.box(ofFace: number), guess: [Double](repeating: 0, count: problem.dimension),
        limit: max(1, limit / 2 / cone.faceCount), deadline: end
      ) { d, _ in
        lost = descent.lostPoint(near: d)
        return lost == nil ? nil : 0
      }
      nodes += tree.count
      if let lost {
        if let found = nearest(onRayThrough: lost) {
          take(found)
          if let better = descent.improve(found, below: best) { take(better) }
        }
        return nil
      }
      guard tree.isClosed else { return nil }
      faces.append(tree.preorder)
    }
    let radius = best
    let certificate = certificate(radius: radius, nodes: [], faces: faces)
    guard
      LineKernel.certifiedRadius(certificate, of: problem, norm: norm, isWhole: isWhole) != nil
    else { return nil }
    return Outcome(certificate: certificate, proved: radius, witness: nil, nodes: nodes)
  }

  /// With x + d all points s (x + d), s > 0, lose the label: the nearest of them, or one near the center.
  private func nearest(onRayThrough d: [Double]) -> [Double]? {
    let y = zip(problem.point, d).map { $0 + $1 }
    let size = norm.length(y)
    guard size > 0 else { return nil }
    func moved(_ share: Double) -> [Double] { zip(y, problem.point).map { share * $0 - $1 } }
    // ‖s y - x‖ is convex in s.
    var (low, high) = (1e-6 / size, 2 * norm.length(problem.point) / size + 1e-6 / size)
    for _ in 0..<80 {
      let (left, right) = (low + (high - low) / 3, high - (high - low) / 3)
      if norm.length(moved(left)) < norm.length(moved(right)) { high = right } else { low = left }
    }
    let found = moved(low)
    return descent.isLost(found) ? found : nil
  }
}
