import Formats
import Networks

/// One operator of an ONNX graph, while it is turned into steps.
struct ONNXOperator {
  /// Makes the values of an operator.
  typealias Meaning =
    @Sendable (ONNXOperator, inout GraphBuilder) throws(NetworkError) -> [GraphBuilder.Value]

  let node: ONNXModel.Node
  /// The version of the standard that the file speaks.
  let version: Int
  /// The values it reads, nil for one that is left out.
  let inputs: [GraphBuilder.Value?]

  /// The input of a number.
  func input(_ index: Int) throws(NetworkError) -> GraphBuilder.Value {
    guard let value = optional(index) else { throw NetworkError("its input \(index) is missing") }
    return value
  }

  /// The input of a number, nil where it is left out.
  func optional(_ index: Int) -> GraphBuilder.Value? {
    index < inputs.count ? inputs[index] : nil
  }

  /// All inputs, of an operator that takes any number of them.
  func allInputs() throws(NetworkError) -> [GraphBuilder.Value] {
    var result: [GraphBuilder.Value] = []
    for index in inputs.indices { result.append(try input(index)) }
    guard !result.isEmpty else { throw NetworkError("its input 0 is missing") }
    return result
  }

  /// An input that must not depend on the network's input.
  func constant(_ index: Int, _ what: String) throws(NetworkError) -> Tensor {
    guard let tensor = try input(index).tensor else {
      throw NetworkError("its \(what) depends on the network's input; expected a constant")
    }
    return tensor
  }

  /// Integers of an input that must not depend on the network's input; nil where it is left out.
  func integers(input index: Int, _ what: String) throws(NetworkError) -> [Int]? {
    guard optional(index) != nil else { return nil }
    let tensor = try constant(index, what)
    guard case .int64(let values) = tensor.elements, tensor.shape.count <= 1 else {
      throw NetworkError(
        "its \(what) has shape \(Shape.text(tensor.shape)); expected a list of integers")
    }
    guard values.count <= 1 << 16 else {
      throw NetworkError("its \(what) holds \(values.count) integers")
    }
    return values.map { Int(truncatingIfNeeded: $0) }
  }

  /// A list that was an attribute in older versions and is an input since `version`.
  func list(_ name: String, orInput index: Int, since version: Int) throws(NetworkError) -> [Int]? {
    self.version >= version ? try integers(input: index, name) : try integers(name)
  }

  /// An attribute; `fallback` where there is none.
  func integer(_ name: String, default fallback: Int) throws(NetworkError) -> Int {
    switch node.attributes[name] {
    case nil: return fallback
    case .integer(let value): return value
    default: throw mistyped(name, "an integer")
    }
  }

  /// An attribute, nil where there is none.
  func integers(_ name: String) throws(NetworkError) -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let values): return values
    default: throw mistyped(name, "a list of integers")
    }
  }

  /// An attribute; `fallback` where there is none.
  func number(_ name: String, default fallback: Double) throws(NetworkError) -> Double {
    switch node.attributes[name] {
    case nil: return fallback
    case .float(let value):
      // The decimal number that was meant, such as 1e-5.
      return Double("\(value)") ?? Double(value)
    default: throw mistyped(name, "a number")
    }
  }

  /// An attribute; `fallback` where there is none.
  func text(_ name: String, default fallback: String) throws(NetworkError) -> String {
    switch node.attributes[name] {
    case nil: return fallback
    case .text(let value): return value
    default: throw mistyped(name, "text")
    }
  }

  private func mistyped(_ name: String, _ expected: String) -> NetworkError {
    NetworkError("its attribute '\(name.shortened)' is not \(expected)")
  }

  /// Refuses outputs beyond the first that somebody asks for.
  func refuseFurtherOutputs() throws(NetworkError) {
    if let name = node.outputs.dropFirst().first(where: { !$0.isEmpty }) {
      throw NetworkError("its output '\(name.shortened)' is not computed; expected one output")
    }
  }
}
