import Datasets
import DeepNetworks
import Foundation
import Networks

/// The folder `--work`: networks that were trained once, and what a job leaves for its peer to work on.
struct SharedFolder {
  private let folder: URL

  init(_ options: inout Options) throws(UsageError) {
    guard let path = options.take("work") else {
      throw UsageError(message: "--work: expected a folder for what both sides work on")
    }
    folder = URL(fileURLWithPath: path)
  }

  /// The network of an earlier run with the same name, which tells its settings; otherwise a new one.
  func network(named name: String, train: () throws -> PReLUNetwork<Float>) throws
    -> PReLUNetwork<Float>
  {
    let path = try path("\(name).safetensors")
    if FileManager.default.fileExists(atPath: path) { return try ModelFile.read(path) }
    let network = try train()
    try ModelFile.write(network, to: path)
    return network
  }

  /// The deep network of an earlier run with the same name; otherwise a new one, left under this name.
  func deepNetwork(named name: String, train: () throws -> DeepNetwork<Float>) throws
    -> DeepNetwork<Float>
  {
    let path = try path("\(name).safetensors")
    if FileManager.default.fileExists(atPath: path) { return try DeepModelFile.read(path) }
    let network = try train()
    try DeepModelFile.write(network, to: path)
    return network
  }

  /// Leaves a network and samples for the peer of a job: `JOB.safetensors`, `JOB.f32` with the coordinates
  /// of every sample followed by +1 or -1 as single-precision numbers, and `JOB.json`.
  ///
  /// - Parameter values: further entries of `JOB.json`.
  func leave(
    _ network: PReLUNetwork<Float>, _ samples: Dataset, for job: String, values: Measurement = [:]
  ) throws {
    let (model, slice) = ("\(job).safetensors", "\(job).f32")
    try ModelFile.write(network, to: path(model))
    var numbers: [Float] = []
    for i in 0..<samples.count {
      numbers += samples.inputs.row(i) + [samples.labels[i] == 1 ? 1 : -1]
    }
    try write(numbers.withUnsafeBytes { Data($0) }, to: slice)
    let files: Measurement = ["network": .text(model), "slice": .text(slice)]
    try write(
      JSONEncoder().encode(files.merging(values) { own, _ in own }), to: "\(job).json")
  }

  private func write(_ data: Data, to name: String) throws {
    try data.write(to: URL(fileURLWithPath: path(name)), options: .atomic)
  }

  private func path(_ name: String) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.appendingPathComponent(name).path
  }
}
