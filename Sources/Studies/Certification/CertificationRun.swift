import Attacks
import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// A certification with a directory: every sample is written as soon as it is finished, so that an interrupted
/// search goes on with those that are not.
///
/// Nothing that is found there is believed: the certificate of a sample is checked again, and its perturbation
/// has to fool the network. What does not stand is searched for again, with a warning.
package struct CertificationRun: Sendable {
  /// What determines the result.
  struct Configuration: Codable, Equatable {
    let norm: Norm
    let gap: Double
    let nodes: Int
    /// Nil for no limit.
    let seconds: Double?
    let attack: String?
    let smoothing: SmoothingSettings?
    let seed: UInt64
    /// True where only inputs in the data's box are meant, nil otherwise.
    var respectsBox: Bool?
  }

  /// What is stored beside the certificate of a sample.
  private struct Outcome: Codable {
    let identity: String
    let index: Int
    let label: Int
    let lower: Double
    let proved: Double
    let upper: Double
    let status: CertifiedRadius.Status
    let nodes: Int
    let perturbation: [Double]
  }

  private struct Smoothed: Codable {
    let identity: String
    let radius: SmoothedRadius
  }

  private let folder: CertificationFolder
  private let study: CertificationStudy

  /// Opens or creates the directory.
  ///
  /// - Parameters:
  ///   - study: what is searched for, and with how much effort.
  ///   - names: of model and data, as the user knows them.
  ///   - resume: whether the samples found there count. Without it those of an earlier run are removed.
  /// - Throws: ``ExperimentError/usage(_:)`` when it cannot be written, or holds something else.
  package init(
    _ path: String, study: CertificationStudy, network: PReLUNetwork<Float>, data: Dataset,
    reference: Dataset, names: AttackRun.Names, resume: Bool
  ) throws(ExperimentError) {
    let configuration = Configuration(
      norm: study.norm, gap: study.budget.gap, nodes: study.budget.nodes,
      seconds: study.budget.seconds.isFinite ? study.budget.seconds : nil, attack: study.attack,
      smoothing: study.smoothing, seed: study.seed,
      respectsBox: study.respectsBox ? true : nil)
    folder = try CertificationFolder(
      path, configuration: configuration, seed: study.seed, model: StoredModel(network),
      data: data, reference: reference, names: names, resume: resume)
    self.study = study
  }

  private var directory: RunDirectory { folder.directory }
  private var files: CertificateFiles { folder.files }
  private var identity: String { folder.identity }

  /// Where the attack keeps its chunks.
  var attackStore: AttackCheckpoint { folder.attackStore }

  /// Writes the network that all certificates speak about.
  func begin(_ effective: EffectiveNetwork) throws(ExperimentError) {
    try CertificateFiles.write(effective, to: files.network)
  }

  /// Notes the seconds.
  func end() throws(ExperimentError) { try folder.end() }

  /// Writes a finished sample.
  func keep(_ sample: CertifiedRadius) throws(ExperimentError) {
    if sample.status != .misclassified {
      try CertificateFiles.write(
        SampleCertificate(sample, norm: study.norm), to: files.certificate(sample.index))
    }
    try CertificateFiles.write(
      Outcome(
        identity: identity, index: sample.index, label: sample.label, lower: sample.lower,
        proved: sample.proved, upper: sample.upper, status: sample.status, nodes: sample.nodes,
        perturbation: sample.perturbation),
      to: folder.result(sample.index))
  }

  /// The samples that an earlier process has finished; nil for the others.
  func known(_ network: PReLUNetwork<Float>, effective: EffectiveNetwork, data: Dataset)
    throws(ExperimentError) -> [CertifiedRadius?]
  {
    let there = (0..<data.count).map { directory.exists(CertificateFiles.result($0)) }
    guard there.contains(true) else { return there.map { _ in nil } }
    let checker: CertificateChecker<Float>
    let box = study.respectsBox ? data.validInputs : nil
    do {
      checker = try CertificateChecker(
        network, effective: effective, box: box?.map { Double($0) })
    } catch {
      throw .failed("\(files.network): \(error)")
    }
    return folder.known(data.count) { index throws(ExperimentError) in
      try stored(index, network, checker, data)
    }
  }

  private func stored(
    _ index: Int, _ network: PReLUNetwork<Float>, _ checker: CertificateChecker<Float>,
    _ data: Dataset
  ) throws(ExperimentError) -> CertifiedRadius {
    let path = folder.result(index)
    let found: Outcome = try CertificateFiles.read(path)
    func refuse(_ reason: String) -> ExperimentError { .usage("\(path): \(reason)") }
    guard found.identity == identity, found.index == index, found.label == data.labels[index] else {
      throw refuse("is about another sample, network or search")
    }
    let input = data.inputs.row(index)
    let lengths = (found.lower, found.proved, found.upper)
    guard lengths.0 >= 0, lengths.0 <= lengths.2, lengths.1 >= lengths.0, lengths.0.isFinite,
      found.nodes >= 0
    else { throw refuse("its bounds are none") }
    var certificates: [BranchCertificate] = []
    if found.status == .misclassified {
      guard lengths == (0, 0, 0), found.perturbation.isEmpty,
        Self.prediction(network, input.map { Double($0) }) != found.label
      else { throw refuse("the network classifies the sample correctly") }
    } else {
      let certificatePath = files.certificate(index)
      let certificate: SampleCertificate = try CertificateFiles.read(certificatePath)
      guard certificate.index == index, certificate.label == found.label,
        certificate.norm == study.norm, certificate.lower == found.lower
      else { throw .usage("\(certificatePath): is about another sample, norm or radius") }
      let proved: Double
      do { proved = try checker.check(certificate, input: input) } catch {
        throw .usage("\(certificatePath): \(error)")
      }
      certificates = certificate.branches
      guard fools(found.perturbation, size: lengths.2, network, input, found.label),
        isValid(found.perturbation, input, data)
      else {
        throw refuse("its perturbation does not fool the network at the upper bound")
      }
      // What contradicts itself is certified again, and says so if it does so then.
      guard max(proved, lengths.1) <= lengths.2 * (1 + 1e-9), found.status != .contradictory else {
        throw refuse("a proof exceeds a perturbation")
      }
      let isExact = lengths.2.isFinite && lengths.2 - lengths.0 <= study.budget.gap * lengths.2
      guard (found.status == .exact) == isExact,
        found.status != .unreachable || lengths.2 == .infinity
      else { throw refuse("is called what it is not") }
    }
    return CertifiedRadius(
      storedIndex: index, label: found.label, lower: lengths.0, proved: lengths.1, upper: lengths.2,
      status: found.status, nodes: found.nodes, seconds: 0, perturbation: found.perturbation,
      certificates: certificates)
  }

  /// Whether a perturbation has a size and changes the class; none has an infinite one.
  private func fools(
    _ perturbation: [Double], size: Double, _ network: PReLUNetwork<Float>, _ input: [Float],
    _ label: Int
  ) -> Bool {
    if perturbation.isEmpty { return size == .infinity }
    guard perturbation.count == input.count, perturbation.allSatisfy(\.isFinite),
      (study.norm.length(perturbation) / size - 1).magnitude <= 1e-12
    else { return false }
    return Self.prediction(network, zip(input, perturbation).map { Double($0) + $1 }) != label
  }

  /// Whether a perturbed input is in the box that the study respects, up to rounding.
  private func isValid(_ perturbation: [Double], _ input: [Float], _ data: Dataset) -> Bool {
    guard study.respectsBox, let box = data.validInputs else { return true }
    return perturbation.indices.allSatisfy { i in
      let range = box.range(at: i)
      let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
      let value = Double(input[i]) + perturbation[i]
      let room = 0x1p-50 * (value.magnitude + perturbation[i].magnitude)
      return low - room <= value && value <= high + room
    }
  }

  private static func prediction(_ network: PReLUNetwork<Float>, _ input: [Double]) -> Int {
    // As certificates see it: in double precision, the denormal numbers included.
    DenormalNumbers.kept {
      predictedClasses(network.converted(to: Double.self).referenceLogits(Matrix([input])))[0]
    }
  }

  /// The radius of a sample under smoothing, from an earlier process where there is one.
  func smoothed(_ index: Int, label: Int, _ compute: () -> SmoothedRadius) throws(ExperimentError)
    -> SmoothedRadius
  {
    let name = CertificateFiles.smoothed(index)
    if directory.exists(name) {
      do throws(ExperimentError) {
        let stored: Smoothed = try CertificateFiles.read(directory.path(name))
        let found = stored.radius
        if stored.identity == identity, found.index == index, found.label == label,
          found.radius >= 0, found.radius <= study.smoothing?.largestRadius ?? 0
        {
          return found
        }
        ProgressReporter.warn("\(directory.path(name)): is about another sample or search")
      } catch { ProgressReporter.warn("\(error); the sample is smoothed again") }
    }
    let radius = compute()
    try CertificateFiles.write(
      Smoothed(identity: identity, radius: radius), to: directory.path(name))
    return radius
  }
}
