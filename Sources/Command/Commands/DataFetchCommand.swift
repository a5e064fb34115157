import ArgumentParser
import Datasets
import Experiments
import Foundation
import Runs
import Studies

/// `polyrelu data fetch`.
struct DataFetchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Download a data set into the user's cache.",
    discussion: """
      Files come from the public mirrors in turn, or from one of yours. curl must be installed. An \
      interrupted download is resumed. A file counts only after its checksum has been verified. What is \
      in the cache already is verified and kept. The cache is $XDG_CACHE_HOME/polyrelu or \
      ~/.cache/polyrelu.

        polyrelu data fetch mnist
        polyrelu data fetch fashion-mnist --mirror http://localhost:8000/fashion/
      """)

  @Argument(help: "mnist, fashion-mnist or cifar10.")
  var name: String

  @Option(help: "The base address of the only mirror to use: http:// or https://.")
  var mirror: String?

  @OptionGroup var format: FormatOptions

  @Flag(help: "Show no progress.")
  var quiet = false

  func run() throws {
    let progress = ProgressReporter(quiet: quiet)
    let start = Date()
    let summary = try DataFetcher().fetch(name, mirror: mirror) { event in
      switch event {
      case .waiting: progress.note("waiting for another fetch of \(name)")
      case .warning(let text): progress.warn(text)
      case .progress(let file, let received, let expected):
        let share = min(1, Double(received) / Double(expected))
        progress.update(
          "\(file): \(Self.megabytes(received)) of about \(Self.megabytes(expected)) MB",
          fraction: share, since: start)
      }
    }
    progress.clear()
    if format.json { return try Output.write(json: summary) }
    let news =
      summary.downloaded.isEmpty
      ? "all \(summary.present.count) files are there, checksums verified"
      : "\(summary.downloaded.count) files downloaded, \(summary.present.count) were there, "
        + "checksums verified"
    try Output.write("\(name): \(news)\nfolder: \(summary.folder)\n")
  }

  private static func megabytes(_ bytes: Int) -> String {
    String(format: "%.1f", Double(bytes) / 1e6)
  }
}

extension DataFetchCommand: ResumableCommand {
  /// What has arrived stays, and the same command goes on with it.
  var keepsWork: Bool { true }
  var resume: Bool { true }
}
