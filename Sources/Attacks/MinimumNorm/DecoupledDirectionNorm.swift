import Foundation
import LinearCore
import Networks

/// The decoupled direction and norm attack (Rony, Hafemann, Oliveira, Ben Ayed, Sabourin and Granger,
/// *Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses*, CVPR
/// 2019): gradient steps set the direction of the perturbation only; its length shrinks by 5% after
/// every step at which the sample is fooled, and grows by 5% after every other.
///
/// As published: 100 steps, step lengths that fall along a cosine to a hundredth, the ball's factor.
/// Different from it:
///
/// - descent on the margin against a weighted mean of the other classes instead of ascent on
///   cross-entropy, which is 0 to the last digit on confident samples;
/// - first length and first step are how far away the sample's own linearisation has the boundary, not
///   1, so that nothing depends on the scale of data or logits;
/// - in a box, steps and lengths leave out coordinates that could only leave it;
/// - perturbed samples are not rounded to 256 grey levels;
/// - the smallest perturbation that fooled is refined on the decision boundary.
public struct DecoupledDirectionNorm: Attack {
  /// "ddn", the name in catalogue and results.
  public var name: String { "ddn" }
  /// True: it ignores the radii of balls.
  public var isMinimumNorm: Bool { true }
  /// The l2 norm only.
  public var norms: [Norm] { [.l2] }

  /// Gradient steps, one pass each.
  public var steps: Int
  /// The factors of the length are 1 - gamma and 1 + gamma.
  public var gamma = 0.05
  /// Steps on the decision boundary from the best perturbation; 0 returns it as it was found.
  public var refinementSteps = 20

  /// An attack with the given effort.
  public init(steps: Int = 100) {
    precondition(steps >= 1)
    self.steps = steps
  }

  /// With twice the steps.
  public func doubled() -> (any Attack)? {
    var attack = self
    attack.steps *= 2
    return attack
  }

  /// The smallest perturbation found for each sample, zeros where none fools.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    precondition(norms.contains(problem.threat.norm), "DDN measures l2 only")
    let gamma = C.Scalar(gamma)
    let found = MinimumNormDescent(problem: problem, steps: steps, stream: stream).run(
      length: { step in
        C.Scalar(0.01 + 0.99 * (1 + cos(.pi * Double(step) / Double(steps))) / 2)
      },
      resize: { sample, iteration in
        let before = iteration.step == 0 ? sample.unit : sample.radius
        sample.radius = min(before * (sample.margin < 0 ? 1 - gamma : 1 + gamma), sample.reach)
      },
      shrink: { row, radius in row.stretch(to: radius) })
    if refinementSteps == 0 { return found }
    return BoundaryRefinement(problem: problem, steps: refinementSteps).refine(found)
  }
}
