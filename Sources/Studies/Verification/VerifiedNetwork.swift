import BoundPropagation
import Formats
import Graphs
import LinearCore
import Networks
import Runs

/// A network of which a property is verified, in both precisions.
package struct VerifiedNetwork: Sendable {
  let single: any Classifier<Float>
  let double: any Classifier<Double>
  /// What proofs are about; the reason where no bounds are known.
  let bounded: Result<BoundedNetwork, NetworkError>

  package init(single: any Classifier<Float>, double: any Classifier<Double>) {
    (self.single, self.double) = (single, double)
    do throws(NetworkError) {
      bounded = .success(try BoundedNetwork(classifier: single))
    } catch {
      bounded = .failure(error)
    }
  }

  /// The network of a model file.
  ///
  /// - Parameter name: what errors call it.
  /// - Throws: ``ExperimentError/usage(_:)`` for a network whose outputs are not those of its file, or that does not fit
  ///   the property.
  package init(_ model: LoadedModel, name: String, for property: VNNLIBProperty, path: String)
    throws(ExperimentError)
  {
    if let graph = model.network.graph, graph.plan.leavesOutLastStep {
      throw .usage(
        "\(name): \(graph.plan.notes.joined(separator: "; ")); expected a network that ends in the outputs of the property"
      )
    }
    guard let single = model.network.network as? any Classifier<Float>,
      let double = single.inDoublePrecision
    else { throw .usage("\(name): has weights that single precision does not hold") }
    guard property.inputCount == single.inputDimension else {
      throw .usage(
        "\(path): declares \(property.inputCount) inputs X, expected \(single.inputDimension) as \(name) takes"
      )
    }
    guard property.outputCount == single.outputCount else {
      throw .usage(
        "\(path): declares \(property.outputCount) outputs Y, expected \(single.outputCount) as \(name) has"
      )
    }
    self.init(single: single, double: double)
  }

  func outputs(_ input: [Double]) -> [Double] { double.logits(Matrix([input])).row(0) }

  func singleOutputs(_ input: [Double]) -> [Double] {
    single.logits(Matrix([input.map { Float($0) }])).row(0).map { Double($0) }
  }
}

/// An input that violates a property in double and in single precision.
package struct Counterexample: Sendable, Equatable {
  /// Numbers of single precision wherever the box has any.
  package let input: [Double]
  /// In double precision.
  package let outputs: [Double]

  /// The point moved to numbers of single precision in the box, or as it is; nil where neither violates the property.
  init?(
    near point: [Double], of network: VerifiedNetwork, property: VNNLIBProperty,
    box: VNNLIBProperty.Case
  ) {
    for candidate in [Self.rounded(point, in: box), point] {
      guard box.holds(candidate) else { continue }
      let outputs = network.outputs(candidate)
      if property.isViolated(input: candidate, outputs: outputs),
        property.isViolated(input: candidate, outputs: network.singleOutputs(candidate))
      {
        (input, self.outputs) = (candidate, outputs)
        return
      }
    }
    return nil
  }

  /// The nearest numbers of single precision in the box.
  private static func rounded(_ point: [Double], in box: VNNLIBProperty.Case) -> [Double] {
    point.indices.map { i in
      let near = Float(point[i])
      let values = [near, near.nextDown, near.nextUp].map { Double($0) }
      return values.first {
        $0 >= box.lower[i] && $0 <= box.upper[i]
          && !($0 == box.lower[i] && box.openBelow.contains(i))
          && !($0 == box.upper[i] && box.openAbove.contains(i))
      } ?? point[i]
    }
  }

  /// The format of the verification competition: ((X_0 v) ... (Y_0 v) ...).
  package var text: String {
    let pairs =
      input.enumerated().map { "(X_\($0) \(Self.decimal($1)))" }
      + outputs.enumerated().map { "(Y_\($0) \(Self.decimal($1)))" }
    return "(" + pairs.joined(separator: "\n ") + ")\n"
  }

  private static func decimal(_ value: Double) -> String { "\(value)" }
}
