/// The proof of a lower bound for one sample and one pair of classes: a binary tree of boxes.
///
/// Let z_k = <u_k, x + d> be the pre-activation of the k-th neuron that speaks against the label. Inner nodes
/// cut an interval of one z_k in two; leaves carry the multipliers that bound ||d|| from below on their box.
/// The root is the box of all ||d|| <= `searchRadius`, so the leaves cover it by construction. All lengths
/// are in units of `unit`. The theorem is in `Documentation/Certified-radii.md`.
package struct BranchCertificate: Codable, Sendable, Equatable {
  /// One node of the tree.
  package enum Node: Codable, Sendable, Equatable {
    /// Cuts the interval of neuron `neuron` (counted among those against the label) at `at`; the subtree
    /// of the lower part follows, then that of the upper part.
    case branch(neuron: Int, at: Double)
    /// Cuts the interval of ‖x + d‖² at `at`, in the tree of an l2 certificate; the subtree of the shorter x + d follows, then
    /// that of the longer ones.
    case lengthBranch(at: Double)
    /// A box that is bounded.
    case leaf(CertificateLeaf)
    /// A box of a ``LineKernel``. In a tree of such leaves the coordinates of d are cut like pre-activations, counted
    /// behind the neurons against the label, and so are leaves of every norm.
    case lines(CertificateLines)
  }

  /// The class that the label is defended against.
  package let opponent: Int
  /// What lengths are measured in; nil for ||x - center||, or 1 where that is 0. Any positive number is right: the proof is
  /// evaluated in it.
  package var unit: Double? = nil
  /// Perturbations up to this size are looked at.
  package var searchRadius: Double
  /// Where p < 2, the neurons for the label are bounded below by a function with a parabola on
  /// [0, rounding].
  package let rounding: Double
  /// Orthonormal directions v of the reduced space that are cut like pre-activations, counted behind the neurons
  /// against the label: z = <v, x + d>. Nil for none.
  package var cutDirections: [[Double]]? = nil
  /// Whether a tree of lines speaks about the network as it is, all neurons and coordinates, rather than about the
  /// effective one; nil for no.
  package var isWhole: Bool? = nil
  /// Whether a tree of lines speaks about the effective network in the coordinates of the input; nil for no.
  package var isLifted: Bool? = nil
  /// Whether only perturbed inputs in the box of valid ones are meant; nil for no.
  package var isBoxed: Bool? = nil
  /// For outputs of one degree without bias: a tree of lines for every face of a cube around the center, in the order of
  /// ``ConeKernel``. No point of a face loses the label, and therefore no point at all. Nil where a ball is looked at.
  package var faces: [[Node]]? = nil
  /// The nodes in preorder; none where one ``LinearRelaxation`` of the whole ball proves `searchRadius`.
  package var nodes: [Node]
}

/// The slopes of one box of a ``LineKernel``.
package struct CertificateLines: Codable, Sendable, Equatable {
  /// omega >= 0, of the condition that the label is lost.
  package var multiplier: Double
  /// t of every neuron, those for the label first, and of every coordinate of d; without the latter they are 0.
  package var slopes: [Double]
}

extension BranchCertificate {
  /// Whether its leaves are those of a ``LineKernel``.
  var isOfLines: Bool {
    faces != nil || nodes.contains { if case .lines = $0 { true } else { false } }
  }

  /// The least bound of all leaves; nil where the nodes are no tree over `root`, or a leaf is malformed.
  ///
  /// - Parameters:
  ///   - squares: all values of ‖x + d‖²; nil where they are not cut.
  ///   - bound: of a leaf on its box, and on an interval of ‖x + d‖²; nil for a malformed one.
  func leastBound(
    over root: [ClosedRange<Double>], squares: ClosedRange<Double>? = nil,
    _ bound: (CertificateLeaf, [ClosedRange<Double>], ClosedRange<Double>?) -> Double?
  ) -> Double? {
    var (position, box, squares, least) = (0, root, squares, Double.infinity)
    func visit(depth: Int) -> Bool {
      // Certificates come from files: a tree deeper than any search would make must not exhaust the
      // stack.
      guard position < nodes.count, depth < 1000 else { return false }
      let node = nodes[position]
      position += 1
      switch node {
      case .leaf(let leaf):
        guard let value = bound(leaf, box, squares) else { return false }
        least = min(least, value)
        return true
      case .lines: return false
      case .lengthBranch(let at):
        guard let whole = squares, whole.contains(at) else { return false }
        defer { squares = whole }
        squares = whole.lowerBound...at
        guard visit(depth: depth + 1) else { return false }
        squares = at...whole.upperBound
        return visit(depth: depth + 1)
      case .branch(let neuron, let at):
        guard box.indices.contains(neuron), box[neuron].contains(at) else { return false }
        let whole = box[neuron]
        defer { box[neuron] = whole }
        box[neuron] = whole.lowerBound...at
        guard visit(depth: depth + 1) else { return false }
        box[neuron] = at...whole.upperBound
        return visit(depth: depth + 1)
      }
    }
    return visit(depth: 0) && position == nodes.count ? least : nil
  }
}

/// The multipliers of one box.
package struct CertificateLeaf: Codable, Sendable, Equatable {
  /// lambda >= 0, of the condition that the label is lost.
  package var multiplier: Double
  /// q_k >= 0: the k-th neuron against the label is bounded by lambda b phi(z) <= alpha + s z + q z^2. Behind
  /// them q <= 0 for every cut direction, where 0 <= alpha + s z + q z^2 holds in its interval.
  package var quadratics: [Double]
  /// s_k. The checker finds alpha_k.
  package var slopes: [Double]
  /// c: bias ||x + d||^q is bounded below by a line in ||x + d||^2 of this slope.
  package var biasSlope: Double
  /// d, near the minimiser of the Lagrangian; in linf the coefficients c of the directions that d is
  /// made of, see ``MaximumNormKernel``.
  package var point: [Double]
  /// In linf, the coefficients of the directions that the metric is made of; empty in l2.
  package var metric: [Double] = []

  /// Multipliers that bound ‖d‖ by 0.
  init(boundingNothingOf problem: DecisionProblem) {
    let zeros = [Double](repeating: 0, count: problem.against)
    multiplier = 0
    quadratics = zeros
    slopes = zeros
    biasSlope = 0
    point = [Double](repeating: 0, count: problem.dimension)
  }

  /// Multipliers and a point.
  init(
    multiplier: Double, quadratics: [Double], slopes: [Double], biasSlope: Double, point: [Double]
  ) {
    self.multiplier = multiplier
    self.quadratics = quadratics
    self.slopes = slopes
    self.biasSlope = biasSlope
    self.point = point
  }
}
