import Formats
import LinearCore
import Networks

/// Classifiers in ONNX files.
///
/// A graph is understood as what it makes of one sample: the first axis of its input is the batch where it
/// varies or has the extent 1, and every shape in the file is taken for a batch of one. So a file with a
/// fixed batch of 1 takes any number of samples. Source: onnx/onnx, `docs/Operators.md`.
package enum ONNXGraphFile {
  /// The versions of the standard that are read.
  package static let versions = 7...21

  /// The operators that are read.
  static let operators: [String: ONNXOperator.Meaning] = [
    ONNXElementwise.operators, ONNXProducts.operators, ONNXWindows.operators,
    ONNXNormalizations.operators, ONNXShapes.operators, ONNXSelections.operators,
    ONNXConstants.operators,
  ].reduce([:]) { $0.merging($1) { first, _ in first } }

  /// Reads the file `path`.
  /// - Throws: `FormatError` in one line, which names the operator that is not supported.
  package static func read(_ path: String) throws(FormatError) -> GraphPlan {
    try plan(of: ONNXModel(path: path), path: path)
  }

  /// The graph that a file describes; errors name `path`.
  package static func plan(of model: ONNXModel, path: String) throws(FormatError) -> GraphPlan {
    do throws(NetworkError) {
      var plan = try ONNXImport(model).plan()
      plan.metadata = model.metadata
      return plan
    } catch {
      throw FormatError(path: path, error.description)
    }
  }
}

/// One file on its way to a graph.
private struct ONNXImport {
  let model: ONNXModel
  let version: Int
  let input: ONNXModel.Port
  let output: ONNXModel.Port

  init(_ model: ONNXModel) throws(NetworkError) {
    guard let version = model.operatorSets[""] else {
      throw NetworkError("does not say the version of its operators")
    }
    guard ONNXGraphFile.versions.contains(version) else {
      throw NetworkError(
        "has operators of version \(version); expected \(ONNXGraphFile.versions.lowerBound) to "
          + "\(ONNXGraphFile.versions.upperBound)")
    }
    func names(_ ports: [ONNXModel.Port]) -> String {
      ports.isEmpty
        ? "" : ": " + ports.prefix(8).map { "'\($0.name.shortened)'" }.joined(separator: ", ")
    }
    guard model.inputs.count == 1 else {
      throw NetworkError("has \(model.inputs.count) inputs\(names(model.inputs)); expected one")
    }
    guard model.outputs.count == 1 else {
      throw NetworkError("has \(model.outputs.count) outputs\(names(model.outputs)); expected one")
    }
    self.model = model
    self.version = version
    (input, output) = (model.inputs[0], model.outputs[0])
  }

  /// The shape of one sample, and the fixed batch of the file where it is not 1.
  private func sampleShape() throws(NetworkError) -> (shape: [Int], fixedBatch: Int?) {
    guard let extents = input.extents else {
      throw NetworkError("does not say the shape of its input '\(input.name.shortened)'")
    }
    for (axis, extent) in extents.enumerated() where axis > 0 && (extent ?? 0) <= 0 {
      throw NetworkError(
        "axis \(axis) of its input '\(input.name.shortened)' has no fixed extent; expected only the first "
          + "axis, the batch, to vary")
    }
    guard let first = extents.first else {
      throw NetworkError("its input '\(input.name.shortened)' is a single number")
    }
    let rest = extents.dropFirst().compactMap { $0 }
    guard let batch = first, batch > 0 else {
      guard !rest.isEmpty else {
        throw NetworkError(
          "its input '\(input.name.shortened)' has one axis, which varies; expected a batch of samples"
        )
      }
      return ([1] + rest, nil)
    }
    // A first axis that the output has as well is the batch; otherwise it belongs to the sample.
    let isBatch =
      batch > 1 && !rest.isEmpty && output.extents?.count ?? 0 > 1
      && output.extents?.first == batch
    return isBatch ? ([1] + rest, batch) : ([batch] + rest, nil)
  }

  func plan() throws(NetworkError) -> GraphPlan {
    let (shape, fixedBatch) = try sampleShape()
    var graph: GraphBuilder
    do throws(NetworkError) {
      graph = try GraphBuilder(inputShape: shape)
    } catch {
      throw NetworkError("its input '\(input.name.shortened)': \(error.description)")
    }
    graph.fixedBatch = fixedBatch
    var values: [String: GraphBuilder.Value] = [input.name: graph.input]
    for (name, tensor) in model.constants { values[name] = .constant(tensor) }
    for node in try sorted() { try add(node, to: &graph, &values) }
    guard let result = values[output.name] else {
      throw NetworkError("its output '\(output.name.shortened)' is made by no operator")
    }
    do throws(NetworkError) { return try graph.plan(output: result) } catch {
      throw NetworkError("its output '\(output.name.shortened)': \(error.description)")
    }
  }

  private func add(
    _ node: ONNXModel.Node, to graph: inout GraphBuilder,
    _ values: inout [String: GraphBuilder.Value]
  ) throws(NetworkError) {
    let place = "\(node.operation.shortened) '\(node.shownName)'"
    guard node.domain.isEmpty, let meaning = ONNXGraphFile.operators[node.operation] else {
      let domain = node.domain.isEmpty ? "" : " of '\(node.domain.shortened)'"
      throw NetworkError("has the operator \(place)\(domain), which is not supported")
    }
    var inputs: [GraphBuilder.Value?] = []
    for name in node.inputs {
      if !name.isEmpty, values[name] == nil {
        throw NetworkError("\(place) reads '\(name.shortened)', which nothing makes")
      }
      inputs.append(name.isEmpty ? nil : values[name])
    }
    do throws(NetworkError) {
      let results = try meaning(
        ONNXOperator(node: node, version: version, inputs: inputs), &graph)
      for (name, value) in zip(node.outputs, results) where !name.isEmpty {
        guard values.updateValue(value, forKey: name) == nil else {
          throw NetworkError("its output '\(name.shortened)' is there already")
        }
      }
    } catch {
      throw NetworkError("\(place): \(error.description)")
    }
  }

  /// The operators that the output depends on, each behind those that it reads.
  private func sorted() throws(NetworkError) -> [ONNXModel.Node] {
    var makers: [String: Int] = [:]
    for (number, node) in model.nodes.enumerated() {
      for name in node.outputs where !name.isEmpty {
        guard makers.updateValue(number, forKey: name) == nil else {
          throw NetworkError("two operators make '\(name.shortened)'")
        }
      }
    }
    enum State { case waiting, open, done }
    var states = [State](repeating: .waiting, count: model.nodes.count)
    var order: [ONNXModel.Node] = []
    // Depth first, on a stack of our own: a chain of a million operators costs no recursion.
    var stack = makers[output.name].map { [$0] } ?? []
    while let number = stack.last {
      if states[number] == .waiting {
        states[number] = .open
        for name in model.nodes[number].inputs {
          guard let maker = makers[name], states[maker] != .done else { continue }
          guard states[maker] == .waiting else {
            let node = model.nodes[number]
            throw NetworkError(
              "\(node.operation.shortened) '\(node.shownName)' reads '\(name.shortened)', which depends on "
                + "it: the graph has a cycle")
          }
          stack.append(maker)
        }
      } else {
        stack.removeLast()
        if states[number] == .open {
          states[number] = .done
          order.append(model.nodes[number])
        }
      }
    }
    return order
  }
}

extension ONNXModel.Node {
  /// Its name, or where it has none that of its value.
  var shownName: String { (name.isEmpty ? output : name).shortened }
}
