import Datasets
import Formats
import LinearCore
import Networks
import Training

/// The shape of a network to be trained, and how its weights start.
public struct ModelConfiguration: Codable, Sendable, Equatable {
  /// The degree p.
  public var exponent: Double
  /// Hidden neurons.
  public var hiddenWidth: Int
  /// How weights are drawn.
  public var initialization: Initialization
  /// Whether outputs have a bias.
  public var bias: Bool
  /// Whether the mean training input is subtracted.
  public var center: Bool
  /// Whether features are divided by ||x - center||^(p-1).
  public var normalizeInput: Bool
  /// Whether hidden neurons have biases; not together with ``normalizeInput``.
  public var hasHiddenBias: Bool {
    get { hiddenBias ?? false }
    set { hiddenBias = newValue ? true : nil }
  }
  /// Whether output weights start at ±1/hiddenWidth, with several outputs at 1/hiddenWidth for one class a neuron.
  public var hasConstantOutput: Bool {
    get { constantOutput ?? false }
    set { constantOutput = newValue ? true : nil }
  }
  /// Nil for the default, so that files of other runs stay as they are.
  private var hiddenBias: Bool?
  private var constantOutput: Bool?

  /// A configuration.
  public init(
    exponent: Double, hiddenWidth: Int, initialization: Initialization = .gaussian(scale: 1e-7),
    bias: Bool = false, center: Bool = false, normalizeInput: Bool = false,
    hasHiddenBias: Bool = false, hasConstantOutput: Bool = false
  ) {
    self.exponent = exponent
    self.hiddenWidth = hiddenWidth
    self.initialization = initialization
    self.bias = bias
    self.center = center
    self.normalizeInput = normalizeInput
    self.hasHiddenBias = hasHiddenBias
    self.hasConstantOutput = hasConstantOutput
  }

  /// The outputs of a network for some data, if it has no more weights than a network may have.
  private func checkedOutputCount(data: Dataset, loss: Loss) throws(ExperimentError) -> Int {
    let outputCount = loss.isBinary ? 1 : max(2, data.classCount)
    let largest =
      PReLUNetwork<Float>.maximumWeightCount / max(1, data.dimension + outputCount)
    guard (1...max(1, largest)).contains(hiddenWidth) else {
      throw .usage(
        "\(SettingName("width")) is \(hiddenWidth), expected 1 to \(max(1, largest)) for \(data.dimension) coordinates and "
          + "\(outputCount) outputs")
    }
    guard !hasConstantOutput || hiddenWidth >= outputCount else {
      throw .usage(
        "\(SettingName("width")) is \(hiddenWidth), expected at least \(outputCount): constant output weights need a "
          + "neuron for each of the \(outputCount) outputs")
    }
    return outputCount
  }

  /// Refuses a width with which a step would take more memory than there is.
  func checkMemory(data: Dataset, loss: Loss, batchSize: Int) throws(ExperimentError) {
    let outputCount = try checkedOutputCount(data: data, loss: loss)
    let batch = min(batchSize, data.count)
    // Weights, their gradients and running averages; features and slopes of a batch; in single precision.
    let weights = 4 * hiddenWidth * (data.dimension + outputCount)
    let (features, overflow) = hiddenWidth.multipliedReportingOverflow(by: 2 * batch)
    let bytes = overflow || features > 1 << 60 ? Int.max : 4 * (weights + features)
    // Nothing of it is copied.
    if let problem = MemoryBudget.problem(bytes / 3) {
      throw .usage(
        "\(SettingName("width")) is \(hiddenWidth): a step with a batch of \(batch) samples \(problem)"
      )
    }
  }

  /// The untrained network for some data.
  public func makeNetwork<Scalar: LinearScalar>(
    data: Dataset, loss: Loss, seed: UInt64
  ) throws(ExperimentError) -> PReLUNetwork<Scalar> {
    let outputCount = try checkedOutputCount(data: data, loss: loss)
    do {
      return try PReLUNetwork(
        inputDimension: data.dimension, hiddenWidth: hiddenWidth,
        outputCount: outputCount, exponent: exponent,
        initialization: initialization, bias: bias,
        center: center ? data.inputs.columnMeans().map { Scalar($0) } : nil,
        normalizeInput: normalizeInput, hasHiddenBias: hasHiddenBias,
        hasConstantOutput: hasConstantOutput,
        stream: RandomStream(seed: seed).child("initialisation"))
    } catch { throw ExperimentError(error) }
  }
}
