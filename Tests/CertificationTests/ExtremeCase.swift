import Foundation
import LinearCore
import Networks

/// A small random network of any option and magnitude with an input, and its margin in 80-bit arithmetic: the tests' own
/// oracle where double precision would overflow or lose digits.
struct ExtremeCase {
  let network: PReLUNetwork<Double>
  let input: [Double]
  /// The class of the input in 80-bit arithmetic; nil where rounding decides it.
  let label: Int?

  /// Case `number`: 1 to 6 neurons in 1 to 4 dimensions, p from 1 to 12, with and without bias, center, several
  /// outputs and normalisation of the input; zero and parallel rows; magnitudes from 1e-40 to 1e40; inputs at the center,
  /// next to it and on kinks.
  init(_ number: Int) {
    var random = RandomStream(seed: 23).child("case", number)
    func gaussian() -> Double {
      let (u, v) = (
        Double.random(in: 1e-9...1, using: &random), Double.random(in: 0...1, using: &random)
      )
      return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }
    func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
    func magnitude(_ most: Double) -> Double {
      pow(10, .random(in: -most...most, using: &random))
    }
    let p = [1, 1, 1.3, 1.9, 2, 2.5, 3, 3, 4, 6, 8, 12].randomElement(using: &random)!
    let dimension = Int.random(in: 1...4, using: &random)
    let width = Int.random(in: 1...6, using: &random)
    let outputs = [1, 1, 1, 2, 3].randomElement(using: &random)!
    let isExtreme = chance(0.6)
    let (rowScale, outputScale) = isExtreme ? (magnitude(38), magnitude(36)) : (1, 1)
    var rows: [[Double]] = []
    for j in 0..<width {
      if j > 0 && chance(0.15) {
        // Parallel, or opposite.
        let factor = (chance(0.7) ? 1 : -1) * (chance(0.5) ? 1 : 0.7)
        rows.append(rows[j - 1].map { factor * $0 })
      } else if chance(0.06) {
        rows.append([Double](repeating: 0, count: dimension))
      } else {
        let own = isExtreme && chance(0.3) ? magnitude(2) : 1
        let isSimple = chance(0.3)
        rows.append(
          (0..<dimension).map { _ in
            rowScale * own
              * (isSimple ? Double(Int.random(in: -1...1, using: &random)) : gaussian())
          })
      }
    }
    let center =
      chance(0.25) ? (0..<dimension).map { _ in gaussian() * (isExtreme ? magnitude(10) : 1) } : nil
    // Inputs: anywhere, at every scale, on a kink, at the center or next to it.
    let inputScale = isExtreme ? magnitude(39) : 1
    var shifted = (0..<dimension).map { _ in inputScale * gaussian() }
    let kind = Double.random(in: 0..<1, using: &random)
    if kind < 0.12 {
      shifted = [Double](repeating: 0, count: dimension)
    } else if kind < 0.24 {
      let near = magnitude(10) * 1e-12
      shifted = shifted.map { near * $0 }
    } else if kind < 0.36, dimension > 1 {
      // Simple rows are zero here exactly.
      shifted[Int.random(in: 0..<dimension, using: &random)] = 0
    }
    input = zip(shifted, center ?? [Double](repeating: 0, count: dimension)).map { $0 + $1 }
    let normalizes = chance(0.35)
    // A bias that matters somewhere near the input, or at another scale.
    var bias: [Double]?
    if chance(0.5) {
      let length = max(Norm.l2.length(shifted), inputScale * 1e-3)
      let typical =
        rowScale * outputScale * (normalizes ? length : pow(length, p))
        * magnitude(isExtreme ? 3 : 1)
      bias = (0..<outputs).map { _ in
        let value = gaussian() * typical
        return abs(value) < 1e300 ? value : 0
      }
    }
    network = try! PReLUNetwork(
      exponent: p, hiddenWeights: Matrix(rows),
      outputWeights: Matrix(
        rows: outputs, columns: width,
        elements: (0..<outputs * width).map { _ in outputScale * gaussian() }),
      outputBias: bias, center: center, normalizeInput: normalizes)
    let (logits, errors) = Self.logits(network, input, [Float80](repeating: 0, count: dimension))
    var best = outputs == 1 ? (logits[0] > 0 ? 1 : 0) : 0
    for c in logits.indices where outputs > 1 && logits[c] > logits[best] { best = c }
    let isClear =
      outputs == 1
      ? logits[0].magnitude > errors[0]
      : logits.indices.allSatisfy {
        $0 == best || logits[best] - logits[$0] > errors[best] + errors[$0]
      }
    label = isClear ? best : nil
  }

