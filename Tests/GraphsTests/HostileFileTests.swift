import Formats
import Foundation
import LinearCore
import Networks
import TestSupport
import Testing

@testable import Graphs

/// Files that are wrong or ask for too much; `Fixtures/make_hostile.py` makes them.
@Suite struct HostileFileTests {
  static let files = try! NPZ.read(path: fixture("hostile.npz"))

  /// What the one line says.
  private static let refusals: [String: String] = [
    "unknown operator": "has the operator LSTM 'lstm', which is not supported",
    "unknown domain": "has the operator Fused 'f' of 'com.x', which is not supported",
    "cycle": "the graph has a cycle",
    "self": "the graph has a cycle",
    "missing input": "MatMul 'matmul' reads 'z', which nothing makes",
    "left out input": "MatMul 'matmul': its input 1 is missing",
    "missing output": "its output 'y' is made by no operator",
    "two makers": "two operators make 'y'",
    "constant output": "its output 'y': the outputs do not depend on the input",
    "old version": "has operators of version 6; expected 7 to 21",
    "new version": "has operators of version 22; expected 7 to 21",
    "no version": "does not say the version of its operators",
    "two inputs": "has 2 inputs: 'x', 'z'; expected one",
    "two outputs": "has 2 outputs: 'y', 'x'; expected one",
    "second axis varies": "axis 1 of its input 'x' has no fixed extent",
    "one axis varies": "its input 'x' has one axis, which varies",
    "no shape": "does not say the shape of its input 'x'",
    "negative extent": "axis 1 of its input 'x' has no fixed extent",
    "huge extent": "its input 'x': a value of shape [1, 1099511627776]",
    "overflowing extents": "its input 'x': a value of shape",
    "does not fit": "MatMul 'matmul': the product of shapes [1, 5] and [4, 2]",
    "two axes of outputs": "its output 'y': outputs of shape [1, 2, 2] for one sample",
    "short weights": "constant 'w' of shape (4, 2) has 31 bytes; expected 32",
    "long weights": "constant 'w' has the impossible shape (1099511627776, 2)",
    "overflowing weights": "constant 'w' has the impossible shape",
    "negative weights": "constant 'w' has the impossible shape (-4, 2)",
    "weights twice": "holds the constant 'w' twice",
    "text weights": "constant 'w' has the element type STRING",
    "outside file": "constant 'w' is kept in '../../etc/passwd'",
    "infinite weights": "MatMul 'matmul': weights that hold NaN or infinity",
    "huge constant": "ConstantOfShape 'constantofshape': a value of shape [1048576, 1048576]",
    "huge expansion": "Expand 'expand': a value of shape [1073741824, 4]",
    "many expansions": "ReduceSum 'reducesum': a sample becomes more than 67108864 numbers",
    "overflowing integers": "Mul 'mul': Mul of the integers 1099511627776 and 1099511627776",
    "division of integers": "Div 'div': Div of the integers 1 and 0 has no 64-bit result",
    "smallest by minus one": "Div 'div': Div of the integers -9223372036854775808 and -1",
    "two free extents": "Reshape 'reshape': the shape [-1, -1]",
    "shape of the input's numbers": "Reshape 'reshape': its shape depends on the network's input",
    "zero stride": "Conv 'conv': a window of 3 pixels, stride 0 and dilation 1",
    "huge stride": "Conv 'conv': a window of 3 pixels, stride 4611686018427387904",
    "negative pads": "Conv 'conv': a border of -1 and 0 pixels",
    "huge pads": "Conv 'conv': a value of shape",
    "huge dilation": "Conv 'conv': a window of 3 pixels, stride 1 and dilation",
    "no groups": "Conv 'conv': filters of shape [2, 2, 3, 3] in 0 groups",
    "three axes": "Conv 'conv': images with 3 axes",
    "computed filters": "Conv 'conv': its filters depends on the network's input",
    "huge window": "MaxPool 'maxpool': a window of 1099511627776 pixels",
    "many pixels": "MaxPool 'maxpool': windows of more than",
    "training": "BatchNormalization 'batchnormalization': it is in training mode",
    "negative variance": "BatchNormalization 'batchnormalization': the variance -1.0 of channel 0",
    "axis beyond": "Softmax 'softmax': axis 7 of a value with 2 axes",
    "axis twice": "Squeeze 'squeeze': axis -2 twice",
    "wrong attribute": "Flatten 'flatten': its attribute 'axis' is not an integer",
    "zero step": "Slice 'slice': a step of 0",
    "index beyond": "Gather 'gather': the index 4 of an axis of 4",
    "huge border": "Pad 'pad': borders of 4611686018427387904 and 4611686018427387904",
    "extreme range": "Range 'range': its start is not an integer of ordinary size",
    "cast of nothing": "Cast 'cast': the number nan as an integer",
    "batch last": "axis 1 of its input 'x' has no fixed extent",
    "many parts": "holds more than 262144 operators, constants and names",
    "no graph": "is not an ONNX file: it holds no graph",
    "empty": "is not an ONNX file: it holds no graph",
    "noise": "is not an ONNX file",
  ]

  private static func plan(_ name: String) throws(FormatError) -> GraphPlan {
    try ONNXGraphFile.plan(
      of: ONNXModel(bytes: Example.bytes(files[name]), path: "f.onnx"), path: "f.onnx")
  }

  @Test(arguments: refusals.keys.sorted()) func isRefusedInOneLine(name: String) throws {
    #expect(Self.files[name] != nil)
    do throws(FormatError) {
      _ = try Self.plan(name)
      Issue.record("'\(name)' was read")
    } catch {
      #expect(error.description.contains(Self.refusals[name]!), "\(name): \(error)")
      #expect(!error.description.contains("\n"))
      #expect(error.path == "f.onnx")
    }
  }

  /// What is unusual, and yet says what is meant.
  @Test(arguments: [
    "plain", "integer weights", "deep chain", "fixed batch", "no batch axis", "extreme slice",
  ])
  func isUnderstood(name: String) throws {
    let network = GraphNetwork<Double>(try Self.plan(name))
    #expect(network.inputDimension == 4 && network.outputCount == 2)
    let logits = network.logits(Matrix([[1, 2, 3, 4], [5, 6, 7, 8]]))
    #expect(
      logits
        == (name == "extreme slice" ? Matrix([[4, 3], [8, 7]]) : Matrix([[1, 2], [5, 6]])))
  }

  @Test func everyCaseIsTried() {
    let understood: Set = [
      "plain", "integer weights", "deep chain", "fixed batch", "no batch axis", "extreme slice",
      "file beside",
    ]
    #expect(Set(Self.files.keys) == understood.union(Self.refusals.keys))
  }

  @Test func weightsInAFileBesideAreRead() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("f.onnx").path
    try Data(Example.bytes(Self.files["file beside"])).write(to: URL(fileURLWithPath: path))
    #expect(throws: FormatError.self) { try ONNXGraphFile.read(path) }
    let numbers: [Float] = [9, 9, 1, 0, 0, 1, 0, 0, 0, 0]
    let weights = folder.appendingPathComponent("weights.bin")
    try numbers.withUnsafeBytes { Data($0) }.write(to: weights)
    let network = GraphNetwork<Float>(try ONNXGraphFile.read(path))
    #expect(network.logits(Matrix([[1, 2, 3, 4]])) == Matrix([[1, 2]]))
    try numbers.dropLast().withUnsafeBytes { Data($0) }.write(to: weights)
    #expect(throws: FormatError.self) { try ONNXGraphFile.read(path) }
  }
}
