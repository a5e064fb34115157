import Formats
import LinearCore
import Networks
import Runs

extension FlowTrajectory {
  /// Every neuron at every record: `time` (T), `logContribution` (T, neurons), `cosine` (T, neurons,
  /// directions).
  var tensors: [String: Tensor] {
    let width = neurons.first?.logContributions.count ?? 0
    let directions = neurons.first?.cosines.columns ?? 0
    return [
      "time": ModelFile.tensor(records.map(\.time)),
      "logContribution": Tensor(
        shape: [neurons.count, width], elements: .float32(neurons.flatMap(\.logContributions))),
      "cosine": Tensor(
        shape: [neurons.count, width, directions],
        elements: .float32(neurons.flatMap(\.cosines.elements))),
    ]
  }

  /// The trajectory of a checkpoint.
  init(records: [FlowRecord], stride: Int, file: Safetensors, path: String) throws(FormatError) {
    let logs = try file.tensor("logContribution", path: path)
    let cosines = try file.tensor("cosine", path: path)
    guard logs.shape.count == 2, cosines.shape.count == 3, logs.shape[0] == records.count,
      Array(cosines.shape.prefix(2)) == logs.shape
    else { throw FormatError(path: path, "its records and its neurons do not fit together") }
    let (width, directions) = (logs.shape[1], cosines.shape[2])
    let (logValues, cosineValues) = (logs.floats, cosines.floats)
    let neurons = records.indices.map { t in
      NeuronSnapshot(
        logContributions: Array(logValues[t * width..<(t + 1) * width]),
        cosines: Matrix(
          rows: width, columns: directions,
          elements: Array(
            cosineValues[t * width * directions..<(t + 1) * width * directions])))
    }
    self.init(records: records, neurons: neurons, stride: stride)
  }

  /// Writes `metrics.csv`, a row a record, and `results/neurons.npz` with ``tensors`` and the names of
  /// the directions as columns of `results/directions.csv`.
  func write(to directory: RunDirectory, directions: [String]) throws {
    _ = try directory.folder("results")
    try table.write(to: directory.path("metrics.csv"))
    try NPZ.write(tensors, to: directory.path("results/neurons.npz"), isCompressed: true)
    var names = CSVTable()
    names.append("index", Array(directions.indices))
    names.append("direction", directions)
    try names.write(to: directory.path("results/directions.csv"))
  }

  /// A row a record.
  var table: CSVTable {
    var table = CSVTable()
    func append(_ name: String, _ value: (FlowRecord) -> Double) {
      table.append(name, records.map(value))
    }
    append("time") { $0.time }
    table.append("phase", records.map(\.phase))
    append("loss") { $0.loss }
    append("lossTimesTime") { $0.loss * $0.time }
    append("accuracy") { $0.accuracy }
    append("largestOutput") { $0.largestOutput }
    append("smallestMargin") { $0.smallestMargin }
    append("logTotalContribution") { $0.logTotalContribution }
    table.append("effectiveNeurons", records.map(\.effectiveNeurons))
    table.append("deadNeurons", records.map(\.deadNeurons))
    table.append("patternFlips", records.map(\.patternFlips))
    append("subclassCosineLowerQuartile") { $0.subclassCosines?.lower ?? .nan }
    append("subclassCosineMedian") { $0.subclassCosines?.median ?? .nan }
    append("subclassCosineUpperQuartile") { $0.subclassCosines?.upper ?? .nan }
    append("classCosineLowerQuartile") { $0.classCosines.lower }
    append("classCosineMedian") { $0.classCosines.median }
    append("classCosineUpperQuartile") { $0.classCosines.upper }
    append("dominantSubclassCosine") { $0.dominantSubclassCosine ?? .nan }
    append("weightStableRank") { $0.weightStableRank }
    append("featureStableRank") { $0.featureStableRank }
    append("balancednessDrift") { $0.balancednessDrift }
    append("idealDistance") { $0.idealDistance ?? .nan }
    return table
  }
}
