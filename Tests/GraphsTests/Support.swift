import Formats
import Foundation
import Graphs
import LinearCore
import Networks

/// The path of a fixture.
func fixture(_ name: String) -> String {
  Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name)").path
}

/// A graph of a fixture with inputs and the logits that onnxruntime found.
struct Example {
  let name: String
  let file: [UInt8]
  let inputs: Matrix<Double>
  let logits: Matrix<Double>

  /// All graphs of an archive of `make_graphs.py`, in order.
  static func all(_ path: String) throws -> [Example] {
    let arrays = try NPZ.read(path: path)
    let names = arrays.keys.filter { $0.hasSuffix(".model") }.map { String($0.dropLast(6)) }
    return try names.sorted().map { name in
      Example(
        name: name, file: bytes(arrays[name + ".model"]),
        inputs: try matrix(arrays[name + ".inputs"], name),
        logits: try matrix(arrays[name + ".logits"], name))
    }
  }

  static func bytes(_ tensor: Tensor?) -> [UInt8] {
    guard case .int64(let values) = tensor?.elements else { return [] }
    return values.map { UInt8($0) }
  }

  static func matrix(_ tensor: Tensor?, _ name: String) throws -> Matrix<Double> {
    guard let tensor, tensor.shape.count == 2 else {
      throw FormatError(path: name, "an array of two axes is missing")
    }
    return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.doubles)
  }

  func plan() throws -> GraphPlan {
    try ONNXGraphFile.plan(of: ONNXModel(bytes: file, path: name), path: name)
  }
}

/// The largest difference beside the largest number of `expected`.
func relativeError(_ found: Matrix<Double>, _ expected: Matrix<Double>) -> Double {
  let size = expected.elements.reduce(0) { max($0, $1.magnitude) }
  return zip(found.elements, expected.elements).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
    / size
}

/// The largest difference between derivatives along random directions and central differences, beside the
/// size of the gradient: one direction and one sum of logits for every row.
func gradientError(_ network: GraphNetwork<Double>, _ inputs: Matrix<Double>) -> Double {
  let weights = Matrix<Double>.gaussian(
    rows: inputs.rows, columns: network.outputCount, stream: RandomStream(seed: 1))
  let directions = Matrix<Double>.gaussian(
    rows: inputs.rows, columns: inputs.columns, stream: RandomStream(seed: 2))
  let (_, gradient) = network.logitsAndInputGradient(inputs) { weights.rows(in: $1) }
  func sums(_ step: Double) -> [Double] {
    var moved = inputs
    for index in moved.elements.indices {
      moved.elements[index] += step * directions.elements[index]
    }
    let logits = network.logits(moved)
    return (0..<logits.rows).map { i in
      (0..<logits.columns).reduce(0) { $0 + weights[i, $1] * logits[i, $1] }
    }
  }
  let step = 1e-6
  let (above, below) = (sums(step), sums(-step))
  var error = 0.0
  for i in 0..<inputs.rows {
    let slope = (0..<inputs.columns).reduce(0) { $0 + gradient[i, $1] * directions[i, $1] }
    let size = (0..<inputs.columns).reduce(0) { $0 + gradient[i, $1] * gradient[i, $1] }
      .squareRoot()
    // A sample at which the network is flat has the difference 0 as well.
    error = max(error, (slope - (above[i] - below[i]) / (2 * step)).magnitude / max(size, 1e-3))
  }
  return error
}
