import Foundation
import LinearCore

/// `polyrelu-benchmarks JOB [--option value]...` runs one job and prints one line of JSON.
@main
enum Main {
  static let jobs: [any BenchmarkJob.Type] = [
    SGDEpochJob.self, MNISTEpochJob.self, MNISTMetricsJob.self, APGDJob.self, EnsembleJob.self,
    L2CurveJob.self, LinfCertifyJob.self, SGEMMJob.self, AdamJob.self,
  ]

  static func main() {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      let names = jobs.map { $0.name }.joined(separator: ", ")
      guard let name = arguments.first, let type = jobs.first(where: { $0.name == name }) else {
        throw UsageError(message: "expected a job, one of \(names)")
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
    measured["peakMemoryBytes"] = .count(peakMemory())
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(measured), as: UTF8.self)
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("error: \(message)\n".utf8))
    exit(status)
  }
}
