import Foundation
import LinearCore

/// Looks for slopes and multipliers with which a ``BackwardPass`` proves more, row by row (alpha and beta of Xu et al.,
/// *Fast and complete*, ICLR 2021, and Wang et al., *Beta-CROWN*, NeurIPS 2021).
///
/// The bound of a row has an explicit derivative: with A the coefficient of dh and (dz, dh) where the bound is
/// attained, it is A (dz - dt) for the slope of a line that touches at dt, and -s (dz - threshold) for the multiplier
/// of a half-space.
struct PassOptimizer {
  let evaluator: RegionEvaluator
  let bounds: RegionBounds
  let halfSpaces: [HalfSpace]
  let iterations: Int

  /// The rows that are bounded.
  enum Rows {
    case numbers([Int])
    case margins(Matrix<Double>)
  }

  /// A choice for all rows of a target, better than the one to start with where that is possible.
  func choice(_ rows: Rows, target: Int, start: DeepCertificate.Choice?) -> DeepCertificate.Choice?
  {
    let network = evaluator.network
    let ids: [Int] =
      switch rows {
      case .numbers(let chosen): chosen + chosen.map { $0 + network.sizes[target] }
      case .margins(let matrix): Array(0..<matrix.rows)
      }
    // A choice made for other half-spaces says nothing here: no rows, no choice.
    guard iterations > 0, !ids.isEmpty else { return nil }
    var state = Parameters(
      self, target: target, rows: ids, start: start)
    guard !state.isEmpty else { return nil }
    var best = state
    var record = [Double](repeating: -.infinity, count: ids.count)
    for iteration in 0...iterations {
      var pass = evaluator.pass(
        to: target, bounds, halfSpaces, PassParameters(state.choice), rows: ids)
      pass.keepsTrace = true
      let (values, trace): ([Double], BackwardPass.Trace?) =
        switch rows {
        case .numbers(let chosen): pass.lowerBounds(ofNumbers: chosen, node: target)
        case .margins(let matrix):
          pass.lowerBounds(BackwardPass.Rows(node: target, coefficients: matrix))
        }
      for row in ids.indices where values[row] > record[row] {
        record[row] = values[row]
        best.copyRow(row, from: state)
      }
      if iteration == iterations { break }
      let points = ForwardPoints(pass, trace!, columns: state.columns, target: target)
      state.ascend(trace!, points, iteration: iteration)
    }
    return best.choice
  }
}

extension PassParameters {
  init(_ choice: DeepCertificate.Choice) {
    self.init()
    choices[choice.target] = choice
  }
}

/// Slopes and multipliers of rows with the moments of Adam.
private struct Parameters {
  let optimizer: PassOptimizer
  let target: Int
  let rows: [Int]
  /// For every power node the neurons whose line below may be chosen.
  private(set) var columns: [[Int]?]
  /// Of those the position between the least slope and the largest, (rows, columns).
  private var shares: [Int: Matrix<Double>] = [:]
  private var moments: [Int: Matrix<Double>] = [:]
  private var squares: [Int: Matrix<Double>] = [:]
  private var leastSlopes: [Int: [Double]] = [:]
  private var slopeRanges: [Int: [Double]] = [:]
  private var multipliers: Matrix<Double>
  private var multiplierMoments: Matrix<Double>
  private var multiplierSquares: Matrix<Double>
  private let cuts: [Int]
  private let euclidean: EuclideanCuts?

  private var bounds: RegionBounds { optimizer.bounds }
  var isEmpty: Bool { shares.isEmpty && cuts.isEmpty && euclidean == nil }

  init(
    _ optimizer: PassOptimizer, target: Int, rows: [Int], start: DeepCertificate.Choice?
  ) {
    self.optimizer = optimizer
    self.target = target
    self.rows = rows
    let network = optimizer.evaluator.network
    let bounds = optimizer.bounds
    columns = [[Int]?](repeating: nil, count: network.nodes.count)
    cuts = optimizer.halfSpaces.indices.filter { optimizer.halfSpaces[$0].node < target }
    euclidean = EuclideanCuts(
      optimizer.halfSpaces, upTo: target, evaluator: optimizer.evaluator, region: bounds.region)
    let zeros = Matrix<Double>(rows: rows.count, columns: optimizer.halfSpaces.count)
    (multipliers, multiplierMoments, multiplierSquares) = (zeros, zeros, zeros)
    let rule = SlopeRule.slopes(bounds, before: target)
    let places = Dictionary(
      uniqueKeysWithValues: (start?.rows ?? []).enumerated().map { ($1, $0) })
    if let start, !start.multipliers.isEmpty {
      for (row, id) in rows.enumerated() {
        guard let place = places[id] else { continue }
        for (k, value) in start.multipliers[place].prefix(zeros.columns).enumerated() {
          multipliers[row, k] = value
        }
      }
    }
    for (node, power) in network.powers where power.input < target {
      let lines = PowerLines(power)
      let z0 = bounds.reference.values[power.input]
      let (low, high) = (bounds.lower[power.input], bounds.upper[power.input])
      let open = z0.indices.filter {
        !lines.isDead(upper: high[$0], z0[$0]) && !lines.isLinear(lower: low[$0], z0[$0])
          && high[$0] - low[$0] > 0 && high[$0] < .infinity
      }
      // Cuts need the values of their neurons as well.
      let cut = cuts.filter { optimizer.halfSpaces[$0].node == power.input }.map {
        optimizer.halfSpaces[$0].neuron
      }
      let chosen = Array(Set(open).union(cut)).sorted()
      if chosen.isEmpty { continue }
      columns[node] = chosen
      let least = chosen.map { power.exponent == 1 ? 0 : power.slope(z0[$0] + low[$0], at: $0) }
      let largest = chosen.map {
        power.exponent == 1 ? 1 : power.slope(z0[$0] + high[$0], at: $0)
      }
      leastSlopes[node] = least
      let ranges = zip(least, largest).map { max(0, $1 - $0) }
      slopeRanges[node] = ranges
      let old = start?.slopes.first { $0.node == node }
      let oldPlaces = Dictionary(
        uniqueKeysWithValues: (old?.columns ?? []).enumerated().map { ($1, $0) })
      var share = Matrix<Double>(rows: rows.count, columns: chosen.count)
      for (row, id) in rows.enumerated() {
        for (place, j) in chosen.enumerated() {
          var slope = rule.shared[node][j]
          if let old, let r = places[id], let c = oldPlaces[j] { slope = old.values[r][c] }
          share[row, place] =
            ranges[place] > 0 ? min(max((slope - least[place]) / ranges[place], 0), 1) : 0
        }
      }
      shares[node] = share
      let zeros = Matrix<Double>(rows: rows.count, columns: chosen.count)
      (moments[node], squares[node]) = (zeros, zeros)
    }
  }

