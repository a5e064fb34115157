/// When the phases of training ended, in units of the flow's time.
package struct FlowPhases: Sendable, Equatable, Codable {
  /// What ended the alignment phase.
  package enum AlignmentEnd: String, Sendable, Codable {
    /// Some output reached a tenth of its final order 1, so that the samples' weights in the loss no
    /// longer are those of a silent network.
    case outputs
    /// Every living neuron points within 0.1 (as a sine) of the force on it.
    case directions
  }

  /// The size of an output that ends the alignment phase; outputs end up of order 1 for every loss.
  package static let alignedOutput = 0.1
  /// The sine between direction and force below which a neuron has settled.
  package static let settledTurning = 0.1
  /// The share of a silent network's loss that ends the fitting phase.
  package static let fittedLoss = 0.1

  /// The end of the alignment phase, once it is over.
  package var alignmentTime: Double?
  /// What ended it.
  package var alignmentEnd: AlignmentEnd?
  /// The end of the fitting phase: the loss is a tenth of a silent network's.
  package var fittingTime: Double?

  /// No phase has ended.
  package init() {}

  /// The name of the present phase: "alignment", "fitting" or "convergence".
  package var current: String { name(at: .infinity) }

  /// The name of the phase at a time that the flow has passed.
  package func name(at time: Double) -> String {
    if let fittingTime, time >= fittingTime { return "convergence" }
    if let alignmentTime, time >= alignmentTime { return "fitting" }
    return "alignment"
  }
}

/// How an integration of gradient flow ended.
public enum FlowEnding: String, Sendable, Codable, Equatable {
  /// The loss fell to the level asked for.
  case stopLoss = "loss reached"
  /// The end of time.
  case endTime = "time reached"
  /// The limit of steps.
  case tooManySteps = "too many steps"
  /// Steps became too small for the time to move: the flow is too stiff, or its solution ends here.
  case stepUnderflow = "step underflow"
  /// A coordinate became NaN or infinite.
  case nonFinite = "not finite"

  /// Whether the end is one that was asked for.
  public var isRegular: Bool { self == .stopLoss || self == .endTime }
}
