import Formats
import LinearCore

extension ModelFile {
  /// A network in the precision that holds it.
  package enum HeldNetwork: Sendable {
    /// Weights that single precision holds, as training leaves them.
    case single(PReLUNetwork<Float>)
    /// Weights that it does not hold, or not well enough to compute with: of extreme size.
    case double(PReLUNetwork<Double>)
  }

  /// Reads a network in the precision that holds it; see ``read(_:exponent:normalizeInput:as:)``.
  package static func readHeld(
    _ path: String, exponent: Double? = nil, normalizeInput: Bool? = nil
  ) throws(FormatError) -> HeldNetwork {
    let contents = try tensors(path)
    // Hyper-parameters are numbers without axes.
    let isWide = contents.tensors.values.contains { tensor in
      if case .float64 = tensor.elements { !tensor.shape.isEmpty } else { false }
    }
    if isWide {
      let network: PReLUNetwork<Double> = try network(
        in: contents, path: path, exponent: exponent, normalizeInput: normalizeInput)
      return held(network)
    }
    let network: PReLUNetwork<Float> = try network(
      in: contents, path: path, exponent: exponent, normalizeInput: normalizeInput)
    return network.suitsSinglePrecision
      ? .single(network) : .double(network.converted(to: Double.self))
  }

  /// A network of double precision, rounded where single precision holds it.
  package static func held(_ network: PReLUNetwork<Double>) -> HeldNetwork {
    network.suitsSinglePrecision ? .single(network.converted(to: Float.self)) : .double(network)
  }
}
