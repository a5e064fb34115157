import LinearCore

extension PReLUNetwork {
  /// The same network with its neurons in another order: neuron j of the result is `order[j]`.
  ///
  /// - Parameter order: each neuron once.
  public func reordered(_ order: [Int]) -> PReLUNetwork {
    precondition(order.count == hiddenWidth, "an order names each neuron once")
    var result = self
    result.hiddenWeights = hiddenWeights.rows(at: order)
    for c in 0..<outputCount {
      for (position, neuron) in order.enumerated() {
        result.outputWeights[c, position] = outputWeights[c, neuron]
      }
    }
    return result
  }

  /// The neurons of positive first output weight, then the others; both in their present order.
  public var neuronsBySign: [Int] {
    let isPositive = { outputWeights[0, $0] > 0 }
    return (0..<hiddenWidth).filter(isPositive) + (0..<hiddenWidth).filter { !isPositive($0) }
  }
}

/// The order that undoes `order`.
package func inverse(ofOrder order: [Int]) -> [Int] {
  var result = order
  for (position, element) in order.enumerated() { result[element] = position }
  return result
}
