import ArgumentParser
import Experiments
import LinearCore
import Runs
import Studies

/// Options of every command that computes.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .customLong("seed"), parsing: .unconditional,
    help: """
      The seed of all random choices. The same seed gives the same bytes on the same kind of processor \
      and BLAS. (default: 0)
      """,
    transform: ArgumentText.seed)
  var givenSeed: UInt64?

  /// The seed, also where none is given.
  var seed: UInt64 { givenSeed ?? 0 }

  @Option(
    parsing: .unconditional,
    help: """
      Threads to use; never changes a result. (default: as many processors as affinity, the CPU quota of \
      the cgroup and SLURM_CPUS_PER_TASK all allow)
      """,
    transform: ArgumentText.threads)
  var threads: Int?

  @Flag(help: "Print the result as exactly one JSON document.")
  var json = false

  @Flag(help: "Show no progress.")
  var quiet = false

  /// Makes the number of threads count.
  func apply() {
    if let threads { Parallel.threadCount = threads }
  }

  /// Progress as these options want it.
  func makeProgress() -> ProgressReporter { ProgressReporter(quiet: quiet) }
}

/// The option of commands that only look something up.
struct FormatOptions: ParsableArguments {
  @Flag(help: "Print the result as exactly one JSON document.")
  var json = false
}
