import LinearCore
import Networks

/// One step of a deep network: what it does to a batch, and how derivatives go back through it.
///
/// A layer is a value that describes the step and holds no numbers that are trained; these belong to the
/// ``DeepNetwork`` and are handed in. It is stored as its JSON. To add one: a file with a type that
/// conforms to this protocol, and its place in ``LayerCatalog/standard``.
///
/// Layers treat every sample by itself, and are called for blocks of samples on several threads, so they
/// run on the calling thread only.
public protocol Layer: Codable, Sendable, Equatable {
  /// What files call layers of this type.
  static var kind: String { get }

  /// The shape of a sample behind the layer.
  ///
  /// - Parameter input: the shape of a sample before it.
  /// - Throws: `NetworkError` where the layer cannot take such samples, or a setting makes no sense.
  func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape

  /// The trained tensors, for an input shape that ``outputShape(for:)`` accepts. None by default.
  func parameters(for input: FeatureShape) -> [ParameterDescription]

  /// Takes a batch through the layer.
  ///
  /// - Parameters:
  ///   - inputs: (n, input.count).
  ///   - input: the shape of a sample.
  ///   - parameters: as described by ``parameters(for:)``.
  ///   - mode: whether the network is being trained.
  /// - Returns: the outputs, (n, output.count), and the way back.
  func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar>

  /// Writes the layer as it is evaluated in operators of the ONNX standard. By default it has none, and
  /// networks with it are not exported.
  ///
  /// - Parameters:
  ///   - graph: gets the operators and constants appended.
  ///   - value: the name of a batch before the layer, (n, input.count).
  ///   - input: the shape of a sample.
  ///   - parameters: as described by ``parameters(for:)``.
  /// - Returns: the name of the batch behind it, (n, output.count).
  /// - Throws: `NetworkError` saying why it cannot be written.
  func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) throws(NetworkError) -> String
}

extension Layer {
  /// Empty, for layers without trained tensors.
  public func parameters(for input: FeatureShape) -> [ParameterDescription] { [] }

  /// Throws: networks with such a layer are not exported.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) throws(NetworkError) -> String {
    throw NetworkError("does not say how it is written in ONNX operators")
  }
}

/// A trained tensor of a layer: its name, its shape, and how training starts.
public struct ParameterDescription: Sendable, Equatable {
  /// Where the values come from.
  public enum Initialization: Sendable, Equatable {
    /// All the same number.
    case constant(Double)
    /// Independent and uniform in +-bound.
    case uniform(bound: Double)
  }

  /// The name within the layer.
  public let name: String
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// How the values are drawn before training.
  public let initialization: Initialization

  /// The description of a tensor of shape (rows, columns).
  public init(name: String, rows: Int, columns: Int, initialization: Initialization) {
    self.name = name
    self.rows = rows
    self.columns = columns
    self.initialization = initialization
  }
}

/// What a pass through a network is for.
public enum PassMode: Sendable {
  /// Outputs of the finished network.
  case evaluation
  /// A step of training, with the stream from which the layer may draw for this block of samples.
  case training(RandomStream)

  /// The mode of a part of a network, with a stream of its own.
  func child(_ name: String, _ index: Int) -> PassMode {
    switch self {
    case .evaluation: .evaluation
    case .training(let stream): .training(stream.child(name, index))
    }
  }
}

/// Which derivatives a backward pass is asked for. What is not asked for need not be computed.
package struct GradientRequest: OptionSet, Sendable {
  /// One bit a kind of derivative.
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// With respect to the inputs.
  package static let inputs = GradientRequest(rawValue: 1)
  /// With respect to the trained tensors.
  package static let parameters = GradientRequest(rawValue: 2)
}

/// A batch that has gone through a layer.
public struct LayerPass<Scalar: LinearScalar> {
  /// Derivatives of a weighted sum of outputs.
  public struct Gradient {
    /// With respect to the inputs, (n, input.count); nil unless asked for.
    public let inputs: Matrix<Scalar>?
    /// With respect to the trained tensors, summed over the batch; empty unless asked for.
    public let parameters: [Matrix<Scalar>]

    /// Derivatives of the shapes of inputs and trained tensors.
    public init(inputs: Matrix<Scalar>?, parameters: [Matrix<Scalar>] = []) {
      self.inputs = inputs
      self.parameters = parameters
    }
  }

  /// The batch behind the layer: (n, output.count).
  public let outputs: Matrix<Scalar>
  /// From the derivatives with respect to the outputs, (n, output.count), to those with respect to
  /// inputs and trained tensors.
  package let backward: (_ cotangent: Matrix<Scalar>, _ request: GradientRequest) -> Gradient

  package init(
    outputs: Matrix<Scalar>,
    backward: @escaping (_ cotangent: Matrix<Scalar>, _ request: GradientRequest) -> Gradient
  ) {
    self.outputs = outputs
    self.backward = backward
  }
}
