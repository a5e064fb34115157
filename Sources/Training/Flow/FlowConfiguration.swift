import Foundation
import Integration
import Networks

/// Everything besides data and initial weights that determines an integration of gradient flow.
public struct FlowConfiguration: Sendable, Equatable, Codable {
  /// The scalar type of the products with the data; the state is always `Double`.
  public enum Precision: String, Sendable, Codable, CaseIterable {
    /// `float` where the tolerance is above what rounding in `Float` would disturb, otherwise `double`.
    case automatic
    /// Products in `Float`.
    case float
    /// Products in `Double`.
    case double
  }

  /// The loss whose mean over the samples is minimised.
  public var loss: Loss
  /// The name of the Runge-Kutta method; one of ``methods``.
  public var method: String
  /// The error allowed in a step: of every direction as a length, of every log ||w||, of every ratio
  /// v/||w|| and bias relative to 1 or its size, whichever is larger.
  public var tolerance: Double
  /// Steps of this length are accepted whatever their error; nil takes 0 for p >= 2 and
  /// ``smallestStep(exponent:samples:meanSquare:)`` below.
  ///
  /// For p < 2 the velocity of a direction is not a smooth function of it: at p = 1 it jumps where a sample
  /// becomes active, at 1 < p < 2 it is infinitely steep there. A sample of the other class pushes the neuron
  /// out as soon as it becomes active while the rest of the data push it in, so solutions (in the sense of
  /// Filippov) slide along such places, and no step meets any tolerance. A step h then errs by at most
  /// h times the jump, which one sample of n makes of order h/n; it does not add up, because the place it
  /// slides along attracts.
  public var smallestStep: Double?
  /// The scalar type of the products.
  public var precision: Precision
  /// The run ends at this time of the flow. Stochastic gradient descent reaches time t after
  /// t / learningRate steps.
  public var endTime: Double
  /// The run ends when the loss has fallen to this share of the loss of a network whose output is 0;
  /// nil goes on to ``endTime``.
  public var stopLoss: Double?
  /// The run ends after so many steps.
  public var maximumSteps: Int
  /// Whether output weights and biases keep their initial values.
  public var freezesOutput: Bool {
    get { frozenOutput ?? false }
    set { frozenOutput = newValue ? true : nil }
  }
  /// Nil for false, so that files of other runs stay as they are.
  private var frozenOutput: Bool?

  private enum CodingKeys: String, CodingKey {
    case loss, method, tolerance, smallestStep, precision, endTime, stopLoss, maximumSteps
    case frozenOutput = "freezesOutput"
  }

  /// The methods with an error estimate, by name.
  package static let methods: [String: RungeKuttaMethod] = [
    "dormand-prince": .dormandPrince54, "tsitouras": .tsitouras54,
    "bogacki-shampine": .bogackiShampine32,
  ]
  /// Below this tolerance the products are made in `Double`: `Float` rounds derivatives by about 1e-6,
  /// and a step passes a part of that on to the state.
  public static let smallestFloatTolerance = 1e-5

  /// A configuration; what is out of range is found when the flow starts.
  public init(
    loss: Loss = .exponential, method: String = "dormand-prince", tolerance: Double = 1e-5,
    smallestStep: Double? = nil, precision: Precision = .automatic, endTime: Double = 1e6,
    stopLoss: Double? = 0.01, maximumSteps: Int = 1_000_000, freezesOutput: Bool = false
  ) {
    self.loss = loss
    self.method = method
    self.tolerance = tolerance
    self.smallestStep = smallestStep
    self.precision = precision
    self.endTime = endTime
    self.stopLoss = stopLoss
    self.maximumSteps = maximumSteps
    self.freezesOutput = freezesOutput
  }

  /// The ``smallestStep`` in force. For p < 2 and nil: the step whose error of h/n is the tolerance, but at
  /// least 0.02, in units of the fastest growth of a weight, which is the length of a sample.
  func smallestStep(exponent: Double, samples: Int, meanSquare: Double) -> Double {
    if let smallestStep { return smallestStep }
    if exponent >= 2 || meanSquare == 0 { return 0 }
    return max(0.02, tolerance * Double(samples)) / meanSquare.squareRoot()
  }

  /// Whether the products are made in `Float`.
  public var usesFloat: Bool {
    precision == .float
      || (precision == .automatic && tolerance >= Self.smallestFloatTolerance)
  }

  /// - Throws: ``TrainingError`` naming the first setting out of range.
  public func validate() throws(TrainingError) {
    func check(_ ok: Bool, _ field: String, _ found: Any, _ expected: String) throws(TrainingError)
    {
      if !ok { throw .invalid(field: field, found: "\(found)", expected: expected) }
    }
    try check(
      Self.methods[method] != nil, "integrator", method,
      "one of \(Self.methods.keys.sorted().joined(separator: ", "))")
    try check(
      tolerance >= 1e-13 && tolerance <= 0.1, "tolerance", tolerance,
      "a number from 1e-13 to 0.1")
    if let smallestStep {
      try check(
        smallestStep >= 0 && smallestStep.isFinite, "smallest-step", smallestStep,
        "a number of at least 0")
    }
    try check(endTime > 0 && endTime.isFinite, "time", endTime, "a positive number")
    if let stopLoss {
      try check(stopLoss >= 0 && stopLoss < 1, "stop-loss", stopLoss, "a number in [0, 1)")
    }
    try check(maximumSteps >= 1, "maximum-steps", maximumSteps, "a whole number of at least 1")
  }
}
