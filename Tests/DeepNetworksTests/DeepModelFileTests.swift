import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing

@Suite struct DeepModelFileTests {
  private func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("deep-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    try withFile { path in
      let single = try convolutionalNetwork(exponent: 1.5, as: Float.self)
      try DeepModelFile.write(single, to: path)
      #expect(try DeepModelFile.read(path) == single)
      #expect(try DeepModelFile.isDeep(Safetensors(path: path)))
      let double = try convolutionalNetwork(exponent: 1.5, as: Double.self)
      try DeepModelFile.write(double, to: path)
      #expect(try DeepModelFile.read(path, as: Double.self) == double)
      // Another precision rounds.
      #expect(try DeepModelFile.read(path) == double.converted(to: Float.self))
    }
  }

  @Test func theArchitectureIsReadable() throws {
    let architecture = try Architecture(
      inputShape: FeatureShape(vector: 4),
      layers: [Residual([DensePReLU(units: 4, exponent: 2)]), LinearHead(outputs: 2)])
    #expect(
      architecture.json
        == #"{"inputShape":{"channels":4,"columns":1,"rows":1},"layers":[{"block":[{"exponent":2,"#
        + #""kind":"dense-prelu","normalizesInput":false,"units":4}],"kind":"residual"},"#
        + #"{"hasBias":true,"kind":"linear","outputs":2}]}"#)
    #expect(try Architecture(json: architecture.json) == architecture)
    #expect(architecture.parameterCount == 16 + 8 + 2 && architecture.outputCount == 2)
  }

  @Test func errorsAreOneLine() throws {
    let network = try convolutionalNetwork(exponent: 2, as: Float.self)
    func message(_ change: (inout Safetensors) -> Void) throws -> String? {
      try withFile { path in
        var file = DeepModelFile.contents(of: network)
        change(&file)
        try file.write(to: path)
        do throws(FormatError) {
          _ = try DeepModelFile.read(path, as: Float.self)
          return nil
        } catch {
          #expect(!error.description.contains("\n") && error.path == path)
          return error.message
        }
      }
    }
    func json(_ change: (String) -> String) throws -> String? {
      try message { $0.metadata["architecture"] = change($0.metadata["architecture"]!) }
    }
    #expect(try message { _ in } == nil)
    // Checkpoints hold more than weights.
    #expect(try message { $0.tensors["optimizer.x"] = $0.tensors["layers.8.bias"] } == nil)
    #expect(
      try message { $0.metadata["format"] = "polyrelu-1" }
        == "has the model format 'polyrelu-1'; expected a deep network, polyrelu-deep-1")
    #expect(try message { $0.metadata["architecture"] = nil }?.contains("no metadata") == true)
    #expect(
      try json { $0.replacingOccurrences(of: "linear", with: "quadratic") }
        == "has a bad architecture: 'quadratic' is no layer; expected one of "
        + "\(LayerCatalog.standard.kinds.joined(separator: ", ")) at layers.8.kind")
    #expect(
      try json { $0.replacingOccurrences(of: #""units":5"#, with: #""units":"five""#) }?
        .contains("at layers.7.units") == true)
    #expect(
      try json { $0.replacingOccurrences(of: #","units":5"#, with: "") }?.hasPrefix(
        "has a bad architecture: 'units' is missing") == true)
    #expect(
      try json { $0.replacingOccurrences(of: #""units":5"#, with: #""units":0"#) }?
        .contains("layer 7 (dense-prelu): a dense pReLU layer has 0 units") == true)
    #expect(
      try json { $0.replacingOccurrences(of: #""units":5"#, with: #""units":6"#) }
        == "tensor 'layers.7.weights' has shape [5, 4], expected [6, 4]")
    for text in ["", "[", "{}", "null", "\u{0}", "9e999"] {
      #expect(try json { _ in text }?.hasPrefix("has a bad architecture: ") == true)
    }
    for huge in ["9223372036854775807", "-1", "1048576"] {
      for name in ["units", "filters", "kernel", "padding", "stride", "window", "outputs"] {
        let pattern = "\"\(name)\":[0-9]+"
        #expect(
          try json {
            $0.replacingOccurrences(
              of: pattern, with: "\"\(name)\":\(huge)", options: .regularExpression)
          } != nil)
      }
    }
    #expect(
      try message { $0.tensors["layers.9.weights"] = $0.tensors["layers.8.bias"] }
        == "has the tensor 'layers.9.weights', which no layer asks for")
    #expect(
      try message { $0.tensors["layers.8.bias"] = nil }?.contains("no tensor 'layers.8.bias'")
        == true)
    #expect(
      try message {
        $0.tensors["layers.8.bias"] = Tensor(shape: [1, 3], elements: .int64([1, 2, 3]))
      } == "tensor 'layers.8.bias' holds integers; expected floating-point weights")
    #expect(
      try message {
        $0.tensors["layers.8.bias"] = Tensor(shape: [1, 3], elements: .float32([1, .nan, 3]))
      } == "tensor 'layers.8.bias' holds NaN or infinity")
    #expect(
      try message {
        $0.tensors["layers.8.bias"] = Tensor(shape: [3], elements: .float32([1, 2, 3]))
      }
        == "tensor 'layers.8.bias' has shape [3], expected two axes")
  }
}
