import Attacks
import BoundPropagation
import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// A certification of a network of any depth with a directory: every sample is written as soon as it is finished.
///
/// Nothing that is found there is believed: the certificate of a sample is checked again, and its perturbation has
/// to fool the network. What does not stand is searched for again, with a warning.
package struct DeepCertificationRun: Sendable {
  /// What determines the result.
  struct Configuration: Codable, Equatable {
    /// Tells it from certifications of one hidden layer.
    var method = "bound-propagation"
    let norm: Norm
    let gap: Double
    let nodes: Int
    /// Nil for no limit.
    let seconds: Double?
    let attack: String?
    let hasBox: Bool
    let seed: UInt64
  }

  /// What is stored beside the certificate of a sample.
  private struct Outcome: Codable {
    let identity: String
    let index: Int
    let label: Int
    let lower: Double
    let upper: Double
    let status: CertifiedRadius.Status
    let nodes: Int
    let perturbation: [Double]
  }

  private let folder: CertificationFolder
  private let study: DeepCertificationStudy

  /// Opens or creates the directory.
  ///
  /// - Parameters:
  ///   - names: of model and data, as the user knows them.
  ///   - resume: whether the samples found there count. Without it those of an earlier run are removed.
  /// - Throws: ``ExperimentError/usage(_:)`` when it cannot be written, or holds something else.
  package init(
    _ path: String, study: DeepCertificationStudy, model: StoredModel, data: Dataset,
    reference: Dataset, names: AttackRun.Names, resume: Bool
  ) throws(ExperimentError) {
    let configuration = Configuration(
      norm: study.norm, gap: study.budget.gap, nodes: study.budget.nodes,
      seconds: study.budget.seconds.isFinite ? study.budget.seconds : nil, attack: study.attack,
      hasBox: study.respectsBox, seed: study.seed)
    folder = try CertificationFolder(
      path, configuration: configuration, seed: study.seed, model: model, data: data,
      reference: reference, names: names, resume: resume)
    self.study = study
  }

  /// Where the attack keeps its chunks.
  var attackStore: AttackCheckpoint { folder.attackStore }

  /// Notes the seconds.
  func end() throws(ExperimentError) { try folder.end() }

  /// Writes a finished sample.
  func keep(_ found: DeepCertifier.Result) throws(ExperimentError) {
    let sample = found.radius
    if let certificate = found.certificate {
      try CertificateFiles.write(certificate, to: folder.files.certificate(sample.index))
    }
    try CertificateFiles.write(
      Outcome(
        identity: folder.identity, index: sample.index, label: sample.label, lower: sample.lower,
        upper: sample.upper, status: sample.status, nodes: sample.nodes,
        perturbation: sample.perturbation),
      to: folder.result(sample.index))
  }

  /// The samples that an earlier process has finished; nil for the others.
  func known(_ certifier: DeepCertifier, data: Dataset) -> [CertifiedRadius?] {
    folder.known(data.count) { index throws(ExperimentError) in
      try stored(index, certifier, data)
    }
  }

  private func stored(_ index: Int, _ certifier: DeepCertifier, _ data: Dataset)
    throws(ExperimentError) -> CertifiedRadius
  {
    let path = folder.result(index)
    let found: Outcome = try CertificateFiles.read(path)
    func refuse(_ reason: String) -> ExperimentError { .usage("\(path): \(reason)") }
    guard found.identity == folder.identity, found.index == index, found.label == data.labels[index]
    else {
      throw refuse("is about another sample, network or search")
    }
    let input = data.inputs.row(index).map { Double($0) }
    guard found.lower >= 0, found.lower <= found.upper, found.lower.isFinite, found.nodes >= 0
    else { throw refuse("its bounds are none") }
    if found.status == .misclassified {
      guard (found.lower, found.upper) == (0, 0), found.perturbation.isEmpty,
        certifier.isMisclassified(input, label: found.label)
      else { throw refuse("the network classifies the sample correctly") }
    } else {
      let certificatePath = folder.files.certificate(index)
      let certificate: DeepCertificate = try CertificateFiles.read(certificatePath)
      guard certificate.index == index, certificate.label == found.label,
        certificate.lower == found.lower
      else { throw .usage("\(certificatePath): is about another sample or radius") }
      do { try certifier.checker.check(certificate, input: input) } catch {
        throw .usage("\(certificatePath): \(error)")
      }
      let isNone = found.perturbation.isEmpty && found.upper == .infinity
      guard
        isNone
          || certifier.fools(
            found.perturbation, size: found.upper, input: input, label: found.label)
      else { throw refuse("its perturbation does not fool the network at the upper bound") }
      let isExact =
        found.upper.isFinite && found.upper - found.lower <= study.budget.gap * found.upper
      guard found.status == (isExact ? .exact : .bounded) else {
        throw refuse("is called what it is not")
      }
    }
    return CertifiedRadius(
      storedIndex: index, label: found.label, lower: found.lower, proved: found.lower,
      upper: found.upper, status: found.status, nodes: found.nodes, seconds: 0,
      perturbation: found.perturbation, certificates: [])
  }

  /// Verifies the certificates in a directory, those of misclassified samples excepted.
  ///
  /// - Returns: the radii they prove; 0 for misclassified samples.
  /// - Throws: ``ExperimentError`` naming the first file that does not hold.
  package static func check(_ path: String, _ certifier: DeepCertifier, data: Dataset)
    throws(ExperimentError) -> [Double]
  {
    let files = CertificateFiles(folder: URL(fileURLWithPath: path))
    var radii: [Double] = []
    for index in 0..<data.count {
      let file = files.certificate(index)
      let input = data.inputs.row(index).map { Double($0) }
      if !FileManager.default.fileExists(atPath: file),
        certifier.isMisclassified(input, label: data.labels[index])
      {
        radii.append(0)
        continue
      }
      let certificate: DeepCertificate = try CertificateFiles.read(file)
      guard certificate.label == data.labels[index] else {
        throw .usage("\(file): is of label \(certificate.label), the sample has another")
      }
      do { try certifier.checker.check(certificate, input: input) } catch {
        throw .usage("\(file): \(error)")
      }
      radii.append(certificate.lower)
    }
    return radii
  }
}
