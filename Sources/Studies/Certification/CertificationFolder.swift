import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Runs

/// The directory of a certification, whatever certifies: opened, told apart from others, and read again sample by sample.
struct CertificationFolder: Sendable {
  let directory: RunDirectory
  let files: CertificateFiles
  /// Of what determines the result: another one is about something else.
  let identity: String
  private let start = Date()

  /// Opens or creates the directory.
  ///
  /// - Parameters:
  ///   - configuration: what determines the result, beside model and data.
  ///   - names: of model and data, as the user knows them.
  ///   - resume: whether the samples found there count. Without it those of an earlier run are removed.
  /// - Throws: ``ExperimentError/usage(_:)`` when it cannot be written, or holds something else.
  init(
    _ path: String, configuration: some Codable & Equatable, seed: UInt64, model: StoredModel,
    data: Dataset, reference: Dataset, names: AttackRun.Names, resume: Bool
  ) throws(ExperimentError) {
    let inputs = [
      RunInput(model: model, name: names.model),
      RunInput(.samples, data, request: names.data),
      RunInput(.reference, reference, request: names.reference),
    ]
    directory = try RunDirectory(
      path, kind: .certification, configuration: configuration, inputs: inputs, resume: resume,
      flag: "certificates", replacing: CertificateFiles.isReplaced)
    files = CertificateFiles(folder: directory.url)
    var sum = ContentDigest()
    sum.update(JSONText.encode(configuration))
    for input in inputs { sum.update(input.sha256) }
    identity = sum.hexadecimal
    try directory.write(
      RunEnvironment(seed: seed, dataChecksum: inputs[1].sha256), to: "environment.json")
    _ = try directory.folder("checkpoints")
  }

  /// Where the attack keeps its chunks.
  var attackStore: AttackCheckpoint { AttackCheckpoint(directory, identity: identity) }

  /// Notes the seconds.
  func end() throws(ExperimentError) { try directory.writeTiming(since: start) }

  /// Where the result of a sample is.
  func result(_ index: Int) -> String { directory.path(CertificateFiles.result(index)) }

  /// The samples that an earlier process has finished; nil for the others.
  ///
  /// - Parameter stored: reads one and checks it. What it throws is a warning, and the sample counts as not finished.
  func known(_ count: Int, stored: (Int) throws(ExperimentError) -> CertifiedRadius)
    -> [CertifiedRadius?]
  {
    var result = [CertifiedRadius?](repeating: nil, count: count)
    result.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let (target, stored) = (target, stored)
      Parallel.forEach(count) { index in
        guard directory.exists(CertificateFiles.result(index)) else { return }
        do throws(ExperimentError) { target[index] = try stored(index) } catch {
          ProgressReporter.warn("\(error); the sample is certified again")
        }
      }
    }
    return result
  }
}
