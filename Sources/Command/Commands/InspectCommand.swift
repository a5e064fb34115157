import Alignment
import ArgumentParser
import Datasets
import DeepNetworks
import Experiments
import Figures
import LinearCore
import Networks
import Runs
import Studies

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Look inside a network: effective neurons, rank, alignment.",
    discussion: """
      Dominant neurons are the fewest that hold 99% of all contributions |v| ||w||. With data, their \
      cosines to class means and subclass centres show what the network has learned. For a deep network \
      the command lists layers, shapes, weight norms and stable ranks.

        polyrelu inspect --model runs/mixture
        polyrelu inspect --model runs/mixture --data mixture
        polyrelu inspect --model net.safetensors --p 3 --no-normalize-input --json
      """)

  @OptionGroup(title: "Network") var model: ModelOptions

  @Option(
    help: """
      mixture, digits, mnist, fashion-mnist, cifar10, or a .npz, .safetensors, .npy or .csv file.
      """
  )
  var data: String?

  @OptionGroup(title: "Data") var details: DataDetails

  @Option(
    parsing: .unconditional, help: "Dominant neurons to list. (default: 12)",
    transform: ArgumentText.index)
  var neurons = 12

  @OptionGroup(title: "Common") var common: CommonOptions

  func run() throws {
    common.apply()
    let loaded = try model.load()
    if loaded.network.graph != nil {
      throw ExperimentError.usage(
        "--model \(model.model): is an imported network of layers; inspect is for networks of pReLU neurons, "
          + "see `polyrelu model info`")
    }
    if let deep = loaded.network.deep { return try inspect(deep, loaded) }
    guard let data else {
      let (network, scale) = try loaded.network.rebalanced()
      let inspection = try NetworkInspection(network, contributionScale: scale)
      return try Output.write(common.json ? JSONText.encode(inspection) : text(inspection))
    }
    let fitted = try loaded.network.fitted(to: load(data, for: loaded))
    guard let network = fitted.network else { return }
    if let warning = fitted.warning { common.makeProgress().warn(warning) }
    let inspection = try NetworkInspection(
      network, data: fitted.data, contributionScale: fitted.contributionScale)
    if common.json { return try Output.write(json: inspection) }
    let cosines = CosineTable(network: network, data: fitted.data, limit: neurons)
    try Output.write(text(inspection) + (neurons > 0 ? "\n" + cosines.text : ""))
  }

  private func inspect(_ network: DeepNetwork<Float>, _ loaded: LoadedModel) throws {
    let samples = try data.map { try load($0, for: loaded).inUserUnits() }
    try DeepNetworkReport(network, classes: loaded.classes, data: samples).write(json: common.json)
  }

  private func load(_ data: String, for loaded: LoadedModel) throws -> Dataset {
    let run = try model.runDescription()
    let request = try details.request(data, seed: common.seed, run: run)
    let samples = try loaded.fitted(request.loadScaled())
    model.warn(of: samples, request, run)
    return samples
  }

  private func text(_ inspection: NetworkInspection) -> String {
    var table = TerminalTable(header: ["network", ""])
    table.append(["p", "\(Format.significant(inspection.p))"])
    table.append(["inputs", "\(inspection.inputDimension)"])
    table.append(["outputs", "\(inspection.outputCount)"])
    Format.append(inspection, to: &table)
    table.append(["total contribution", Format.significant(inspection.totalContribution)])
    if let accuracy = inspection.accuracy { table.append(["accuracy", Format.share(accuracy)]) }
    return table.text
  }
}
