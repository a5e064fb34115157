import Attacks
import Formats
import LinearCore
import Networks

/// Finished chunks of an evaluation as files in a run directory, `checkpoints/<name>-<number>.npz`.
///
/// A file that cannot be read, or whose samples are others, counts as missing: its chunk is attacked
/// again.
public struct AttackCheckpoint: EvaluationStore {
  private let directory: RunDirectory
  private let name: String

  /// Chunks under a name of their own in a directory whose configuration fixes the result.
  public init(_ directory: RunDirectory, name: String = "attack") {
    self.directory = directory
    self.name = name
  }

  private func path(_ number: Int) -> String {
    directory.path("checkpoints/\(name)-\(number).npz")
  }

  /// The chunk with this number, if its file is there and whole.
  public func chunk(_ number: Int) -> EvaluationChunk<Float>? {
    let path = path(number)
    guard let tensors = try? NPZ.read(path: path),
      let rows = try? tensors["rows"]?.integers(named: "rows", path: path),
      let attacks = try? tensors["attack"]?.integers(named: "attack", path: path),
      let gradients = try? tensors["gradientPasses"]?.integers(named: "gradientPasses", path: path),
      let forward = try? tensors["forwardPasses"]?.integers(named: "forwardPasses", path: path),
      let unconfirmed = try? tensors["unconfirmed"]?.integers(named: "unconfirmed", path: path),
      let radii = tensors["radius"]?.doubles,
      let perturbations = tensors["perturbation"], perturbations.shape.count == 2,
      [attacks.count, gradients.count, forward.count, radii.count, perturbations.shape[0]]
        .allSatisfy({ $0 == rows.count }), unconfirmed.count == 1
    else { return nil }
    let names = AttackCatalog.entries.map(\.name)
    return EvaluationChunk(
      rows: rows, radii: radii,
      attacks: attacks.map { names.indices.contains($0) ? names[$0] : nil },
      perturbations: Matrix(
        rows: rows.count, columns: perturbations.shape[1], elements: perturbations.floats),
      gradientPasses: gradients, forwardPasses: forward, unconfirmed: unconfirmed[0])
  }

  /// Writes a chunk; where that fails the work goes on, and cannot be resumed from here.
  public func keep(_ chunk: EvaluationChunk<Float>, number: Int) {
    func integers(_ values: [Int]) -> Tensor {
      Tensor(shape: [values.count], elements: .int64(values.map { Int64($0) }))
    }
    let names = AttackCatalog.entries.map(\.name)
    let attacks = chunk.attacks.map { name in name.flatMap { names.firstIndex(of: $0) } ?? -1 }
    try? NPZ.write(
      [
        "rows": integers(chunk.rows), "attack": integers(attacks),
        "radius": ModelFile.tensor(chunk.radii),
        "perturbation": ModelFile.tensor(chunk.perturbations),
        "gradientPasses": integers(chunk.gradientPasses),
        "forwardPasses": integers(chunk.forwardPasses),
        "unconfirmed": integers([chunk.unconfirmed]),
      ], to: path(number), isCompressed: false)
  }
}
