import Foundation
import LinearCore
import Networks

/// The fast minimum-norm attack (Pintor, Roli, Brendel and Biggio, *Fast Minimum-norm Adversarial
/// Attacks through Adaptive Norm Constraints*, NeurIPS 2021) for l2, linf and l1: projected gradient
/// descent on the margin in a ball that shrinks by a factor 1 - gamma, at most to the best size known,
/// where the sample is fooled; grows by 1 + gamma where it is not, once it has been; and until then
/// reaches to the linearised boundary.
///
/// As published: 100 steps; the length of the steps, along the gradient divided by its Euclidean norm,
/// falls along a cosine to a hundredth, gamma from 0.05 to 0.001; the start is the sample itself.
/// Different from it:
///
/// - the first step is how far away the sample's own linearisation has the boundary, not a constant
///   (with a wrong one the published attack fails on most of MNIST): nothing depends on the scale of data
///   or logits;
/// - the margin's gradient is that against a weighted mean of the other classes;
/// - in a box, steps, balls and distances to the boundary leave out coordinates that could only leave it, and
///   the projection is that on ball and box together;
/// - until the sample is fooled the ball reaches beyond the linearised boundary by a share gamma: a ball
///   that ends there closes in on the boundary from inside and may never cross it;
/// - the smallest perturbation that fooled is refined on the decision boundary.
public struct FastMinimumNorm: Attack {
  /// "fmn", the name in catalogue and results.
  public var name: String { "fmn" }
  /// True: it ignores the radii of balls.
  public var isMinimumNorm: Bool { true }

  /// Gradient steps, one pass each.
  public var steps: Int
  /// The share by which the ball changes, at the first and at the last step.
  public var gamma = (first: 0.05, last: 0.001)
  /// The first step in units of the Euclidean distance to the linearised boundary.
  public var firstStep = 1.0
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
    let cosines = (0..<steps).map { (1 + cos(.pi * Double($0) / Double(steps))) / 2 }
    let found = MinimumNormDescent(problem: problem, steps: steps, stream: stream).run(
      length: { C.Scalar(firstStep * (0.01 + 0.99 * cosines[$0])) },
      resize: { sample, iteration in
        let (first, last) = gamma
        let gamma = C.Scalar(last + (first - last) * cosines[iteration.step])
        if sample.margin < 0 {
          sample.radius = min(sample.radius * (1 - gamma), sample.best)
        } else if sample.best.isFinite {
          sample.radius *= 1 + gamma
        } else {
          sample.radius = (sample.size + iteration.distance) * (1 + gamma)
        }
        // The quotient is infinite, or no number, where the gradient is 0.
        if !(sample.radius <= sample.reach) { sample.radius = sample.reach }
      },
      shrink: { row, radius in row.project(radius) })
    if refinementSteps == 0 { return found }
    return BoundaryRefinement(problem: problem, steps: refinementSteps).refine(found)
  }
}
