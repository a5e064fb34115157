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
  /// A network with random weights.
  ///
  /// - Parameter stream: the hidden and the output weights are drawn from its children "hidden" and
  ///   "output", in the order of the neurons.
  /// - Throws: ``NetworkError`` for sizes or an exponent that make no network.
  public init(
    inputDimension: Int, hiddenWidth: Int, outputCount: Int, exponent: Double,
    initialization: Initialization, bias: Bool = false, center: [Scalar]? = nil,
    normalizeInput: Bool = false, stream: RandomStream
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
    let hidden: Matrix<Scalar>
    let output: Matrix<Scalar>
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
    }
    try self.init(
      exponent: exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: bias ? biases : nil, center: center, normalizeInput: normalizeInput)
  }
}
