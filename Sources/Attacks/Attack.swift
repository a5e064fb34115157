import LinearCore
import Networks

/// An adversarial attack.
///
/// An attack only proposes perturbations. ``RobustnessEvaluation`` checks its arguments, projects what it
/// returns into the threat model, evaluates it anew and measures it, so a new attack is one file with
/// one method.
public protocol Attack: Sendable {
  /// The name on the command line and in results.
  var name: String { get }

  /// Whether the attack looks for the smallest perturbation by itself. The others search the ball they
  /// are given.
  var isMinimumNorm: Bool { get }

  /// Throws where the attack does not apply to a classifier of that many classes.
  func validate(classCount: Int) throws(AttackError)

  /// The norms it can measure perturbations in; all unless an attack says otherwise.
  var norms: [Norm] { get }

  /// Perturbations of every sample: (n, inputDimension).
  ///
  /// - Parameters:
  ///   - radii: the ball of each sample; a minimum-norm attack may ignore it. May be infinite for
  ///     minimum-norm attacks.
  ///   - stream: for all random choices.
  func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar>

  /// Whether it depends on gradients at the samples. One that does not is a check on those that do.
  var followsGradients: Bool { get }

  /// The same attack with twice the steps, for ``ReliabilityChecks``; nil where steps make no sense.
  func doubled() -> (any Attack)?
}

extension Attack {
  /// True unless an attack says otherwise.
  public var followsGradients: Bool { true }

  /// Nil, for attacks without steps.
  public func doubled() -> (any Attack)? { nil }

  /// Accepts any number of classes.
  public func validate(classCount: Int) throws(AttackError) {}

  /// Every norm, unless an attack says otherwise.
  public var norms: [Norm] { Norm.allCases }
}

/// An evaluation that cannot start: one line naming what was wrong.
public struct AttackError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One line for a person.
  public let description: String

  /// An error with a message.
  public init(_ description: String) { self.description = description }

  /// Whoever started the attack asked it to end.
  static let cancelled = AttackError("the attack was cancelled")
}
