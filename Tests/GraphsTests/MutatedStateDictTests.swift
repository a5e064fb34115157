import Foundation
import Graphs
import LinearCore
import Networks
import TestSupport
import Testing

@testable import Formats

/// Damaged state dicts are refused in one line, or are networks that can be evaluated. A few hundred;
/// `POLYRELU_MUTATIONS=10000` asks for more.
@Suite struct MutatedStateDictTests {
  private static let files = [
    "mlp.pt", "named.pt", "wrapped.pt", "checkpoint.pth", "valid.pt", "many.safetensors",
    "named.npz",
  ]

  /// The members of an archive; nil for a file of another kind.
  private func members(_ bytes: [UInt8], _ name: String) throws(FormatError) -> [(
    name: String, bytes: [UInt8]
  )]? {
    guard bytes.starts(with: Array("PK".utf8)) else { return nil }
    let archive = try ZipArchive(bytes: bytes, path: name)
    return try archive.entries.map { (entry) throws(FormatError) in
      (entry.name, try archive.bytes(of: entry))
    }
  }

  /// Damage anywhere, or in one member of an archive, which then has right checksums; now and then a piece of another
  /// file.
  private func damaged(
    _ bytes: [UInt8], _ name: String, other: [UInt8], _ random: inout SplitMix64
  ) throws(FormatError) -> [UInt8] {
    func changed(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = mutated(bytes, &random)
      if !bytes.isEmpty, !other.isEmpty, Int.random(in: 0..<8, using: &random) == 0 {
        let (from, to) = (
          Int.random(in: other.indices, using: &random),
          Int.random(in: bytes.indices, using: &random)
        )
        let piece = other[from...].prefix(64)
        bytes.replaceSubrange(to..<min(to + piece.count, bytes.count), with: piece)
      }
      return bytes
    }
    guard Bool.random(using: &random), var parts = try members(bytes, name) else {
      return changed(bytes)
    }
    // Objects and headers are what a reader has to understand.
    let texts = parts.indices.filter { parts[$0].name.hasSuffix(".pkl") }
    let victim = texts.first ?? Int.random(in: parts.indices, using: &random)
    parts[victim].bytes = changed(parts[victim].bytes)
    return storedZip(parts)
  }

  @Test func damagedFilesAreRefusedOrEvaluated() throws {
    let count =
      ProcessInfo.processInfo.environment["POLYRELU_MUTATIONS"].flatMap { Int($0) } ?? 300
    let files = try Self.files.map {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture($0))))
    }
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("state-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var random = SplitMix64(state: 81)
    var (refused, evaluated) = (0, 0)
    for number in 0..<count {
      let name = Self.files[number % files.count]
      let other = files[Int.random(in: files.indices, using: &random)]
      let bytes = try damaged(files[number % files.count], name, other: other, &random)
      try AtomicFile.write(bytes, to: path)
      do throws(FormatError) {
        let plan = try PlainStateDict.read(
          path, activation: .relu, inputShape: name == "valid.pt" ? [2, 8, 8] : nil)
        let network = GraphNetwork<Float>(plan)
        let inputs = Matrix<Float>.gaussian(
          rows: 2, columns: network.inputDimension, stream: RandomStream(seed: 1))
        let (logits, gradient) = network.logitsAndInputGradient(inputs) { logits, _ in logits }
        #expect(logits.columns == plan.outputCount && gradient.columns == inputs.columns)
        evaluated += 1
      } catch {
        #expect(!error.description.contains("\n"))
        refused += 1
      }
    }
    #expect(refused > count / 4 && evaluated > count / 20)
  }

  /// What the archives of this test hold is what they were made of.
  @Test func undamagedMembersAreRead() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture("mlp.pt"))))
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("state-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try AtomicFile.write(storedZip(try #require(try members(bytes, "mlp.pt"))), to: path)
    let (ours, theirs) = (
      try PlainStateDict.read(path, activation: .relu),
      try PlainStateDict.read(fixture("mlp.pt"), activation: .relu)
    )
    #expect(ours.checksum == theirs.checksum)
  }
}
