import LinearCore

/// What trees of lines ask of a problem.
extension DecisionProblem {
  /// At most the bias term minus the error that P - N may have, where ||x + d|| lies between two lengths.
  func constant(lengths: ClosedRange<Double>) -> Double {
    let extreme = bias > 0 ? lengths.lowerBound : lengths.upperBound
    let term = bias * Double.power(extreme, biasDegree)
    let error = error(farthest: lengths.upperBound)
    let result =
      term - (biasDegree + activation.exponent + 16) * 0x1p-48 * term.magnitude - error
      * (1 + 1e-12)
    return result.isNaN ? -.infinity : result
  }

  /// Whether the bias is multiplied by a power of ||x + d||.
  var biasHasLength: Bool { bias != 0 && biasDegree != 0 }

  /// Whether the left side is homogeneous in x + d.
  var isHomogeneous: Bool { bias == 0 && errorBound == 0 && !hasOffsets }

  /// Whether nothing but the neurons against the label can lose it.
  var isNonnegative: Bool { bias >= 0 && errorBound == 0 }

  /// By how much a pre-activation of the network may differ from that of the problem where ||x + d|| is at most `farthest`.
  func preActivationError(farthest: Double) -> Double {
    directionError * (farthest + largestOffset)
  }

  /// By how much b_j may differ from the network's.
  func weightError(_ j: Int) -> Double { weightErrors.isEmpty ? 0 : weightErrors[j] }

  /// The same problem with an error for every neuron, in the place of one for all of them.
  ///
  /// - Parameters:
  ///   - weightErrors: in the unit of ``weights``.
  ///   - errorBound: what is left, in the unit of ``weights``.
  func withErrors(directions: Double, weights: [Double], rest: Double) -> DecisionProblem {
    var result = self
    result.directionError = directions
    result.weightErrors = weights
    result.errorBound = rest
    return result
  }

  /// The same problem, with ties for the label or against it.
  func keepingTies(_ keepsTies: Bool) -> DecisionProblem {
    var result = self
    result.keepsTies = keepsTies
    return result
  }
}