  /// What the parameters are now.
  var choice: DeepCertificate.Choice {
    DeepCertificate.Choice(
      target: target,
      slopes: shares.keys.sorted().map { node in
        let share = shares[node]!
        let (least, range) = (leastSlopes[node]!, slopeRanges[node]!)
        return DeepCertificate.Slopes(
          node: node, columns: columns[node]!,
          values: (0..<rows.count).map { row in
            least.indices.map { least[$0] + range[$0] * share[row, $0] }
          })
      },
      multipliers: cuts.isEmpty && euclidean == nil
        ? [] : (0..<rows.count).map { multipliers.row($0) }, rows: rows)
  }

  mutating func copyRow(_ row: Int, from other: Parameters) {
    for node in shares.keys { shares[node]!.setRow(row, other.shares[node]!.row(row)) }
    if multipliers.columns > 0 { multipliers.setRow(row, other.multipliers.row(row)) }
  }

  /// A step of Adam upwards.
  mutating func ascend(
    _ trace: BackwardPass.Trace, _ points: ForwardPoints, iteration: Int
  ) {
    let rate = 0.3 * pow(0.85, Double(iteration))
    euclidean?.improve(&multipliers, inputs: trace.ofInput)
    let correction = (1 - pow(0.8, Double(iteration + 1)), 1 - pow(0.95, Double(iteration + 1)))
    for (node, power) in optimizer.evaluator.network.powers {
      guard let chosen = columns[node], let dz = points.preActivations[node],
        let a = trace.ofPowers[node]
      else { continue }
      let lines = PowerLines(power)
      let z0 = bounds.reference.values[power.input]
      let (least, range) = (leastSlopes[node]!, slopeRanges[node]!)
      for row in rows.indices {
        for (place, j) in chosen.enumerated() {
          let weight = a[row, j]
          if !(weight > 0) || range[place] == 0 { continue }
          let slope = least[place] + range[place] * shares[node]![row, place]
          let touching = lines.touching(slope, at: j) - z0[j]
          let gradient = weight * (dz[row, place] - touching) * range[place]
          if !gradient.isFinite { continue }
          let m = 0.8 * moments[node]![row, place] + 0.2 * gradient
          let v = 0.95 * squares[node]![row, place] + 0.05 * gradient * gradient
          moments[node]![row, place] = m
          squares[node]![row, place] = v
          if v == 0 { continue }
          let step = rate * (m / correction.0) / (v / correction.1).squareRoot()
          shares[node]![row, place] = min(max(shares[node]![row, place] + step, 0), 1)
        }
      }
      for k in cuts
      where optimizer.halfSpaces[k].node == power.input
        && !(euclidean?.places.contains(k) ?? false)
      {
        let half = optimizer.halfSpaces[k]
        guard let place = chosen.firstIndex(of: half.neuron) else { continue }
        for row in rows.indices {
          let gradient = -half.sign * (dz[row, place] - half.threshold)
          if !gradient.isFinite { continue }
          let m = 0.8 * multiplierMoments[row, k] + 0.2 * gradient
          let v = 0.95 * multiplierSquares[row, k] + 0.05 * gradient * gradient
          multiplierMoments[row, k] = m
          multiplierSquares[row, k] = v
          let scale = max(a[row, half.neuron].magnitude, 1e-3 * meanMagnitude(a, row))
          if v == 0 { continue }
          let step = scale * rate * (m / correction.0) / (v / correction.1).squareRoot()
          let moved = max(0, multipliers[row, k] + step)
          if moved.isFinite { multipliers[row, k] = moved }
        }
      }
    }
  }

  private func meanMagnitude(_ a: Matrix<Double>, _ row: Int) -> Double {
    var sum = 0.0
    for j in 0..<a.columns { sum += a[row, j].magnitude }
    return sum / Double(max(1, a.columns))
  }
}
