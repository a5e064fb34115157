import LinearCore
import Networks

/// Neurons (w_j, v_j) that are nearly positive multiples c_j (w, v) of one another.
struct ProportionalGroup<Scalar: LinearScalar> {
  /// The neurons, the largest first.
  var members: [Int]
  /// c_j of each member with respect to the group's own (w, v).
  var coefficients: [Scalar]
  /// w: `inputDimension` numbers.
  var weights: [Scalar]
  /// v: `outputCount` numbers.
  var outputs: [Scalar]
  /// The largest ||(w_j, v_j) - c_j (w, v)|| / ||(w_j, v_j)||.
  var disproportion = 0.0

  /// sum_j c_j^2.
  var multiplicity: Scalar { coefficients.reduce(0) { $0 + $1 * $1 } }
}

/// Finds groups of proportional neurons.
struct ProportionalNeurons<Scalar: LinearScalar> {
  let network: PReLUNetwork<Scalar>
  let tolerance: Double

  /// Leaders with few followers after which all neurons left are taken for single: random neurons are.
  private static var patience: Int { 16 }
  /// What counts as few, as a share of the neurons left.
  private static var worthwhile: Double { 0.02 }

  /// Every candidate in one group, most of them alone where training has only begun.
  ///
  /// - Parameter mergeable: which may be in a group with others.
  func groups(of candidates: [Int], mergeable: (Int) -> Bool) -> [ProportionalGroup<Scalar>] {
    let sizes = Dictionary(uniqueKeysWithValues: candidates.map { ($0, size($0)) })
    var groups = candidates.filter { !mergeable($0) }.map(single)
    var left = candidates.filter(mergeable).sorted { (sizes[$1]!, $0) < (sizes[$0]!, $1) }
    var alone = 0
    while let leader = left.first {
      left.removeFirst()
      guard alone < Self.patience, sizes[leader]! > 0, tolerance > 0 else {
        groups.append(single(leader))
        continue
      }
      let group = followers(of: leader, among: left, sizes: sizes)
      groups.append(group)
      let followers = Double(group.members.count - 1)
      alone = followers < max(1, Self.worthwhile * Double(left.count)) ? alone + 1 : 0
      let taken = Set(group.members)
      if taken.count > 1 { left.removeAll(where: taken.contains) }
    }
    return groups
  }

  /// How far from proportional a neuron may be: the more, the less it contributes beside the leader, which
  /// is as the square of its size.
  private func limit(_ size: Double, leader: Double) -> Double {
    min(Self.largestLimit, tolerance * (leader / size) * (leader / size))
  }

  private static var largestLimit: Double { 0.03 }

  private func single(_ neuron: Int) -> ProportionalGroup<Scalar> {
    ProportionalGroup(
      members: [neuron], coefficients: [1], weights: network.hiddenWeights.row(neuron),
      outputs: network.outputWeights.column(neuron))
  }

  /// The leader and what is proportional to it; (w, v) is the mean sum_j c_j (w_j, v_j) / sum_j c_j^2, so that
  /// distances from proportionality cancel to first order in the outputs.
  private func followers(of leader: Int, among others: [Int], sizes: [Int: Double])
    -> ProportionalGroup<Scalar>
  {
    let limit = { (neuron: Int) in self.limit(sizes[neuron]!, leader: sizes[leader]!) }
    let first = single(leader)
    var close: [(neuron: Int, coefficient: Scalar)] = [(leader, 1)]
    for neuron in others {
      // The mean moves by less than the distance of its members.
      let fit = fit(neuron, to: first)
      if fit.distance <= limit(neuron) { close.append((neuron, fit.coefficient)) }
    }
    if close.count == 1 { return first }
    var group = first
    for _ in 0..<2 {
      group = mean(close)
      close = zip(group.members, group.members.map { fit($0, to: group) }).compactMap {
        $1.distance <= limit($0) ? ($0, $1.coefficient) : nil
      }
      // The mean may have left the leader behind.
      guard close.count > 1, close[0].neuron == leader else { return first }
    }
    group = mean(close)
    group.disproportion = group.members.reduce(0) { max($0, fit($1, to: group).distance) }
    return group
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func mean(_ close: [(neuron: Int, coefficient: Scalar)]) -> ProportionalGroup<Scalar> {
    let dimension = network.hiddenWeights.columns
    var weights = [Scalar](repeating: 0, count: dimension)
    var outputs = [Scalar](repeating: 0, count: network.outputCount)
    let squares = close.reduce(Scalar(0)) { $0 + $1.coefficient * $1.coefficient }
    network.hiddenWeights.withPointer { rows in
      for (neuron, coefficient) in close {
        let share = coefficient / squares
        weights.withUnsafeMutableBufferPointer {
          Scalar.add(dimension, share, rows + neuron * dimension, to: $0.baseAddress!)
        }
        for c in outputs.indices { outputs[c] += share * network.outputWeights[c, neuron] }
      }
    }
    return ProportionalGroup(
      members: close.map(\.neuron), coefficients: close.map(\.coefficient), weights: weights,
      outputs: outputs)
  }

  /// ||(w_j, v_j)||.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func size(_ neuron: Int) -> Double {
    let dimension = network.hiddenWeights.columns
    var square = network.hiddenWeights.withPointer {
      let norm = Double(RowKernels.norm(dimension, $0 + neuron * dimension))
      return norm * norm
    }
    for c in 0..<network.outputCount {
      let own = Double(network.outputWeights[c, neuron])
      square += own * own
    }
    return square.squareRoot()
  }

