import ArgumentParser
import Datasets
import Experiments
import Figures
import Runs
import Studies

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "List data sets, download one, or describe one.",
    discussion: """
        polyrelu data list
        polyrelu data fetch mnist
        polyrelu data info digits --labels parity
        polyrelu data info features.npz
      """,
    subcommands: [DataListCommand.self, DataFetchCommand.self, DataInfoCommand.self])
}

/// `polyrelu data list`.
struct DataListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the data sets with a name.",
    discussion: """
      The first split is the default of `data info` and `inspect`. Files are looked for in \
      $POLYRELU_DATA/NAME, in $POLYRELU_DATA and in the user's cache, where `data fetch` puts them. \
      Fashion-MNIST is also found where Debian's package dataset-fashion-mnist puts it.

        polyrelu data list --json
      """)

  @OptionGroup var format: FormatOptions

  func run() throws {
    let entries = DatasetCatalog.list()
    if format.json { return try Output.write(json: entries) }
    var table = TerminalTable(
      header: ["name", "here", "splits", "what"], alignments: [.left, .left, .left, .left])
    for entry in entries {
      table.append([
        entry.name, entry.isAvailable ? "yes" : "no", entry.splits.joined(separator: " "),
        entry.summary,
      ])
    }
    try Output.write(table.text)
  }
}

/// `polyrelu data info`.
struct DataInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Describe data: shape, classes, subclasses, distances, checksum.",
    discussion: """
      Half the distance between centres of different classes limits robustness: no network that is right \
      at both can withstand larger attacks at both.

        polyrelu data info digits --labels parity --split train
        polyrelu data info mixture --dimension 100 --samples 1000 --json
        polyrelu data info features.npz
      """)

  @Argument(
    help: """
      mixture, digits, mnist, fashion-mnist, cifar10, or a .npz, .safetensors, .npy or .csv file.
      """
  )
  var data: String

  @OptionGroup(title: "Data") var details: DataDetails
  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    let request = try details.request(data, seed: common.seed, run: nil)
    let description = DataDescription(try request.loadScaled())
    try Output.write(common.json ? JSONText.encode(description) : description.text)
  }
}
