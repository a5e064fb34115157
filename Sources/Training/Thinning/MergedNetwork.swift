import LinearCore
import Networks

/// The neurons that move in every step of an epoch, one for each group of proportional ones.
///
/// With the multiplicities m_r the outputs are sum_r m_r v_r h(w_r; x), while the gradients with respect
/// to w_r and v_r are those without m_r: a group moves as each of its members does.
struct MergedNetwork<Scalar: LinearScalar> {
  /// The groups, in the order of the hidden neurons of ``network``.
  let groups: [ProportionalGroup<Scalar>]
  /// w_r, m_r v_r, and the bias.
  private(set) var network: PReLUNetwork<Scalar>
  /// v_r: (outputs, groups).
  private var outputWeights: Matrix<Scalar>
  private let startWeights: Matrix<Scalar>
  private let startOutputs: Matrix<Scalar>
  private let multiplicities: [Scalar]
  private let pass: BatchPass<Scalar>

  /// The groups of a network; waiting neurons are in none.
  init(_ whole: PReLUNetwork<Scalar>, groups: [ProportionalGroup<Scalar>], batchSize: Int) {
    // Neurons of one sign beside each other let HiddenGradient leave out many samples.
    self.groups =
      groups.filter { $0.outputs[0] > 0 } + groups.filter { !($0.outputs[0] > 0) }
    let count = groups.count
    var weights = Matrix<Scalar>(rows: count, columns: whole.hiddenWeights.columns)
    var outputs = Matrix<Scalar>(rows: whole.outputCount, columns: count)
    var scaled = outputs
    multiplicities = self.groups.map(\.multiplicity)
    for (r, group) in self.groups.enumerated() {
      weights.setRow(r, group.weights)
      for c in 0..<whole.outputCount {
        outputs[c, r] = group.outputs[c]
        scaled[c, r] = multiplicities[r] * group.outputs[c]
      }
    }
    outputWeights = outputs
    (startWeights, startOutputs) = (weights, outputs)
    network = whole
    network.hiddenWeights = weights
    network.outputWeights = scaled
    pass = BatchPass(hiddenWidth: count, capacity: batchSize)
  }

  /// The largest distance from proportionality of a merged neuron.
  var disproportion: Double { groups.reduce(0) { max($0, $1.disproportion) } }

  /// One step of plain stochastic gradient descent.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func step(
    inputs: PreparedInputs<Scalar>, labels: [Int], loss: Loss, optimizer: any Optimizer<Scalar>
  ) -> BatchPass<Scalar>.Result {
    optimizer.beginStep()
    let result = pass.run(
      &network, inputs: inputs, labels: labels, loss: loss, feedback: outputWeights,
      updateHidden: optimizer.updateHidden)
    optimizer.updateOutput(result, weights: &outputWeights, bias: &network.outputBias)
    for c in 0..<outputWeights.rows {
      for r in multiplicities.indices {
        network.outputWeights[c, r] = multiplicities[r] * outputWeights[c, r]
      }
    }
    return result
  }

  /// Moves the members of every group as the group has moved.
  ///
  /// - Returns: how far each group has moved, as a share of its size.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func carryOver(to whole: inout PReLUNetwork<Scalar>) -> [Double] {
    let dimension = whole.hiddenWeights.columns
    var changes: [Double] = []
    for (r, group) in groups.enumerated() {
      var step = network.hiddenWeights.row(r)
      var (moved, size) = (0.0, 0.0)
      startWeights.withPointer { start in
        step.withUnsafeMutableBufferPointer {
          let (step, start) = ($0.baseAddress!, start + r * dimension)
          Scalar.add(dimension, -1, start, to: step)
          let norms = (RowKernels.norm(dimension, step), RowKernels.norm(dimension, start))
          moved += Double(norms.0) * Double(norms.0)
          size += Double(norms.1) * Double(norms.1)
        }
      }
      for c in 0..<outputWeights.rows {
        let (own, before) = (Double(outputWeights[c, r]), Double(startOutputs[c, r]))
        moved += (own - before) * (own - before)
        size += before * before
      }
      changes.append(size > 0 ? (moved / size).squareRoot() : 0)
      if group.members.count == 1 {
        whole.hiddenWeights.copyRow(group.members[0], from: network.hiddenWeights, row: r)
        for c in 0..<outputWeights.rows {
          whole.outputWeights[c, group.members[0]] = outputWeights[c, r]
        }
        continue
      }
      whole.hiddenWeights.withMutablePointer { rows in
        step.withUnsafeBufferPointer { step in
          for (neuron, coefficient) in zip(group.members, group.coefficients) {
            Scalar.add(dimension, coefficient, step.baseAddress!, to: rows + neuron * dimension)
          }
        }
      }
      for c in 0..<outputWeights.rows {
        let step = outputWeights[c, r] - startOutputs[c, r]
        for (neuron, coefficient) in zip(group.members, group.coefficients) {
          whole.outputWeights[c, neuron] += coefficient * step
        }
      }
    }
    whole.outputBias = network.outputBias
    return changes
  }
}
