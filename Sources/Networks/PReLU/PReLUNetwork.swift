import LinearCore

/// A network with one hidden layer of polynomial ReLU (pReLU) neurons,
///
///     f(x) = V h(x) + bias,   h_j(x) = relu(<w_j, x - center>)^p / ||w_j||^(p-1),
///
/// after Min and Vidal, *Can Implicit Bias Imply Adversarial Robustness?*, ICML 2024. p = 1 is the
/// plain ReLU network. With ``normalizeInput`` the hidden features are divided by
/// ||x - center||^(p-1) as well, so that f is homogeneous of degree 1 in x - center for every p.
///
/// With hidden biases every neuron has one number b_j more. It is the weight of one more coordinate of the
/// input, which is constantly 1:
///
///     h_j(x) = relu(<w_j, x - center> + b_j)^p / ||(w_j, b_j)||^(p-1),
///
/// so that f stays homogeneous in the weights of every neuron. Input normalisation would have to scale that
/// coordinate as well, and excludes them.
///
/// A neuron with w_j = 0 contributes 0 and has gradient 0. At <w_j, x> = 0 and p = 1 the subgradient is
/// 0. One output means two classes: class 1 is predicted where f > 0. Several outputs are logits.
public struct PReLUNetwork<Scalar: LinearScalar>: Sendable, Equatable {
  /// The degree p of the activation; any real number in ``Degree/allowed``.
  public let exponent: Double
  /// Whether hidden features are divided by ||x - center||^(p-1).
  public let normalizeInput: Bool
  /// Subtracted from every input; `inputDimension` numbers, or nil for no shift.
  public let center: [Scalar]?
  /// w_1 ... w_h as rows: (hiddenWidth, inputDimension); with hidden biases the rows (w_j, b_j), one column
  /// more.
  public var hiddenWeights: Matrix<Scalar>
  /// Whether the last column of ``hiddenWeights`` holds biases.
  public let hasHiddenBias: Bool
  /// V: (outputCount, hiddenWidth).
  public var outputWeights: Matrix<Scalar>
  /// Added to the logits; `outputCount` numbers, or nil.
  public var outputBias: [Scalar]?

  /// The number of input coordinates.
  public var inputDimension: Int { hiddenWeights.columns - (hasHiddenBias ? 1 : 0) }
  /// The number of hidden neurons.
  public var hiddenWidth: Int { hiddenWeights.rows }
  /// The number of outputs: 1 for two classes, otherwise one logit a class.
  public var outputCount: Int { outputWeights.rows }

  /// A network from its weights.
  ///
  /// - Parameter hasHiddenBias: whether the last column of `hiddenWeights` holds hidden biases.
  /// - Throws: ``NetworkError`` when shapes do not fit together, p is out of range, or a number is not finite.
  public init(
    exponent: Double, hiddenWeights: Matrix<Scalar>, outputWeights: Matrix<Scalar>,
    outputBias: [Scalar]? = nil, center: [Scalar]? = nil, normalizeInput: Bool = false,
    hasHiddenBias: Bool = false
  ) throws(NetworkError) {
    try Degree.check(exponent)
    let inputDimension = hiddenWeights.columns - (hasHiddenBias ? 1 : 0)
    guard hiddenWeights.rows > 0, inputDimension > 0, outputWeights.rows > 0 else {
      throw NetworkError("a network needs at least one input, one hidden neuron and one output")
    }
    guard outputWeights.columns == hiddenWeights.rows else {
      throw NetworkError(
        "the output layer reads \(outputWeights.columns) neurons, "
          + "the hidden layer has \(hiddenWeights.rows)")
    }
    if let outputBias, outputBias.count != outputWeights.rows {
      throw NetworkError(
        "\(outputBias.count) output biases for \(outputWeights.rows) outputs")
    }
    if let center, center.count != inputDimension {
      throw NetworkError(
        "the center has \(center.count) coordinates, inputs have \(inputDimension)")
    }
    if hasHiddenBias && normalizeInput {
      throw NetworkError(
        "hidden biases and input normalisation exclude each other: expected one of the two")
    }
    guard hiddenWeights.isFinite(), outputWeights.isFinite(),
      (outputBias ?? []).allSatisfy(\.isFinite), (center ?? []).allSatisfy(\.isFinite)
    else { throw NetworkError("a weight is NaN or infinite") }
    self.exponent = exponent
    self.normalizeInput = normalizeInput
    self.center = center
    self.hiddenWeights = hiddenWeights
    self.hasHiddenBias = hasHiddenBias
    self.outputWeights = outputWeights
    self.outputBias = outputBias
  }

  /// The same network with another scalar type.
  /// - Precondition: the weights are finite in that type.
  public func converted<Other: LinearScalar>(to _: Other.Type) -> PReLUNetwork<Other> {
    PReLUNetwork<Other>(
      fitting: exponent, hiddenWeights: hiddenWeights.converted(),
      outputWeights: outputWeights.converted(), outputBias: outputBias?.map { Other($0) },
      center: center?.map { Other($0) }, normalizeInput: normalizeInput,
      hasHiddenBias: hasHiddenBias)
  }

  /// A network from weights that are known to make one.
  /// - Precondition: the other initialiser would not throw.
  package init(
    fitting exponent: Double, hiddenWeights: Matrix<Scalar>, outputWeights: Matrix<Scalar>,
    outputBias: [Scalar]? = nil, center: [Scalar]? = nil, normalizeInput: Bool = false,
    hasHiddenBias: Bool = false
  ) {
    do throws(NetworkError) {
      try self.init(
        exponent: exponent, hiddenWeights: hiddenWeights, outputWeights: outputWeights,
        outputBias: outputBias, center: center, normalizeInput: normalizeInput,
        hasHiddenBias: hasHiddenBias)
    } catch {
      preconditionFailure("weights that make no network: \(error)")
    }
  }
}

extension PReLUNetwork {
  /// The most weights of a network: 1 GiB in single precision, what model files may hold.
  public static var maximumWeightCount: Int { 1 << 28 }

  /// Whether a network of these sizes, all at least 1, has at most ``maximumWeightCount`` weights.
  public static func isAllowed(inputDimension: Int, hiddenWidth: Int, outputCount: Int) -> Bool {
    let (ends, overflow) = inputDimension.addingReportingOverflow(outputCount)
    return !overflow && ends <= maximumWeightCount / hiddenWidth
  }
}

/// A network that cannot be built: one line saying what was found and what was expected.
public struct NetworkError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One line for a person.
  public let description: String

  /// An error with a message.
  public init(_ description: String) { self.description = description }
}
