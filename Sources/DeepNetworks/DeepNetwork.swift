import LinearCore
import Networks

/// A network of layers one after the other.
///
/// One output means two classes: class 1 is predicted where it is positive. Several outputs are logits.
public struct DeepNetwork<Scalar: LinearScalar>: Sendable, Equatable {
  /// The layers with their settings, and the shape of inputs.
  public let architecture: Architecture
  /// The trained tensors, in the order and the shapes of `architecture.parameters`.
  public var parameters: [Matrix<Scalar>]

  /// A network from its trained tensors.
  /// - Throws: `NetworkError` when shapes do not fit or a number is not finite.
  public init(architecture: Architecture, parameters: [Matrix<Scalar>]) throws(NetworkError) {
    let descriptions = architecture.parameters
    guard parameters.count == descriptions.count else {
      throw NetworkError(
        "\(parameters.count) tensors for a network that has \(descriptions.count)")
    }
    for (tensor, description) in zip(parameters, descriptions) {
      guard tensor.rows == description.rows, tensor.columns == description.columns else {
        throw NetworkError(
          "tensor '\(description.name)' has shape [\(tensor.rows), \(tensor.columns)], expected "
            + "[\(description.rows), \(description.columns)]")
      }
      guard tensor.isFinite() else {
        throw NetworkError("tensor '\(description.name)' holds NaN or infinity")
      }
    }
    self.architecture = architecture
    self.parameters = parameters
  }

  /// A network with random weights.
  ///
  /// - Parameters:
  ///   - scale: multiplies all random numbers: 1 is the standard initialisation of every layer, less a
  ///     small one. Gains and shifts that start from fixed numbers stay.
  ///   - stream: a tensor is drawn from the child with its name.
  /// - Throws: `NetworkError` for a scale that is not positive and finite.
  public init(architecture: Architecture, scale: Double = 1, stream: RandomStream)
    throws(NetworkError)
  {
    guard scale > 0, scale.isFinite, Scalar(scale) * Scalar(scale) > 0 else {
      throw NetworkError(
        "the initialisation scale is \(scale); \(Scalar.self) weights need one whose square is a "
          + "positive number")
    }
    try self.init(
      architecture: architecture,
      parameters: architecture.parameters.map { tensor in
        switch tensor.initialization {
        case .constant(let value):
          Matrix(
            rows: tensor.rows, columns: tensor.columns,
            elements: [Scalar](repeating: Scalar(value), count: tensor.rows * tensor.columns))
        case .uniform(let bound):
          .uniform(
            rows: tensor.rows, columns: tensor.columns, bound: scale * bound,
            stream: stream.child(tensor.name))
        }
      })
  }

  /// The same network with another scalar type.
  /// - Precondition: the weights are finite in that type.
  public func converted<Other: LinearScalar>(to _: Other.Type = Other.self) -> DeepNetwork<Other> {
    DeepNetwork<Other>(
      accepted: architecture, parameters: parameters.map { $0.converted() })
  }

  /// A network of tensors that have been in a network of this architecture, or of one that it is the start of.
  /// - Precondition: the tensors fit and are finite.
  init(accepted architecture: Architecture, parameters: [Matrix<Scalar>]) {
    do throws(NetworkError) {
      try self.init(architecture: architecture, parameters: parameters)
    } catch {
      preconditionFailure("tensors that do not fit: \(error)")
    }
  }
}
