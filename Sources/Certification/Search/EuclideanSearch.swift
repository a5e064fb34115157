import Foundation

/// Proves an l2 radius of one problem by branch and bound, with the relaxation that suits it.
struct EuclideanSearch {
  /// What a search ends with.
  struct Outcome {
    let certificate: BranchCertificate
    /// What it proves, in units of ‖x - center‖.
    let proved: Double
    /// The smallest perturbation found; nil where there was none.
    let witness: [Double]?
    /// Boxes looked at.
    let nodes: Int
  }

  private let problem: DecisionProblem
  private let opponent: Int
  private let budget: SearchBudget
  private let deadline: Date

  /// - Parameter deadline: when to stop, whatever the budget says.
  init(_ problem: DecisionProblem, opponent: Int, budget: SearchBudget, deadline: Date) {
    self.problem = problem
    self.opponent = opponent
    self.budget = budget
    self.deadline = deadline
  }

  /// - Parameters:
  ///   - radius: perturbations up to this size are looked at.
  ///   - witness: a perturbation of about that size, where one is known.
  func run(radius: Double, witness: [Double]?) -> Outcome {
    if let relaxation = MomentRelaxation(
      problem, radius: radius, witness: witness, deadline: deadline)
    {
      return search(relaxation, radius)
    }
    return search(
      EuclideanRelaxation(problem, radius: radius, witness: witness, deadline: deadline), radius)
  }

  private func search(_ relaxation: some BoxRelaxation, _ radius: Double) -> Outcome {
    var search = BranchAndBound(
      relaxation, opponent: opponent, radius: radius, budget: budget, deadline: deadline)
    let outcome = search.run()
    return Outcome(
      certificate: outcome.certificate,
      proved: CertificateKernel.certifiedRadius(outcome.certificate, of: problem) ?? 0,
      witness: outcome.witness, nodes: outcome.nodes)
  }
}
