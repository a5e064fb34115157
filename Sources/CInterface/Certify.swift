import BoundPropagation
import CPolyReLU
import Certification
import Datasets
import Formats
import LinearCore
import Runs
import Studies

private struct CertifyOptions: Options {
  static let names: Set = [
    "norm", "box", "seconds", "nodes", "gap", "attack", "seed", "certificates", "resume",
    "input_mean", "input_std",
  ]
  let norm: String?
  let box: Bool?
  let seconds: Double?
  let nodes: Int?
  let gap: Double?
  let attack: Bool?
  let seed: UInt64?
  let certificates: String?
  let resume: Bool?
  let inputMean: [Double]?
  let inputStd: [Double]?

  var standardization: Standardization { Standardization(mean: inputMean, deviation: inputStd) }

  func chosenNorm() throws(ExperimentError) -> Norm { try choice(norm, "norm", default: .l2) }

  /// - Parameter nodes: boxes to look at where nobody says how many, or for how long.
  func budget(nodes standard: Int) throws(ExperimentError) -> SearchBudget {
    var budget = SearchBudget()
    budget.nodes = try positive(nodes, "nodes") ?? standard
    if let gap {
      guard gap > 0, gap < 1 else {
        throw .usage("\(SettingName("gap")) is \(gap), expected a number between 0 and 1")
      }
      budget.gap = gap
    }
    if let seconds {
      guard seconds > 0, seconds.isFinite else {
        throw .usage("\(SettingName("timeout")) is \(seconds), expected a positive number")
      }
      budget.seconds = seconds
      if nodes == nil { budget.nodes = SearchBudget.asManyAsThereIsTimeFor }
    }
    return budget
  }
}

/// The parts of what is certified.
private struct Certified: @unchecked Sendable {
  let options: CertifyOptions
  let model: LoadedModel
  let samples: Dataset
  let reference: Dataset?
  let norm: Norm

  var isDeep: Bool { model.network.shallow == nil && model.network.extreme == nil }

  init(
    _ model: OpaquePointer?, _ data: OpaquePointer?, _ reference: OpaquePointer?,
    _ options: UnsafePointer<CChar>?
  ) throws(ExperimentError) {
    self.options = try CertifyOptions.read(options)
    norm = try self.options.chosenNorm()
    let handle = try Handle.object(model, Model.self, "model")
    self.model = try handle.stored(for: "certificates")
    samples = try handle.labelled(try Handle.object(data, DataHandle.self, "data"))
    self.reference =
      reference == nil
      ? nil : try handle.labelled(try Handle.object(reference, DataHandle.self, "reference"))
    if self.options.box == true, samples.validInputs == nil {
      throw .usage("\(SettingName("box")): \(samples.name) has no range of valid values")
    }
    if self.isDeep { try self.model.checkBounds(name: "the model") }
  }

  func fitted() throws(ExperimentError) -> FittedModel {
    let stored = try options.standardization.applied(
      to: model.network, for: samples, folded: !isDeep)
    return try stored.fitted(to: samples, reference: reference)
  }

  func deepStudy() throws(ExperimentError) -> DeepCertificationStudy {
    DeepCertificationStudy(
      norm: norm, budget: try options.budget(nodes: DeepCertificationStudy.standardParts),
      attack: options.attack ?? true ? "quick" : nil, respectsBox: options.box ?? false,
      seed: options.seed ?? 0)
  }

  func shallowStudy() throws(ExperimentError) -> CertificationStudy {
    var study = CertificationStudy(
      norm: norm, budget: try options.budget(nodes: SearchBudget().nodes),
      attack: options.attack ?? true ? "quick" : nil, seed: options.seed ?? 0)
    study.respectsBox = options.box ?? false
    return study
  }

  /// How run directories name model and data, which come from memory here.
  var names: AttackRun.Names {
    let request = DatasetRequest(data: samples.name)
    return AttackRun.Names(model: "model", data: request, reference: request)
  }

