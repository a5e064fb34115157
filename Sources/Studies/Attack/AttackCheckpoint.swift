import Attacks
import Formats
import LinearCore
import Networks
import Runs

/// Finished chunks of an evaluation as files in a run directory, `checkpoints/<name>-<number>.npz`.
///
/// Each says what it is a part of and carries a digest of its contents. A file of another attack, norm, network
/// or data, or one that was changed, counts as missing: its chunk is attacked again, with a warning. So does one
/// whose perturbations do not have the sizes it names or do not fool the network, which the evaluation tries
/// (`EvaluationChunk`).
package struct AttackCheckpoint: EvaluationStore {
  private let directory: RunDirectory
  private let name: String
  private let identity: String

  /// Chunks under a name of their own.
  /// - Parameter identity: a digest of everything that determines the result, see
  ///   ``RobustnessStudy/identity(model:data:reference:)``.
  package init(_ directory: RunDirectory, name: String = "attack", identity: String) {
    self.directory = directory
    self.name = name
    self.identity = identity
  }

  private func path(_ number: Int) -> String {
    directory.path("checkpoints/\(name)-\(number).npz")
  }

  /// The chunk with this number, if its file is there, whole, and of this attack.
  package func chunk(_ number: Int) -> EvaluationChunk<Float>? {
    guard directory.exists("checkpoints/\(name)-\(number).npz") else { return nil }
    do throws(FormatError) { return try read(number) } catch {
      ProgressReporter.warn("\(error); its samples are attacked again")
      return nil
    }
  }

  private func read(_ number: Int) throws(FormatError) -> EvaluationChunk<Float> {
    let path = path(number)
    var tensors = try NPZ.read(path: path)
    func refuse(_ message: String) -> FormatError { FormatError(path: path, message) }
    guard let seal = tensors.removeValue(forKey: "seal") else {
      throw refuse("does not say which attack it is a part of")
    }
    guard seal == Self.seal(tensors, identity: identity, number: number) else {
      throw refuse("is a part of another attack, or was changed")
    }
    func integers(_ name: String) throws(FormatError) -> [Int] {
      guard let tensor = tensors[name], tensor.shape.count == 1 else {
        throw refuse("has no list '\(name)'")
      }
      return try tensor.integers(named: name, path: path)
    }
    let (rows, attacks) = (try integers("rows"), try integers("attack"))
    let gradients = try integers("gradientPasses")
    let forward = try integers("forwardPasses")
    let unconfirmed = try integers("unconfirmed")
    guard let radii = tensors["radius"]?.doubles, let perturbations = tensors["perturbation"],
      perturbations.shape.count == 2, unconfirmed.count == 1,
      [attacks.count, gradients.count, forward.count, radii.count, perturbations.shape[0]]
        .allSatisfy({ $0 == rows.count })
    else { throw refuse("its lists have different lengths") }
    let names = AttackCatalog.entries.map(\.name)
    return EvaluationChunk(
      rows: rows, radii: radii,
      attacks: attacks.map { names.indices.contains($0) ? names[$0] : nil },
      perturbations: Matrix(
        rows: rows.count, columns: perturbations.shape[1], elements: perturbations.floats),
      gradientPasses: gradients, forwardPasses: forward, unconfirmed: unconfirmed[0])
  }

  /// Says that the evaluation does not believe a chunk.
  package func reject(_ number: Int, reason: String) {
    ProgressReporter.warn("\(path(number)): \(reason); its samples are attacked again")
  }

  /// Writes a chunk; where that fails the work goes on, and cannot be resumed from here.
  package func keep(_ chunk: EvaluationChunk<Float>, number: Int) {
    func integers(_ values: [Int]) -> Tensor {
      Tensor(shape: [values.count], elements: .int64(values.map { Int64($0) }))
    }
    let names = AttackCatalog.entries.map(\.name)
    let attacks = chunk.attacks.map { name in name.flatMap { names.firstIndex(of: $0) } ?? -1 }
    var tensors = [
      "rows": integers(chunk.rows), "attack": integers(attacks),
      "radius": ModelFile.tensor(chunk.radii),
      "perturbation": ModelFile.tensor(chunk.perturbations),
      "gradientPasses": integers(chunk.gradientPasses),
      "forwardPasses": integers(chunk.forwardPasses),
      "unconfirmed": integers([chunk.unconfirmed]),
    ]
    tensors["seal"] = Self.seal(tensors, identity: identity, number: number)
    do throws(FormatError) {
      try NPZ.write(tensors, to: path(number), isCompressed: false)
    } catch {
      ProgressReporter.warn("\(error); this part of the attack cannot be resumed")
    }
  }

  /// A digest of what the chunk is a part of and of all its arrays: 32 bytes, 8 in a number.
  private static func seal(_ tensors: [String: Tensor], identity: String, number: Int) -> Tensor {
    var sum = ContentDigest()
    sum.update(identity)
    sum.update([number])
    sum.update(tensors)
    let bytes = sum.bytes
    let words = (0..<4).map { word in
      bytes[8 * word..<8 * word + 8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
    return Tensor(shape: [4], elements: .int64(words))
  }
}

extension RobustnessStudy {
  /// A digest of everything that determines the result of this study on a model and data.
  ///
  /// - Parameters:
  ///   - model: the SHA-256 of the model.
  ///   - data: that of the attacked data.
  ///   - reference: that of the data that tell where other classes lie.
  func identity(model: String, data: String, reference: String) -> String {
    var sum = ContentDigest()
    for text in ["attack", model, data, reference, norm.rawValue, attack] { sum.update(text) }
    sum.update([steps ?? -1, restarts ?? -1, respectsBox ? 1 : 0, usesReduction ? 1 : 0])
    sum.update([Int(truncatingIfNeeded: seed), epsilons.count])
    epsilons.withUnsafeBytes { sum.update($0) }
    if let targets {
      sum.update("targets")
      sum.update(targets)
    }
    return sum.hexadecimal
  }
}