  /// The best c >= 0 and ||(w_j, v_j) - c (w, v)|| / ||(w_j, v_j)||; infinite where they point apart.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func fit(_ neuron: Int, to group: ProportionalGroup<Scalar>)
    -> (coefficient: Scalar, distance: Double)
  {
    let dimension = network.hiddenWeights.columns
    return network.hiddenWeights.withPointer { rows in
      group.weights.withUnsafeBufferPointer { mean in
        let row = rows + neuron * dimension
        let mean = mean.baseAddress!
        // Products of tiny weights would underflow.
        let (rowNorm, meanNorm) = (
          RowKernels.norm(dimension, row), RowKernels.norm(dimension, mean)
        )
        guard rowNorm >= Scalar.leastNormalMagnitude, meanNorm >= Scalar.leastNormalMagnitude
        else { return (0, .infinity) }
        return Self.fit(
          dimension, row, 1 / rowNorm, mean, 1 / meanNorm,
          outputs: zip(network.outputWeights.column(neuron), group.outputs).map {
            ($0 / rowNorm, $1 / meanNorm)
          })
      }
    }
  }

  /// The fit of two vectors given with the reciprocals of their norms; outputs are divided by these.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private static func fit(
    _ count: Int, _ row: UnsafePointer<Scalar>, _ rowScale: Scalar, _ mean: UnsafePointer<Scalar>,
    _ meanScale: Scalar, outputs: [(own: Scalar, mean: Scalar)]
  ) -> (coefficient: Scalar, distance: Double) {
    let product = Scalar.dot(count, row, mean) * rowScale * meanScale
    let inner = outputs.reduce(product) { $0 + $1.own * $1.mean }
    let ownSquare = outputs.reduce(Scalar(1)) { $0 + $1.own * $1.own }
    let meanSquare = outputs.reduce(Scalar(1)) { $0 + $1.mean * $1.mean }
    // 1 - cos > 0.005 is a distance above 0.1.
    guard inner > 0, inner * inner > 0.98 * ownSquare * meanSquare else { return (0, .infinity) }
    let ratio = inner / meanSquare
    var sums = SIMD8<Scalar>(repeating: 0)
    var i = 0
    while i &+ 8 <= count {
      let a = UnsafeRawPointer(row + i).loadUnaligned(as: SIMD8<Scalar>.self)
      let b = UnsafeRawPointer(mean + i).loadUnaligned(as: SIMD8<Scalar>.self)
      let difference = a * rowScale - b * (ratio * meanScale)
      sums += difference * difference
      i &+= 8
    }
    var square = sums.sum()
    while i < count {
      let difference = row[i] * rowScale - mean[i] * (ratio * meanScale)
      square += difference * difference
      i &+= 1
    }
    for output in outputs {
      let difference = output.own - ratio * output.mean
      square += difference * difference
    }
    return (ratio * (meanScale / rowScale), Double(square / ownSquare).squareRoot())
  }
}
