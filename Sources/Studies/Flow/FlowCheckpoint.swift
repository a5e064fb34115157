import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Training

/// The state of a flow and its records as one file, `checkpoints/latest.safetensors`.
struct FlowCheckpoint {
  let path: String

  init(_ directory: RunDirectory) {
    path = directory.path("checkpoints/latest.safetensors")
  }

  /// What is small enough for text.
  private struct Header: Codable {
    var flow: GradientFlow.Checkpoint
    let records: [FlowRecord]
    let stride: Int
  }

  /// Writes the file, atomically.
  func write(_ state: GradientFlow.Checkpoint, _ recorder: FlowRecorder) throws(FormatError) {
    var file = recorder.trajectory.tensors
    file["state"] = ModelFile.tensor(state.integrator.state)
    file["derivative"] = ModelFile.tensor(state.integrator.derivative)
    if let pattern = recorder.pattern { file["pattern"] = BitPattern.tensor(pattern) }
    var small = state
    small.integrator.state = []
    small.integrator.derivative = []
    let header = Header(
      flow: small, records: recorder.trajectory.records, stride: recorder.trajectory.stride)
    try Safetensors(tensors: file, metadata: ["flow": JSONText.encode(header)]).sealed()
      .write(to: path)
  }

  /// Reads the file, if there is one.
  func read(_ recorder: FlowRecorder) throws(FormatError)
    -> (state: GradientFlow.Checkpoint, recorder: FlowRecorder)?
  {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try Safetensors(path: path)
    try file.checkSeal(path: path)
    guard let text = file.metadata["flow"] else {
      throw FormatError(path: path, "not a checkpoint of gradient flow")
    }
    let header: Header
    do { header = try JSONText.decoder.decode(Header.self, from: Data(text.utf8)) } catch {
      throw FormatError(path: path, "not a checkpoint of gradient flow")
    }
    var state = header.flow
    state.integrator.state = try ModelFile.vector(file, "state", path)
    state.integrator.derivative = try ModelFile.vector(file, "derivative", path)
    let trajectory = try FlowTrajectory(
      records: header.records, stride: header.stride, file: file, path: path)
    let pattern = try file.tensors["pattern"].map { tensor throws(FormatError) in
      try BitPattern.values(
        try tensor.integers(named: "pattern", path: path), count: recorder.patternCount, path: path)
    }
    guard recorder.fits(trajectory) else {
      throw FormatError(path: path, "its records are not those of this run")
    }
    return (state, recorder.restored(trajectory, pattern: pattern))
  }
}

/// Bits as the integers of a tensor: how many there are, then 32 in each.
enum BitPattern {
  static func tensor(_ bits: [UInt8]) -> Tensor {
    var words: [Int64] = [Int64(bits.count)]
    for start in stride(from: 0, to: bits.count, by: 32) {
      var word: Int64 = 0
      for i in start..<min(start + 32, bits.count) where bits[i] != 0 { word |= 1 << (i - start) }
      words.append(word)
    }
    return Tensor(shape: [words.count], elements: .int64(words))
  }

  /// The bits of a tensor that must hold `count` of them.
  static func values(_ words: [Int], count: Int, path: String) throws(FormatError) -> [UInt8] {
    guard words.first == count, words.count == 1 + (count + 31) / 32 else {
      throw FormatError(
        path: path,
        "tensor 'pattern' has \(words.count) numbers for \(words.first ?? 0) bits, expected \(count) bits"
      )
    }
    return (0..<count).map { UInt8(words[1 + $0 / 32] >> ($0 % 32) & 1) }
  }
}
