import Datasets
import Formats
import LinearCore
import Networks
import Runs

/// What a model expects inputs standardised by, as options hold it.
struct Standardization {
  let mean: [Double]?
  let deviation: [Double]?

  /// The network as one of raw inputs.
  ///
  /// - Parameter folded: whether it has to be folded into the weights.
  func applied(to model: StoredModel, for data: Dataset, folded isFolded: Bool = false)
    throws(ExperimentError) -> StoredModel
  {
    if mean == nil && deviation == nil { return model }
    let mean = try spread(mean ?? [0], "input-mean", data)
    let deviation = try spread(deviation ?? [1], "input-std", data)
    let range = 1e-30...1e30
    if let wrong = deviation.first(where: { !range.contains($0) }) {
      throw .usage("\(SettingName("input-std")) is \(wrong), expected numbers from 1e-30 to 1e30")
    }
    if let wrong = mean.first(where: { !($0.magnitude <= 1e30) }) {
      throw .usage("\(SettingName("input-mean")) is \(wrong), expected numbers up to 1e30")
    }
    guard isFolded else { return try model.standardizingInputs(mean: mean, deviation: deviation) }
    guard let folded = model.foldingStandardization(mean: mean, deviation: deviation) else {
      throw .usage(
        "\(SettingName("input-mean")): certificates need a network without input normalisation, into whose weights it "
          + "can be folded")
    }
    return folded
  }

  private func spread(_ values: [Double], _ setting: String, _ data: Dataset)
    throws(ExperimentError) -> [Double]
  {
    do throws(SpreadProblem) { return try data.spread(values) } catch {
      throw .usage("\(SettingName(setting)) \(error.description)")
    }
  }
}

extension Model {
  /// Data with labels as the model numbers its classes, in the order of coordinates that it reads.
  func labelled(_ data: DataHandle) throws(ExperimentError) -> Dataset {
    switch kind {
    case .stored(let loaded): return try loaded.fitted(data.dataset)
    case .functions(let functions, let classes):
      let dataset = try checked(data.dataset, functions)
      do {
        return try dataset.numbered(
          by: classes ?? ClassLabel.numbers(max(2, functions.outputs)),
          count: max(2, functions.outputs), of: "the model")
      } catch { throw .usage("\(error)") }
    }
  }

  /// Data in the order of coordinates that the model reads, whatever their labels.
  func unlabelled(_ data: DataHandle) throws(ExperimentError) -> Dataset {
    switch kind {
    case .stored(let loaded): return try loaded.checked(data.dataset)
    case .functions(let functions, _): return try checked(data.dataset, functions)
    }
  }

  private func checked(_ data: Dataset, _ functions: FunctionModel) throws(ExperimentError)
    -> Dataset
  {
    guard data.dimension == functions.dimension else {
      throw .usage(
        "\(data.name): samples have \(data.dimension) coordinates, expected \(functions.dimension) as the model takes"
      )
    }
    return data
  }

  /// The model with data in units that single precision computes with.
  func fitted(
    to data: Dataset, reference: Dataset?, standardization: Standardization, job: Job
  ) throws(ExperimentError) -> FittedModel {
    switch kind {
    case .stored(let loaded):
      return try standardization.applied(to: loaded.network, for: data)
        .fitted(to: data, reference: reference)
    case .functions(let functions, _):
      if standardization.mean != nil || standardization.deviation != nil {
        throw .usage(
          "\(SettingName("input-mean")): functions standardise their inputs themselves, expected none"
        )
      }
      return try FittedModel(
        unscaled: FunctionClassifier<Float>(model: functions, job: job), data: data,
        reference: reference)
    }
  }
}
