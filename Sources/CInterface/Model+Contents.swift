import CPolyReLU
import Formats
import LinearCore
import Networks
import Runs

private struct ModelDocument: Encodable {
  var kind = "functions"
  let dimension: Int
  let outputs: Int
  let classes: [ClassLabel]?
  let classCount: Int
  var p: Double?
  var normalizeInput: Bool?
  var hiddenBias: Bool?
}

/// `polyrelu_model_contents`, as `polyrelu.h` describes it.
@c(polyrelu_model_contents)
public func modelContents(
  _ model: OpaquePointer?, _ contents: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    contents?.pointee = Handle.make(
      document(of: try Handle.object(model, Model.self, "model")))
  }
}

private func document(of model: Model) -> ResultDocument {
  switch model.kind {
  case .functions(let functions, let classes):
    return ResultDocument(
      ModelDocument(
        dimension: functions.dimension, outputs: functions.outputs, classes: classes,
        classCount: max(2, functions.outputs)))
  case .stored(let loaded):
    let network = loaded.network
    if let shallow = network.shallow { return document(shallow, loaded) }
    if let extreme = network.extreme { return document(extreme, loaded) }
    var document = ModelDocument(
      dimension: network.inputDimension,
      outputs: (network.network as? any Classifier)?.outputCount ?? network.classCount,
      classes: loaded.classes, classCount: network.classCount)
    document.kind = network.deep == nil ? "layers" : "deep"
    return ResultDocument(document)
  }
}

private func document<Scalar>(_ network: PReLUNetwork<Scalar>, _ loaded: LoadedModel)
  -> ResultDocument
{
  var document = ModelDocument(
    dimension: network.inputDimension, outputs: network.outputCount, classes: loaded.classes,
    classCount: network.classCount)
  document.kind = "shallow"
  document.p = network.exponent
  document.normalizeInput = network.normalizeInput
  document.hiddenBias = network.hasHiddenBias
  let result = ResultDocument(document)
  func add(_ name: String, _ matrix: Matrix<Scalar>) {
    if let single = matrix as? Matrix<Float> {
      result.add(name, single)
    } else {
      result.add(name, matrix.converted(to: Double.self))
    }
  }
  func add(_ name: String, _ values: [Scalar]?) {
    guard let values else { return }
    if let single = values as? [Float] {
      result.add(name, single)
    } else {
      result.add(name, values.map { Double($0) })
    }
  }
  add("hidden_weights", network.hiddenWeights)
  add("output_weights", network.outputWeights)
  add("output_bias", network.outputBias)
  add("center", network.center)
  return result
}

/// `polyrelu_model_write`, as `polyrelu.h` describes it.
@c(polyrelu_model_write)
public func modelWrite(
  _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    guard let path else { throw .usage("path is NULL") }
    let loaded = try Handle.object(model, Model.self, "model").stored(for: "model files")
    do {
      try loaded.network.write(to: String(cString: path), classes: loaded.classes)
    } catch { throw ExperimentError(error) }
  }
}
