import Foundation

/// Proves an l2 radius of one problem by branch and bound, with the relaxation that suits it.
struct EuclideanSearch {
  /// What a search ends with.
  struct Outcome {
    /// Nil where numbers are beyond the range of proofs.
    let certificate: BranchCertificate?
    /// What it proves, in units of the problem.
    let proved: Double
    /// The smallest perturbation found; nil where there was none.
    let witness: [Double]?
    /// Boxes looked at.
    let nodes: Int
  }

  private let problem: DecisionProblem
  private let opponent: Int
  private let unit: Double?
  private let budget: SearchBudget
  private let deadline: Date

  /// - Parameters:
  ///   - unit: see ``BranchCertificate/unit``.
  ///   - deadline: when to stop, whatever the budget says.
  init(
    _ problem: DecisionProblem, opponent: Int, unit: Double? = nil, budget: SearchBudget,
    deadline: Date
  ) {
    self.problem = problem
    self.opponent = opponent
    self.unit = unit
    self.budget = budget
    self.deadline = deadline
  }

  /// - Parameters:
  ///   - radius: the size of the smallest perturbation known, or how far to look.
  ///   - witness: a perturbation of about that size, where one is known.
  func run(radius: Double, witness: [Double]?) -> Outcome {
    guard problem.isFinite, radius > 0, radius.isFinite else {
      return Outcome(certificate: nil, proved: 0, witness: nil, nodes: 0)
    }
    let ball = radius * Self.excess
    if Date() >= deadline { return proving(nothingIn: ball) }
    let curvature = CurvatureBudget(problem)
    if let relaxation = MomentRelaxation(
      problem, curvature: curvature, ball: ball, best: radius, witness: witness, deadline: deadline)
    {
      return search(relaxation, ball)
    }
    return search(
      EuclideanRelaxation(
        problem, curvature: curvature, ball: ball, best: radius, witness: witness,
        deadline: deadline), ball)
  }

  /// A certificate that stands for the bounds that need none; nil where no certificate would do.
  func proving(
    nothingIn ball: Double, witness: [Double]? = nil, nodes: Int = 0
  ) -> Outcome {
    let nothing = BranchCertificate(
      opponent: opponent, unit: unit, searchRadius: ball, rounding: 0,
      nodes: [.leaf(CertificateLeaf(boundingNothingOf: problem))])
    let isCertificate = CertificateKernel.certifiedRadius(nothing, of: problem) != nil
    return Outcome(
      certificate: isCertificate ? nothing : nil, proved: 0, witness: witness, nodes: nodes)
  }

  /// Balls are a little larger than the smallest perturbation known, so that a proof of more than it allows would show.
  static var excess: Double { 1 + 1e-6 }

  private func search(_ relaxation: some BoxRelaxation, _ ball: Double) -> Outcome {
    let check = { CertificateKernel.certifiedRadius($0, of: problem) }
    var search = BranchAndBound(
      relaxation, opponent: opponent, unit: unit, radius: ball, budget: budget,
      deadline: deadline, check: check)
    let outcome = search.run()
    if let proved = check(outcome.certificate) {
      return Outcome(
        certificate: outcome.certificate, proved: proved, witness: outcome.witness,
        nodes: outcome.nodes)
    }
    // Multipliers beyond the kernel's range prove nothing, and neither do zeros.
    return proving(nothingIn: ball, witness: outcome.witness, nodes: outcome.nodes)
  }
}
