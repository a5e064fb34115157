import Foundation

/// From the start of the program `polyrelu` to its end, when it has nothing to do but to say its version;
/// the peer is `import torch`, `peers/start_up.py`.
///
/// Memory is that of the started program.
struct StartUpJob: BenchmarkJob {
  static let name = "start-up"

  private let program: String
  private let repeats: Int

  init(_ options: inout Options) throws(UsageError) {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    program = options.take("program") ?? own.appendingPathComponent("polyrelu").path
    repeats = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    var timings: [Timing] = []
    for _ in 0..<repeats {
      timings.append(
        try .measure {
          let process = Process()
          process.executableURL = URL(fileURLWithPath: program)
          process.arguments = ["--version"]
          process.standardOutput = FileHandle.nullDevice
          // Sooner than `waitUntilExit`, which looks every 50 ms.
          let ended = DispatchSemaphore(value: 0)
          process.terminationHandler = { _ in ended.signal() }
          try process.run()
          ended.wait()
          guard process.terminationStatus == 0 else {
            throw UsageError(message: "\(program) --version: status \(process.terminationStatus)")
          }
        })
    }
    return [
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSeconds": .number(median(timings.map(\.wall))),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "peakMemoryBytes": .count(peakMemory(ofChildren: true)),
    ]
  }
}
