import CPolyReLU
import Experiments
import Runs

private struct ExperimentRunOptions: Options {
  static let names: Set = [
    "name", "preset", "seed", "data", "repeats", "settings", "out", "resume",
  ]
  let name: String
  let preset: String?
  let seed: UInt64?
  let data: String?
  let repeats: Int?
  /// Lines KEY=VALUE.
  let settings: [String]?
  let out: String
  let resume: Bool?

  func experiment() throws(ExperimentError) -> any Experiment {
    var options = ExperimentOptions(
      preset: try choice(preset, "preset", default: .quick), seed: seed ?? 0, data: data,
      repeats: try positive(repeats, "repeats"))
    options.isSeedGiven = seed != nil
    for line in settings ?? [] {
      guard let change = SettingChange(parsing: line) else {
        throw .usage("settings: '\(line)' is no change of a setting, expected KEY=VALUE")
      }
      options.changes.append(change)
    }
    return try ExperimentCatalog.make(named: name, options)
  }
}

private struct ExperimentDocument: Encodable {
  let directory: String
  let report: String
  let flags: [String]
}

/// `polyrelu_experiment`, as `polyrelu.h` describes it.
@c(polyrelu_experiment)
public func experiment(
  _ options: UnsafePointer<CChar>?, _ job: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try ExperimentRunOptions.read(options)
    let experiment = try options.experiment()
    if options.out.isEmpty { throw .usage("out is empty, expected a directory") }
    let work = try Job { (job) throws(ExperimentError) in
      let outcome = try experiment.run(
        out: options.out, resume: options.resume ?? false, progress: job.progress)
      return ResultDocument(
        ExperimentDocument(
          directory: options.out, report: outcome.report, flags: outcome.flags))
    }
    job?.pointee = Handle.make(work)
  }
}
