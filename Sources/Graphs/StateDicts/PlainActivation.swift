import Networks

/// What stands between the layers of a state dict, which does not say it.
package enum PlainActivation: Sendable, Equatable, CustomStringConvertible {
  case relu
  case tanh
  /// relu(<w, x>)^p / ||w||^(p-1).
  case prelu(Double)

  /// What text has to be.
  package static let expectation = "relu, tanh or prelu:P with \(Degree.expectation)"

  /// From `relu`, `tanh` or `prelu:3`; nil for anything else.
  package init?(_ text: String) {
    switch text {
    case "relu": self = .relu
    case "tanh": self = .tanh
    default:
      guard text.hasPrefix("prelu:"), let p = Double(text.dropFirst(6)), Degree.allowed.contains(p)
      else { return nil }
      self = .prelu(p)
    }
  }

  /// As ``init(_:)`` takes it.
  package var description: String {
    switch self {
    case .relu: "relu"
    case .tanh: "tanh"
    case .prelu(let p): "prelu:\(p)"
    }
  }
}
