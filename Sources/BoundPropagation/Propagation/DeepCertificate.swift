import LinearCore

/// A certified radius of a network of any depth, with its proof: a binary tree of parts of the ball.
///
/// The root is the whole ball. A node that is split cuts its part in two by the pre-activation of one neuron. On
/// every part bounds are computed in stages, each with the bounds of the stage, and at first of the node, before it:
/// these hold on a larger part. The last stage of a leaf has to show that all margins are positive.
package struct DeepCertificate: Codable, Sendable, Equatable {
  /// The row of the data.
  package let index: Int
  /// The class of the sample in the data.
  package var label: Int
  /// The norm of ``lower``.
  package var norm: Norm
  /// No perturbation of at most this norm changes the class.
  package var lower: Double
  /// The tree in preorder.
  package var nodes: [Node]

  /// A part of the ball.
  package struct Node: Codable, Sendable, Equatable {
    package var stages: [Stage]
    /// Nil for a leaf; otherwise the node of the part below follows, then that of the part above.
    package var split: Split?
  }

  /// Where a part is cut.
  package struct Split: Codable, Sendable, Equatable {
    /// A node of the network that powers read, and one of its numbers.
    package var node: Int
    package var neuron: Int
    /// The pre-activation, measured from its value at the sample as computed.
    package var threshold: Double
  }

  /// One evaluation of bounds.
  package struct Stage: Codable, Sendable, Equatable {
    /// Of the ball; nil for a box alone.
    package var radius: Double?
    /// The slopes and multipliers chosen; what is not there follows the rule of ``SlopeRule``.
    package var choices: [Choice]
  }

  /// What was chosen for the passes from one node.
  package struct Choice: Codable, Sendable, Equatable {
    /// The node whose numbers are bounded; that of the outputs stands for the margins.
    package var target: Int
    /// The slopes of lines below, for rows of ``rows`` and numbers of ``columns`` of a power node.
    package var slopes: [Slopes]
    /// beta, a row for every row and a number for every half-space; empty where all are 0.
    package var multipliers: [[Double]]
    /// The rows that they are for.
    package var rows: [Int]
  }

  /// Slopes of one power node.
  package struct Slopes: Codable, Sendable, Equatable {
    package var node: Int
    package var columns: [Int]
    /// A list for every row of the choice.
    package var values: [[Double]]
  }
}

/// Why a certificate is refused.
package enum DeepCertificateError: Error, CustomStringConvertible, Equatable {
  case malformed(String)
  case unproved(radius: Double)

  package var description: String {
    switch self {
    case .malformed(let reason): "is no proof: \(reason)"
    case .unproved(let radius): "does not prove its radius \(radius)"
    }
  }
}
