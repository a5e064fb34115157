import BoundPropagation
import Datasets
import DeepNetworks
import Graphs
import LinearCore
import Networks
import Runs

extension BoundedNetwork {
  /// A classifier of any kind whose bounds are known.
  /// - Throws: `NetworkError` that names the layer or operator of which none are.
  package init(classifier: any Classifier<Float>) throws(NetworkError) {
    switch classifier {
    case let network as DeepNetwork<Float>: try self.init(network)
    case let network as GraphNetwork<Float>: try self.init(network.plan)
    case let network as PReLUNetwork<Float>: try self.init(network)
    case let network as any StandardizedNetwork:
      let base = try BoundedNetwork(classifier: network.standardizedBase)
      try self.init(
        standardizing: base, mean: network.mean, deviation: network.deviation)
    default: throw NetworkError("bounds of networks of this kind are not known")
    }
  }
}

/// A classifier of standardised inputs, whatever its base is.
private protocol StandardizedNetwork {
  var standardizedBase: any Classifier<Float> { get }
  var mean: [Double] { get }
  var deviation: [Double] { get }
}

extension StandardizedClassifier: StandardizedNetwork where Base.Scalar == Float {
  fileprivate var standardizedBase: any Classifier<Float> { base }
}

/// Names of what in a model cannot be bounded, before any data are read.
extension LoadedModel {
  /// - Throws: ``ExperimentError/usage(_:)`` where the network has parts of which no bounds are known.
  package func checkBounds(name: String) throws(ExperimentError) {
    guard let classifier = network.network as? any Classifier<Float> else {
      throw .usage("\(name): has weights that single precision does not hold")
    }
    do { _ = try BoundedNetwork(classifier: classifier) } catch {
      throw .usage("\(name): \(error.description)")
    }
  }
}

extension Dataset {
  /// What coordinates of valid inputs lie between, in the units of the inputs; nil without a box.
  package var boxBounds: (lower: [Double], upper: [Double])? {
    validInputs.map { box in
      let ranges = (0..<dimension).map { box.range(at: $0) }
      return (ranges.map { Double($0.lowerBound) }, ranges.map { Double($0.upperBound) })
    }
  }
}
