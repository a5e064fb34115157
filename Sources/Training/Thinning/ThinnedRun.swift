import Formats
import LinearCore
import Networks

/// What a thinned run knows about its neurons between two epochs, besides the network: part of a checkpoint.
struct ThinningState<Scalar: LinearScalar>: Sendable, Equatable {
  var waiting: WaitingNeurons<Scalar>?
  var motion: [NeuronMotion]

  /// Nothing known.
  init(hiddenWidth: Int) {
    motion = [NeuronMotion](repeating: .init(), count: hiddenWidth)
  }

  /// Whether it can be that of a network and a number of training samples.
  func fits(_ network: PReLUNetwork<Scalar>, samples: Int) -> Bool {
    let width = network.hiddenWidth
    return motion.count == width
      && motion.allSatisfy { $0.rate >= 0 && $0.time.isFinite && !$0.acceleration.isNaN }
      && waiting.map {
        $0.schedule.interval >= 1 && (0...$0.schedule.interval).contains($0.schedule.elapsed)
          && $0.impulses.isFinite() && $0.impulses.rows == network.outputCount
          && $0.impulses.columns == samples
          && $0.neurons.count < width && Set($0.neurons).count == $0.neurons.count
          && $0.neurons.allSatisfy { (0..<width).contains($0) }
      } ?? true
  }

  /// The tensors of a checkpoint, by name.
  var tensors: [String: Tensor] {
    var result = [
      "rates": ModelFile.tensor(motion.map(\.rate)), "times": ModelFile.tensor(motion.map(\.time)),
      "accelerations": ModelFile.tensor(motion.map(\.acceleration)),
    ]
    if let waiting { result["impulses"] = ModelFile.tensor(waiting.impulses) }
    return result
  }

  /// The state in a checkpoint, nil where the run was not thinned.
  init?(
    _ file: Safetensors, prefix: String, schedule: WaitingNeurons<Scalar>.Schedule?, path: String
  ) throws(FormatError) {
    guard file.tensors[prefix + "rates"] != nil else { return nil }
    let rates: [Double] = try ModelFile.vector(file, prefix + "rates", path)
    let times: [Double] = try ModelFile.vector(file, prefix + "times", path)
    let accelerations: [Double] = try ModelFile.vector(file, prefix + "accelerations", path)
    guard times.count == rates.count, accelerations.count == rates.count else {
      throw FormatError(path: path, "the tensors \(prefix)* have different lengths")
    }
    motion = rates.indices.map {
      NeuronMotion(rate: rates[$0], time: times[$0], acceleration: accelerations[$0])
    }
    if let schedule {
      waiting = WaitingNeurons(
        schedule: schedule, impulses: try ModelFile.matrix(file, prefix + "impulses", path))
    }
  }
}

/// A run that leaves out work that changes nothing; see ``Thinning``.
struct ThinnedRun<Scalar: LinearScalar>: Sendable {
  let tolerances: Thinning
  /// max_i ||x_i||^p, times ||x_i|| with input normalisation: |v_j| ||w_j|| times this bounds what neuron j
  /// adds to a margin.
  let reach: Double
  var state: ThinningState<Scalar>
  var record = ThinningRecord()

  /// The start of a run.
  init(_ tolerances: Thinning, network: PReLUNetwork<Scalar>, inputs: PreparedInputs<Scalar>) {
    self.tolerances = tolerances
    state = ThinningState(hiddenWidth: network.hiddenWidth)
    let norms = inputs.rows.rowNorms()
    reach = norms.indices.reduce(0) { largest, i in
      let power = Double(Scalar.power(norms[i], Scalar(network.exponent)))
      return max(largest, power * Double(inputs.outputScales?[i] ?? 1))
    }
  }

  /// The neurons that step in the next epoch.
  func merged(_ network: PReLUNetwork<Scalar>, batchSize: Int) -> MergedNetwork<Scalar> {
    let waiting = Set(state.waiting?.neurons ?? [])
    let proportional = ProportionalNeurons(network: network, tolerance: tolerances.proportionality)
    // While weights grow tenfold within an epoch, small differences matter too much.
    let groups = proportional.groups(
      of: (0..<network.hiddenWidth).filter { !waiting.contains($0) },
      mergeable: { state.motion[$0].isSettled(change: Self.mergeableChange) })
    return MergedNetwork(network, groups: groups, batchSize: batchSize)
  }

  private static var mergeableChange: Double { 0.1 }

  /// What an update of a waiting neuron costs, in epochs of steps: its gradient is formed twice.
  static var updateCost: Double { 2 }

  /// Ends an epoch: moves every neuron of the whole network that is due, and decides which wait next.
  ///
  /// - Parameters:
  ///   - epoch: counted from 1.
  ///   - isLast: whether nothing follows, so that nothing may wait any longer.
  mutating func finish(
    epoch: Int, isLast: Bool, merged: MergedNetwork<Scalar>,
    network: inout PReLUNetwork<Scalar>, inputs: PreparedInputs<Scalar>
  ) {
    let width = network.hiddenWidth
    record.epochsOfWork += Double(merged.groups.count) / Double(width)
    record.largestDisproportion = max(record.largestDisproportion, merged.disproportion)
    var costs = [Double](repeating: 1, count: width)
    for (group, change) in zip(merged.groups, merged.carryOver(to: &network)) {
      for neuron in group.members {
        state.motion[neuron].observe(rate: change, at: Double(epoch) - 0.5)
        costs[neuron] = 1 / Double(group.members.count)
      }
    }
    state.waiting?.schedule.elapsed += 1
    let due = state.waiting
    if let due {
      guard isLast || due.isDue else { return }
      move(due, epoch: epoch, network: &network, inputs: inputs)
    }
    let margins = margins(network)
    if let due {
      record.largestWaitingMargin = max(
        record.largestWaitingMargin, due.neurons.reduce(0) { $0 + margins[$1] })
    }
    state.waiting = WaitingNeurons(
      after: epoch, motion: state.motion, margins: margins, costs: costs,
      outputs: network.outputCount, samples: inputs.rows.rows, tolerances: tolerances)
  }

  private mutating func move(
    _ due: WaitingNeurons<Scalar>, epoch: Int, network: inout PReLUNetwork<Scalar>,
    inputs: PreparedInputs<Scalar>
  ) {
    let elapsed = due.schedule.elapsed
    let moved = network.apply(impulses: due.impulses, to: due.neurons, inputs: inputs)
    for (neuron, change) in zip(due.neurons, moved) {
      // The middle of the time for which they waited.
      state.motion[neuron].observe(
        rate: change / Double(elapsed), at: Double(epoch) - 0.5 * Double(elapsed))
      record.largestWaitingChange = max(record.largestWaitingChange, change)
    }
    record.epochsOfWork += Self.updateCost * Double(due.neurons.count) / Double(network.hiddenWidth)
  }

  /// max_c |v_cj| ||w_j|| times the reach.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func margins(_ network: PReLUNetwork<Scalar>) -> [Double] {
    network.hiddenWeights.rowNorms().enumerated().map { j, norm in
      let largest = (0..<network.outputCount).reduce(Scalar(0)) {
        max($0, network.outputWeights[$1, j].magnitude)
      }
      return Double(norm) * Double(largest) * reach
    }
  }
}
