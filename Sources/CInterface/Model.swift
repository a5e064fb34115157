import CPolyReLU
import Formats
import Graphs
import LinearCore
import Networks
import Runs
import Studies

/// A network behind a handle.
final class Model: Sendable {
  enum Kind: Sendable {
    case stored(LoadedModel)
    case functions(FunctionModel, classes: [ClassLabel]?)
  }

  let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  convenience init(_ network: any StoredNetwork, classes: [ClassLabel]?) {
    self.init(.stored(LoadedModel(StoredModel(network), name: "the model", classes: classes)))
  }

  /// The network, for what functions cannot do.
  /// - Parameter purpose: for the refusal, such as "certificates".
  func stored(for purpose: String) throws(ExperimentError) -> LoadedModel {
    guard case .stored(let model) = kind else {
      throw .usage(
        "\(purpose) need the weights of the network, but the model is a pair of functions")
    }
    return model
  }

  /// The network of one hidden layer, whose weights single precision holds.
  func shallow(for purpose: String) throws(ExperimentError) -> (
    network: PReLUNetwork<Float>, contributionScale: Double
  ) {
    do throws(ExperimentError) { return try stored(for: purpose).network.rebalanced() } catch {
      throw .usage("\(purpose): \(error)")
    }
  }
}

/// Values of classes as options hold them.
func checkedClasses(_ classes: [ClassLabel]?, outputs: Int) throws(ExperimentError) -> [ClassLabel]?
{
  guard let classes else { return nil }
  guard Set(classes).count == classes.count, classes.count <= max(2, outputs) else {
    throw .usage(
      "\(SettingName("classes")): \(classes.count) values, expected different ones and at most \(max(2, outputs))"
    )
  }
  return classes
}

private struct OpenOptions: Options {
  static let names: Set = ["p", "normalize_input", "classes", "activation", "input_shape"]
  let p: Double?
  let normalizeInput: Bool?
  let classes: [ClassLabel]?
  let activation: String?
  let inputShape: [Int]?
}

/// `polyrelu_model_open`, as `polyrelu.h` describes it.
@c(polyrelu_model_open)
public func modelOpen(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    guard let path else { throw .usage("path is NULL") }
    let options = try OpenOptions.read(options)
    let text = String(cString: path)
    let activation = try options.activation.map { (text) throws(ExperimentError) in
      guard let known = PlainActivation(text) else {
        throw .usage(
          "\(SettingName("activation")) is '\(text)', expected \(PlainActivation.expectation)")
      }
      return known
    }
    let loaded = try LoadedModel(
      path: TrainingRun.modelPath(text), name: text, classes: options.classes,
      exponent: options.p, normalizeInput: options.normalizeInput,
      layers: PlainLayerOptions(activation: activation, inputShape: options.inputShape))
    model?.pointee = Handle.make(Model(.stored(loaded)))
  }
}

private struct ShallowOptions: Options {
  static let names: Set = ["p", "normalize_input", "hidden_bias", "classes"]
  let p: Double
  let normalizeInput: Bool?
  let hiddenBias: Bool?
  let classes: [ClassLabel]?
}

/// `polyrelu_model_shallow`, as `polyrelu.h` describes it.
@c(polyrelu_model_shallow)
public func modelShallow(
  _ hiddenWeights: UnsafePointer<polyrelu_array>?, _ outputWeights: UnsafePointer<polyrelu_array>?,
  _ outputBias: UnsafePointer<polyrelu_array>?, _ center: UnsafePointer<polyrelu_array>?,
  _ options: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try ShallowOptions.read(options)
    let hidden = try matrix(BorrowedArray.tensor(hiddenWeights, "hidden_weights"), "hidden_weights")
    let output = try matrix(BorrowedArray.tensor(outputWeights, "output_weights"), "output_weights")
    let bias = try BorrowedArray.optional(outputBias, "output_bias")
    let center = try BorrowedArray.optional(center, "center")
    let classes = try checkedClasses(options.classes, outputs: output.rows)
    do {
      let network = try PReLUNetwork<Double>(
        exponent: options.p, hiddenWeights: hidden, outputWeights: output,
        outputBias: bias?.doubles, center: center?.doubles,
        normalizeInput: options.normalizeInput ?? false,
        hasHiddenBias: options.hiddenBias ?? false)
      let held = StoredModel(ModelFile.held(network))
      model?.pointee = Handle.make(Model(held.network, classes: classes))
    } catch { throw ExperimentError(error) }
  }
}