  /// The logits at input + d, and bounds of their rounding errors.
  static func logits(_ network: PReLUNetwork<Double>, _ input: [Double], _ d: [Float80]) -> (
    [Float80], errors: [Float80]
  ) {
    let p = Float80(network.exponent)
    let n = input.count
    let unit: Float80 = 0x1p-62
    let x = (0..<n).map { Float80(input[$0]) - Float80(network.center?[$0] ?? 0) }
    func length(_ v: [Float80]) -> Float80 {
      let largest = v.reduce(0) { max($0, $1.magnitude) }
      if largest == 0 { return 0 }
      return largest * v.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    }
    let moved = zip(x, d).map { $0 + $1 }
    let sizes = length(x) + length(d)
    let divisor = network.normalizeInput ? length(moved) : 1
    var logits = (network.outputBias ?? [Double](repeating: 0, count: network.outputCount)).map {
      Float80($0)
    }
    var errors = logits.map { $0.magnitude * 16 * unit }
    for j in 0..<network.hiddenWidth {
      let row = network.hiddenWeights.row(j).map { Float80($0) }
      let norm = length(row)
      if norm == 0 { continue }
      func feature(_ z: Float80) -> Float80 {
        z > 0 && divisor > 0 ? (p == 1 ? z : z * pow(z / (norm * divisor), p - 1)) : 0
      }
      let z =
        zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } + zip(row, d).reduce(0) { $0 + $1.0 * $1.1 }
      let doubt = Float80(n + 8) * unit * norm * sizes
      let (value, most, least) = (feature(z), feature(z + doubt), feature(z - doubt))
      for c in logits.indices {
        let weight = Float80(network.outputWeights[c, j])
        logits[c] += weight * value
        errors[c] += weight.magnitude * (most - least + (p + 16) * 4 * unit * most)
      }
    }
    return (logits, errors)
  }

  /// Whether another class is ahead at input + d, whatever rounding has done.
  func isLost(_ d: [Float80], label: Int) -> Bool {
    let (logits, errors) = Self.logits(network, input, d)
    if logits.count == 1 { return (label == 1 ? logits[0] : -logits[0]) < -errors[0] }
    return logits.indices.contains {
      $0 != label && logits[label] - logits[$0] < -(errors[label] + errors[$0])
    }
  }

  /// How clearly the label is kept at input + d, in any unit: for descents.
  private func margin(_ d: [Float80], _ label: Int) -> Float80 {
    let (logits, _) = Self.logits(network, input, d)
    if logits.count == 1 { return label == 1 ? logits[0] : -logits[0] }
    return logits.indices.filter { $0 != label }.map { logits[label] - logits[$0] }.min()!
  }

  /// A point of the ball where the label is lost, looked for on its sphere in many directions, in those of all rows, and by
  /// descents from the best of them; nil where none was found.
  func adversary(radius: Double, norm: Norm, label: Int, probes: Int = 40) -> [Float80]? {
    var random = RandomStream(seed: 29).child("probe")
    let n = input.count
    let size = Float80(radius)
    /// A point of the sphere in the direction of v.
    func onSphere(_ v: [Float80]) -> [Float80]? {
      let largest = v.reduce(0) { max($0, $1.magnitude) }
      guard largest > 0, largest.isFinite else { return nil }
      let scaled = v.map { $0 / largest }
      let length: Float80 =
        switch norm {
        case .l2: scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
        case .l1: scaled.reduce(0) { $0 + $1.magnitude }
        case .linf: 1
        }
      return scaled.map { size * $0 / length }
    }
    var starts: [[Float80]] = []
    var directions = (0..<network.hiddenWidth).map {
      network.hiddenWeights.row($0).map { Float80($0) }
    }
    directions.append(input.indices.map { Float80(network.center?[$0] ?? 0) - Float80(input[$0]) })
    for i in 0..<n { directions.append((0..<n).map { $0 == i ? 1 : 0 }) }
    for direction in directions {
      for sign in [1.0, -1] as [Float80] {
        starts.append(direction.map { sign * $0 })
        // Steepest in linf.
        starts.append(direction.map { $0 == 0 ? 0 : $0 > 0 ? sign : -sign })
      }
    }
    for k in 0..<probes {
      starts.append(
        n == 2
          ? [
            Float80(cos(2 * .pi * Double(k) / Double(probes))),
            Float80(sin(2 * .pi * Double(k) / Double(probes))),
          ]
          : (0..<n).map { _ in Float80(Double.random(in: -1...1, using: &random)) })
    }
    var points = starts.compactMap(onSphere)
    // Inside of the ball, too.
    points += points.prefix(12).map { $0.map { $0 * 0.5 } }
    var ranked: [(margin: Float80, point: [Float80])] = []
    for point in points {
      if isLost(point, label: label) { return point }
      ranked.append((margin(point, label), point))
    }
    ranked.sort { $0.margin < $1.margin }
    for (first, start) in ranked.prefix(2) {
      var (best, point, spread) = (first, start, Float80(0.3))
      for _ in 0..<25 {
        let candidate = point.map {
          $0 + spread * size * Float80(Double.random(in: -1...1, using: &random))
        }
        guard let next = onSphere(candidate) else { continue }
        if isLost(next, label: label) { return next }
        let value = margin(next, label)
        if value < best {
          (best, point) = (value, next)
          spread *= 1.3
        } else {
          spread *= 0.85
        }
      }
    }
    return nil
  }
}
