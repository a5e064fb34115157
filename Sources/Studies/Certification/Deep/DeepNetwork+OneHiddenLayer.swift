import Certification
import Datasets
import DeepNetworks
import LinearCore
import Networks

extension DeepNetwork<Float> {
  /// The same function as a network of one hidden layer; nil where it is none: dense pReLU neurons, behind nothing but a
  /// subtraction, and a linear head.
  package var oneHiddenLayer: PReLUNetwork<Float>? {
    var layers = architecture.layers.layers[...]
    var center: [Float]?
    if let first = layers.first as? Standardization {
      let means = first.means.map { Float($0) }
      guard means.count == architecture.inputShape.count, first.deviations.allSatisfy({ $0 == 1 }),
        zip(means, first.means).allSatisfy({ Double($0) == $1 })
      else { return nil }
      center = means
      layers = layers.dropFirst()
    }
    guard layers.count == 2, let hidden = layers.first as? DensePReLU,
      let head = layers.last as? LinearHead
    else { return nil }
    return try? PReLUNetwork(
      exponent: hidden.exponent, hiddenWeights: parameters[0], outputWeights: parameters[1],
      outputBias: head.hasBias ? parameters[2].elements : nil, center: center,
      normalizeInput: hidden.normalizesInput)
  }

  /// What proves radii of a network of one hidden layer; nil for other networks, and in l1.
  func shallowCertifier(norm: Norm, box: InputBox<Float>?, budget: SearchBudget)
    -> (any SampleCertifier<Float>)?
  {
    guard let network = oneHiddenLayer else { return nil }
    switch norm {
    case .l2: return try? RadiusCertifier(network, budget: budget, box: box)
    case .linf: return try? MaximumNormCertifier(network, budget: budget, box: box)
    case .l1: return nil
    }
  }
}