/// A tensor of two axes as a matrix.
private func matrix(_ tensor: Tensor, _ name: String) throws(ExperimentError) -> Matrix<Double> {
  guard tensor.shape.count == 2 else {
    throw .usage("\(name) has the shape \(tensor.shape), expected two axes")
  }
  return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.doubles)
}

private struct DenseOptions: Options {
  static let names: Set = ["activation", "classes"]
  let activation: String?
  let classes: [ClassLabel]?
}

/// `polyrelu_model_dense`, as `polyrelu.h` describes it.
@c(polyrelu_model_dense)
public func modelDense(
  _ count: Int32, _ weights: UnsafePointer<UnsafePointer<polyrelu_array>?>?,
  _ biases: UnsafePointer<UnsafePointer<polyrelu_array>?>?, _ options: UnsafePointer<CChar>?,
  _ model: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try DenseOptions.read(options)
    guard let weights, let biases, count >= 1 else {
      throw .usage("weights: expected at least one layer")
    }
    let activation: DenseLayers.Activation = try choice(
      options.activation, "activation", default: .identity)
    if count > 1 && options.activation == nil {
      throw .usage(
        "\(SettingName("activation")) is missing, expected what stands between the layers")
    }
    var layers: [DenseLayers.Layer] = []
    for number in 0..<Int(clamping: count) {
      layers.append(
        DenseLayers.Layer(
          weights: try BorrowedArray.tensor(weights[number], "weights[\(number)]"),
          bias: try BorrowedArray.optional(biases[number], "biases[\(number)]")))
    }
    do {
      let network = try GraphNetwork<Float>(DenseLayers.plan(layers, activation: activation))
      let classes = try checkedClasses(options.classes, outputs: network.outputCount)
      model?.pointee = Handle.make(Model(network, classes: classes))
    } catch { throw ExperimentError(error) }
  }
}

private struct FunctionOptions: Options {
  static let names: Set = ["dimension", "outputs", "double", "shape", "classes"]
  let dimension: Int
  let outputs: Int
  let double: Bool?
  let shape: [Int]?
  let classes: [ClassLabel]?
}

/// `polyrelu_model_functions`, as `polyrelu.h` describes it.
@c(polyrelu_model_functions)
public func modelFunctions(
  _ options: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try FunctionOptions.read(options)
    let sizes = 1...1 << 31
    guard sizes.contains(options.dimension) else {
      throw .usage("\(SettingName("dimension")) is \(options.dimension), expected at least 1")
    }
    guard sizes.contains(options.outputs) else {
      throw .usage("\(SettingName("outputs")) is \(options.outputs), expected at least 1")
    }
    if let shape = options.shape {
      let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
      guard shape.allSatisfy({ $0 > 0 }), count == options.dimension else {
        throw .usage(
          "\(SettingName("shape")) is \(shape), expected extents of \(options.dimension) numbers")
      }
    }
    let functions = FunctionModel(
      dimension: options.dimension, outputs: options.outputs, hasDouble: options.double ?? false,
      axes: axes(options.shape), shape: options.shape)
    let classes = try checkedClasses(options.classes, outputs: options.outputs)
    model?.pointee = Handle.make(Model(.functions(functions, classes: classes)))
  }
}

/// Images of several axes: channels first, as PyTorch has them.
private func axes(_ shape: [Int]?) -> ImageAxes? {
  guard let shape, shape.count == 3, shape[1] * shape[2] > 1 else { return nil }
  return ImageAxes(rows: shape[1], columns: shape[2], channels: shape[0], isChannelsLast: false)
}

/// `polyrelu_model_free`, as `polyrelu.h` describes it.
@c(polyrelu_model_free)
public func modelFree(_ model: OpaquePointer?) { Handle.free(model) }
