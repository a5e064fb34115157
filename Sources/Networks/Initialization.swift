import Foundation
import LinearCore

/// How initial weights are drawn.
public enum Initialization: Sendable, Equatable, Codable {
  /// Every weight from N(0, scale^2); biases 0. The theory's small initialisation has scale 1e-7.
  case gaussian(scale: Double)
  /// As the paper's MNIST experiments: hidden weights as PyTorch's `kaiming_uniform_(W, a=0)` for W of
  /// shape (input, hidden), that is uniform with bound sqrt(6 / hiddenWidth); output weights and biases
  /// as PyTorch's `Linear`, uniform with bound 1 / sqrt(hiddenWidth).
  case kaiming
}

extension PReLUNetwork {
  /// Constant output weights, (outputCount, hiddenWidth): of one output +1/hiddenWidth and -1/hiddenWidth in turn, so
  /// that both signs are equally frequent (of an odd number of neurons there is one more for the positive class); of
  /// several outputs 1/hiddenWidth for the class j mod outputs of neuron j, and 0 for others.
  static func constantOutputWeights(outputCount: Int, hiddenWidth: Int) -> Matrix<Scalar> {
    var result = Matrix<Scalar>(rows: outputCount, columns: hiddenWidth)
    let size = 1 / Scalar(hiddenWidth)
    for j in 0..<hiddenWidth {
      if outputCount == 1 {
        result[0, j] = j % 2 == 0 ? size : -size
      } else {
        result[j % outputCount, j] = size
      }
    }
    return result
  }

  /// A network with random weights.
  ///
  /// Hidden biases are drawn from N(0, scale^2), or, with Kaiming's initialisation, as PyTorch's `Linear` does:
  /// uniform with bound 1 / sqrt(inputDimension).
  ///
  /// - Parameters:
  ///   - hasConstantOutput: whether output weights are ±1/hiddenWidth, both signs equally frequent, or with several
  ///     outputs 1/hiddenWidth for one class a neuron; biases of outputs are 0 then.
  ///   - stream: the hidden weights, the output weights and the hidden biases are drawn from its
  ///     children "hidden", "output" and "hidden bias", in the order of the neurons.
  /// - Throws: ``NetworkError`` for sizes or an exponent that make no network.
  public init(
    inputDimension: Int, hiddenWidth: Int, outputCount: Int, exponent: Double,
    initialization: Initialization, bias: Bool = false, center: [Scalar]? = nil,
    normalizeInput: Bool = false, hasHiddenBias: Bool = false,
    hasConstantOutput: Bool = false, stream: RandomStream
  ) throws(NetworkError) {
    guard inputDimension > 0, hiddenWidth > 0, outputCount > 0 else {
      throw NetworkError("a network needs at least one input, one hidden neuron and one output")
    }
    try Degree.check(exponent)
    guard
      Self.isAllowed(
        inputDimension: inputDimension, hiddenWidth: hiddenWidth, outputCount: outputCount)
    else {
      throw NetworkError(
        "\(hiddenWidth) hidden neurons of \(inputDimension) inputs and \(outputCount) outputs have more "
          + "than the \(Self.maximumWeightCount) weights that are allowed")
    }
    if hasConstantOutput, outputCount > hiddenWidth {
      throw NetworkError(
        "\(hiddenWidth) hidden neurons for \(outputCount) outputs; constant output weights need a neuron an "
          + "output")
    }
    var hidden: Matrix<Scalar>
    var output: Matrix<Scalar>
    let hiddenBiases: Matrix<Scalar>?
    let biasStream = stream.child("hidden bias")
    var biases = [Scalar](repeating: 0, count: outputCount)
    switch initialization {
    case .gaussian(let scale):
      guard scale > 0, scale.isFinite, Scalar(scale) * Scalar(scale) > 0 else {
        throw NetworkError(
          "the initialisation scale is \(scale); \(Scalar.self) weights need one whose square is a "
            + "positive number")
      }
      hidden = .gaussian(
        rows: hiddenWidth, columns: inputDimension, standardDeviation: scale,
        stream: stream.child("hidden"))
      output = .gaussian(
        rows: outputCount, columns: hiddenWidth, standardDeviation: scale,
        stream: stream.child("output"))
      hiddenBiases =
        hasHiddenBias
        ? .gaussian(rows: 1, columns: hiddenWidth, standardDeviation: scale, stream: biasStream)
        : nil
    case .kaiming:
      hidden = .uniform(
        rows: hiddenWidth, columns: inputDimension, bound: (6 / Double(hiddenWidth)).squareRoot(),
        stream: stream.child("hidden"))
      let bound = 1 / Double(hiddenWidth).squareRoot()
      output = .uniform(
        rows: outputCount, columns: hiddenWidth, bound: bound, stream: stream.child("output"))
      biases =
        Matrix<Scalar>.uniform(
          rows: 1, columns: outputCount, bound: bound, stream: stream.child("bias")
        ).elements
      hiddenBiases =
        hasHiddenBias
        ? .uniform(
          rows: 1, columns: hiddenWidth, bound: 1 / Double(inputDimension).squareRoot(),
          stream: biasStream)
        : nil
    }
    if let hiddenBiases { hidden = hidden.appendingColumn(hiddenBiases.elements) }
    if hasConstantOutput {
      output = Self.constantOutputWeights(outputCount: outputCount, hiddenWidth: hiddenWidth)
      biases = [Scalar](repeating: 0, count: outputCount)
    }
    try self.init(
      exponent: exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: bias ? biases : nil, center: center, normalizeInput: normalizeInput,
      hasHiddenBias: hasHiddenBias)
  }
}
