import Foundation
import LinearCore

/// `polyrelu-benchmarks JOB [--option value]...` runs one job and prints one line of JSON;
/// `polyrelu-benchmarks FIGURE --results FILE --out DIR` draws what `run` or `scaling` have stored.
@main
enum Main {
  static let jobs: [any BenchmarkJob.Type] = [
    SGDEpochJob.self, TrainingRunJob.self, MNISTEpochJob.self, MNISTMetricsJob.self, APGDJob.self,
    EnsembleJob.self, MinimumNormJob.self, L2CurveJob.self, DistanceJob.self, GradientFlowJob.self,
    CertificateJob.self, LinfCertifyJob.self, DeepCertifyJob.self, StartUpJob.self,
    LoadMNISTJob.self, SGEMMJob.self,
    AdamJob.self, CIFAREpochJob.self, CIFARAPGDJob.self,
  ]
  static let figures: [any ResultFigure.Type] = [RatioFigure.self, ScalingFigure.self]

  static func main() {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      let name = arguments.first
      if let type = figures.first(where: { $0.name == name }) {
        var options = try Options(arguments.dropFirst())
        try draw(type, &options)
        return
      }
      guard let name, let type = jobs.first(where: { $0.name == name }) else {
        let names = (jobs.map { $0.name } + figures.map { $0.name }).joined(separator: ", ")
        throw UsageError(message: "expected a job or a figure, one of \(names)")
      }
      var options = try Options(arguments.dropFirst())
      let threads = try options.take("threads", default: 1, atLeast: 1)
      let job = try type.init(&options)
      try options.finish()
      Parallel.threadCount = threads
      print(try line(for: job, named: name, threads: threads))
    } catch let error as UsageError {
      fail(error.message, status: 2)
    } catch {
      fail("\(error)", status: 1)
    }
  }

  private static func line(for job: any BenchmarkJob, named name: String, threads: Int) throws
    -> String
  {
    var measured = try job.run()
    measured["job"] = .text(name)
    measured["threads"] = .count(threads)
    // Unless it is other processes whose memory counts.
    if measured["peakMemoryBytes"] == nil { measured["peakMemoryBytes"] = .count(peakMemory()) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(measured), as: UTF8.self)
  }

  private static func draw(_ type: any ResultFigure.Type, _ options: inout Options) throws {
    guard let results = options.take("results"), let out = options.take("out") else {
      throw UsageError(message: "\(type.name): expected --results FILE and --out DIR")
    }
    try options.finish()
    let figure = try type.init(Data(contentsOf: URL(fileURLWithPath: results)))
    print(try figure.write(in: URL(fileURLWithPath: out)))
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("error: \(message)\n".utf8))
    exit(status)
  }
}