  func run(_ job: Job) throws(ExperimentError) -> ResultDocument {
    let fitted = try fitted()
    let resume = options.resume ?? false
    if isDeep {
      let study = try deepStudy()
      let store = try options.certificates.map { (path) throws(ExperimentError) in
        try DeepCertificationRun(
          path, study: study,
          model: options.standardization.applied(to: model.network, for: samples),
          data: fitted.data, reference: fitted.reference, names: names, resume: resume)
      }
      let result = try study.run(fitted, store: store, progress: job.progress)
      return document(result.samples, fitted, warning: nil)
    }
    guard let network = fitted.network else { throw .failed("the network has another form") }
    let study = try shallowStudy()
    let store = try options.certificates.map { (path) throws(ExperimentError) in
      try CertificationRun(
        path, study: study, network: network, data: fitted.data, reference: fitted.reference,
        names: names, resume: resume)
    }
    let result = try study.run(
      network, data: fitted.data, reference: fitted.reference, store: store,
      progress: job.progress)
    return document(result.samples, fitted, warning: fitted.warning)
  }

  func verify() throws(ExperimentError) -> [Double] {
    guard let certificates = options.certificates else {
      throw .usage("\(SettingName("certificates")) is missing, expected a directory")
    }
    let fitted = try fitted()
    if isDeep {
      return try DeepCertificationRun.check(
        certificates, deepStudy().certifier(fitted), data: fitted.data)
    }
    guard let network = fitted.network else { throw .failed("the network has another form") }
    return try CertificateStore(certificates).check(
      network, data: fitted.data, norm: norm,
      box: options.box ?? false ? fitted.data.validInputs : nil
    ).map { $0 * fitted.unit }
  }

  private func document(_ found: [CertifiedRadius], _ fitted: FittedModel, warning: String?)
    -> ResultDocument
  {
    let unit = fitted.unit
    let document = ResultDocument(
      CertifyDocument(
        norm: norm,
        medianGap: median(found.filter { $0.status != .misclassified }.map(\.gap)),
        contradictions: found.filter(\.isContradictory).map {
          "sample \($0.index): a \(norm.rawValue) radius of \(unit * $0.proved) was proved where a perturbation of size "
            + "\(unit * $0.upper) exists: the proof is wrong, please report it"
        }, warning: warning, classes: samples.classes))
    let statuses: [CertifiedRadius.Status] = [
      .exact, .unreachable, .bounded, .misclassified, .contradictory,
    ]
    document.add("lower", found.map { $0.lower * unit })
    document.add("upper", found.map { $0.upper * unit })
    document.add("labels", found.map(\.label))
    document.add("statuses", found.map { statuses.firstIndex(of: $0.status) ?? 0 })
    document.add("nodes", found.map(\.nodes))
    document.add("seconds", found.map(\.seconds))
    var perturbations = Matrix<Double>(rows: found.count, columns: fitted.data.dimension)
    for (row, sample) in found.enumerated() where !sample.perturbation.isEmpty {
      perturbations.setRow(row, sample.perturbation.map { $0 * unit })
    }
    document.add("perturbations", perturbations)
    return document
  }
}

private struct CertifyDocument: Encodable {
  let norm: Norm
  let medianGap: Double?
  let contradictions: [String]
  let warning: String?
  let classes: [ClassLabel]
}

/// `polyrelu_certify`, as `polyrelu.h` describes it.
@c(polyrelu_certify)
public func certify(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ reference: OpaquePointer?,
  _ options: UnsafePointer<CChar>?, _ job: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let certified = try Certified(model, data, reference, options)
    if certified.options.resume == true, certified.options.certificates == nil {
      throw .usage("\(SettingName("resume")): needs certificates, the directory to continue")
    }
    let work = try Job { (job) throws(ExperimentError) in try certified.run(job) }
    job?.pointee = Handle.make(work)
  }
}

/// `polyrelu_verify`, as `polyrelu.h` describes it.
@c(polyrelu_verify)
public func verify(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ options: UnsafePointer<CChar>?,
  _ job: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let certified = try Certified(model, data, nil, options)
    let work = try Job { (_) throws(ExperimentError) in
      let radii = try certified.verify()
      let document = ResultDocument([String: String]())
      document.add("radii", radii)
      return document
    }
    job?.pointee = Handle.make(work)
  }
}
