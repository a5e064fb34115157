import Formats
import Networks

extension GraphPlan {
  /// Writes the graph as a file of standard operators, atomically: `input` (batch, numbers of a sample) to
  /// `logits` (batch, outputs).
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  package func write(to path: String, classes: [ClassLabel]? = nil) throws(FormatError) {
    var model: ONNXModel
    do throws(NetworkError) { model = try onnxModel() } catch {
      throw FormatError(path: path, "cannot be written: \(error.description)")
    }
    if let classes {
      model.metadata["format"] = "polyrelu-graph-1"
      model.metadata["classes"] = ClassList.text(classes)
    }
    try model.write(to: path)
  }

  /// The graph in standard operators.
  /// - Throws: `NetworkError` for a product of two computed matrices, which has no plain form.
  package func onnxModel() throws(NetworkError) -> ONNXModel {
    var export = ONNXExport(
      ONNXModel(
        name: "polyrelu-graph", documentation: "an imported network of layers",
        input: .init(name: "input", width: sizes[0]),
        output: .init(name: "logits", width: outputCount)))
    export.values[0] = "input"
    for (number, step) in steps.enumerated() {
      export.prefix = "step\(number)."
      guard let writable = step.operation as? any ONNXWritable else {
        throw NetworkError("step \(number + 1), \(step.operation.description), has no ONNX form")
      }
      export.values[step.output] = writable.append(
        to: &export, step.inputs.map { export.values[$0] ?? "" }, constants: step.constants)
    }
    export.model.append("Identity", [export.values[output] ?? "input"], to: "logits")
    return export.model
  }
}

/// A graph of standard operators while its steps write themselves. Values are (batch, numbers of a sample).
struct ONNXExport {
  var model: ONNXModel
  /// Stands before every name that the present step makes.
  var prefix = ""
  /// Names by slot.
  var values: [Int: String] = [:]
  private var count = 0

  init(_ model: ONNXModel) { self.model = model }

  /// Adds an operator and returns the name of its value.
  mutating func append(
    _ operation: String, _ inputs: [String], integers: [String: Int] = [:],
    integerLists: [String: [Int]] = [:], floats: [String: Float] = [:]
  ) -> String {
    count += 1
    return model.append(
      operation, inputs, to: "\(prefix)\(operation.lowercased())\(count)", integers: integers,
      integerLists: integerLists, floats: floats)
  }

  /// Adds a constant and returns its name.
  mutating func constant(_ tensor: Tensor) -> String {
    count += 1
    model.constants["\(prefix)constant\(count)"] = tensor
    return "\(prefix)constant\(count)"
  }

  mutating func number(_ value: Double) -> String {
    constant(Tensor(shape: [], elements: .float64([value])))
  }

  mutating func integers(_ values: [Int]) -> String {
    constant(Tensor(shape: [values.count], elements: .int64(values.map { Int64($0) })))
  }

  /// The same numbers in another shape; -1 stands for the batch.
  mutating func reshaped(_ value: String, _ shape: [Int]) -> String {
    append("Reshape", [value, integers(shape)])
  }
}

/// A step that can be written in standard operators.
protocol ONNXWritable {
  /// Adds the operators and returns the name of the value, (batch, numbers of a sample).
  func append(to export: inout ONNXExport, _ inputs: [String], constants: [Tensor]) -> String
}
