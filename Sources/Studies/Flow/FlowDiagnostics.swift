import Alignment
import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Training

/// Reads records off the states of a gradient flow.
///
/// Nothing here depends on the scale of the weights: a state is read through the network whose largest
/// neuron has length 1, so that weights of 1e-80 show their directions as well as any others.
struct FlowDiagnostics {
  let directions: ReferenceDirections
  private let inputs: PreparedInputs<Float>
  private let labels: [Int]
  private let loss: Loss
  private let initialState: FlowState
  var width: Int { initialState.layout.hiddenWidth }
  /// Neurons times samples.
  var patternCount: Int { width * labels.count }
  /// Whether neuron j was active on sample i at the last record, (neurons, samples) as 0 and 1.
  var pattern: [UInt8]?

  init(data: Dataset, initialState: FlowState, loss: Loss) {
    let network = initialState.network(logScale: -initialState.largestLogNorm)
    directions = data.referenceDirections(center: network.center?.map { Float($0) })
    inputs = network.converted(to: Float.self).prepare(data.inputs)
    labels = data.labels
    self.loss = loss
    self.initialState = initialState
  }

  /// The record of a state.
  mutating func record(
    _ state: FlowState, time: Double, observation: FlowObservation, phase: String
  ) -> (record: FlowRecord, neurons: NeuronSnapshot) {
    let shift = state.largestLogNorm
    let network = state.network(logScale: -shift).converted(to: Float.self)
    let contributions = NeuronContributions(network)
    // Neurons far smaller than the largest are 0 in `network`; their directions are not.
    let unit = state.directions.converted(to: Float.self)
    let active = activePattern(unit)
    let living = (0..<network.hiddenWidth).filter { j in
      active[j * labels.count..<(j + 1) * labels.count].contains(1)
    }
    let flips = pattern.map { zip($0, active).count { $0 != $1 } } ?? 0
    pattern = active
    let cosines = Matrix.product(
      state.inputDirections.converted(to: Float.self), directions.vectors, transposeB: true)
    func best(_ neurons: [Int], _ range: Range<Int>) -> [Double] {
      neurons.map { j in range.map { Double(cosines[j, $0]) }.max() ?? .nan }
    }
    let hasSubclasses = !directions.groupRange.isEmpty
    let statistics = network.featureStatistics(inputs, labels: labels, loss: loss)
    let record = FlowRecord(
      time: time, phase: phase, loss: observation.loss, accuracy: observation.accuracy,
      largestOutput: observation.largestOutput, smallestMargin: observation.smallestMargin,
      logTotalContribution: log(contributions.total) + 2 * shift,
      effectiveNeurons: contributions.effectiveNeurons(),
      deadNeurons: network.hiddenWidth - living.count, patternFlips: flips,
      subclassCosines: hasSubclasses ? Quartiles(best(living, directions.groupRange)) : nil,
      classCosines: Quartiles(best(living, directions.classRange)),
      dominantSubclassCosine: hasSubclasses
        ? median(best(contributions.dominant(), directions.groupRange)) ?? .nan : nil,
      weightStableRank: network.hiddenWeights.stableRank(),
      featureStableRank: statistics.stableRank,
      balancednessDrift: state.balancednessDrift(since: initialState))
    let logs = state.logContributions.map { Float($0) }
    return (record, NeuronSnapshot(logContributions: logs, cosines: cosines))
  }

  private func activePattern(_ directions: Matrix<Float>) -> [UInt8] {
    Matrix.product(directions, inputs.rows, transposeB: true).elements.map {
      $0 > 0 ? 1 : 0
    }
  }
}
