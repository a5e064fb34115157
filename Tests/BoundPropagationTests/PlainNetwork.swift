import Foundation
import LinearCore
import Networks

/// A network written down plainly, in 80-bit arithmetic: the judge of what is proved.
struct PlainNetwork {
  enum Step {
    /// Sums of rows times earlier steps, plus a shift.
    case affine(terms: [(step: Int, rows: [[Double]])], shift: [Double])
    /// relu(z)^p / ‖w‖^(p-1), w a row of `weights`; nil for a divisor of 1.
    case power(of: Int, exponent: Double, weights: [[Double]]?)
    /// v_j (‖c_k‖²/n + epsilon)^(-e), k the group of j and c_k some numbers of a step.
    case scaled(
      of: Int, lengths: Int, groups: [[Int]], ofValues: [Int], divisor: Double, epsilon: Double,
      exponent: Double)
  }

  private(set) var steps: [Step] = []
  /// ‖w‖ of every power, and the entries of every affine step that are not 0.
  private var norms: [[Float80]] = []
  private var entries: [[[(source: Int, place: Int, weight: Float80)]]] = []

  /// Appends a layer normalisation as three steps and returns the last.
  mutating func appendNormalization(
    of step: Int, count: Int, epsilon: Double, gain: [Double], shift: [Double]
  ) -> Int {
    // Means of so many numbers are of 80 bits: sums of all, divided behind them.
    let n = Double(count)
    let rows = (0..<count).map { i in (0..<count).map { $0 == i ? n - 1 : -1 } }
    let centered = append(
      .affine(terms: [(step, rows)], shift: [Double](repeating: 0, count: count)))
    // n c has the variance n² times that of c.
    let scaled = append(
      .scaled(
        of: centered, lengths: centered, groups: [Array(0..<count)],
        ofValues: [Int](repeating: 0, count: count), divisor: n, epsilon: n * n * epsilon,
        exponent: 0.5))
    let diagonal = gain.indices.map { i in gain.indices.map { $0 == i ? gain[i] : 0 } }
    return append(.affine(terms: [(scaled, diagonal)], shift: shift))
  }

  /// What a sum or a power is off by at most, relative to its terms.
  private static let unit: Float80 = 1e-18

  /// Appends a step and returns its number; 0 is the input.
  mutating func append(_ step: Step) -> Int {
    steps.append(step)
    var (norms, entries) = ([Float80](), [[(source: Int, place: Int, weight: Float80)]]())
    switch step {
    case .affine(let terms, let shift):
      entries = shift.indices.map { i in
        terms.flatMap { term in
          term.rows[i].enumerated().filter { $0.element != 0 }.map {
            (term.step, $0.offset, Float80($0.element))
          }
        }
      }
    case .power(_, _, let weights):
      norms = (weights ?? []).map { row in
        row.reduce(Float80(0)) { $0 + Float80($1) * Float80($1) }.squareRoot()
      }
    case .scaled: break
    }
    self.norms.append(norms)
    self.entries.append(entries)
    return steps.count
  }

  /// Every step at x, the input first, each with what it may be off by.
  func values(_ x: [Float80]) -> [(values: [Float80], doubts: [Float80])] {
    var all = [(values: x, doubts: x.map { _ in Float80(0) })]
    for (number, step) in steps.enumerated() {
      switch step {
      case .affine(_, let shift):
        var values = shift.map { Float80($0) }
        var doubts = values.map { $0.magnitude * Self.unit }
        for (i, row) in entries[number].enumerated() {
          for (source, place, weight) in row {
            let product = weight * all[source].values[place]
            values[i] += product
            doubts[i] +=
              product.magnitude * Self.unit + weight.magnitude * all[source].doubts[place]
          }
        }
        all.append((values, doubts))
      case .power(let source, let p, _):
        let norms = norms[number]
        func factor(_ z: Float80, _ i: Int) -> Float80 {
          guard z > 0 else { return 0 }
          if p == 1 { return 1 }
          let ratio = norms.isEmpty ? z : z / norms[i]
          return p == 2 ? ratio : p == 3 ? ratio * ratio : pow(ratio, Float80(p - 1))
        }
        let (z, doubts) = all[source]
        let values = z.indices.map { z[$0] > 0 ? z[$0] * factor(z[$0], $0) : 0 }
        all.append(
          (
            values,
            z.indices.map { i in
              values[i] * 8 * Self.unit + Float80(p) * factor(z[i] + doubts[i], i) * doubts[i]
            }
          ))
      case .scaled(
        let source, let lengths, let groups, let ofValues, let divisor, let epsilon, let e):
        let scales = groups.map { group in
          Self.scale(
            group.map { all[lengths].values[$0] }, group.map { all[lengths].doubts[$0] },
            Float80(divisor), Float80(epsilon), Float80(e))
        }
        let (v, doubts) = all[source]
        all.append(
          (
            v.indices.map { v[$0] * scales[ofValues[$0]].value },
            v.indices.map { j in
              let (value, doubt) = scales[ofValues[j]]
              return v[j].magnitude * (doubt + 8 * Self.unit * value)
                + doubts[j] * (value + doubt)
            }
          ))
      }
    }
    return all
  }

  /// (‖c‖²/n + epsilon)^(-e), and what it may be off by; 0 for lengths that nothing is divided by.
  private static func scale(
    _ c: [Float80], _ doubts: [Float80], _ n: Float80, _ epsilon: Float80, _ e: Float80
  ) -> (value: Float80, doubt: Float80) {
    var (sum, doubt) = (Float80(0), Float80(0))
    for (x, d) in zip(c, doubts) {
      sum += x * x
      doubt += (2 * x.magnitude + d) * d + x * x * Float80(c.count + 4) * unit
    }
    let total = sum / n + epsilon
    guard total > 1e-150, doubt / n < total / 4 else { return (0, .infinity) }
    let value = pow(total, -e)
    return (value, value * (2 * e * doubt / n / total + 8 * unit))
  }

  /// The least margin of a class at x, and what it may be off by.
  func margin(_ x: [Float80], label: Int) -> (value: Float80, doubt: Float80) {
    let (outputs, doubts) = values(x).last!
    if outputs.count == 1 { return (label == 1 ? outputs[0] : -outputs[0], doubts[0]) }
    var least = (value: Float80.infinity, doubt: Float80(0))
    for other in outputs.indices where other != label {
      let margin = outputs[label] - outputs[other]
      if margin < least.value { least = (margin, doubts[label] + doubts[other]) }
    }
    return least
  }

  /// Whether the class is lost at x beyond doubt.
  func isLost(_ x: [Float80], label: Int) -> Bool {
    let (value, doubt) = margin(x, label: label)
    return value < -2 * doubt
  }
}

/// Looks for a point of a ball that has another class.
struct BallSearch {
  let network: PlainNetwork
  let input: [Double]
  let label: Int
  let norm: Norm
  let box: (lower: [Double], upper: [Double])?

  /// x + d for a d of at most `radius`, in the box.
  private func point(_ d: [Double], _ radius: Double) -> [Float80] {
    let size = norm.length(d)
    let factor = size > radius ? Float80(radius) / Float80(size) * (1 - 1e-15) : 1
    return d.indices.map { j in
      let moved = Float80(input[j]) + factor * Float80(d[j])
      guard let box else { return moved }
      return min(max(moved, Float80(box.lower[j])), Float80(box.upper[j]))
    }
  }

  private func margin(_ d: [Double], _ radius: Double) -> Float80 {
    network.margin(point(d, radius), label: label).value
  }

  /// The step of size 1 along which a linear function falls fastest.
  private func steepest(_ g: [Double]) -> [Double] {
    switch norm {
    case .linf: return g.map { $0 > 0 ? -1 : $0 < 0 ? 1 : 0 }
    case .l1:
      guard let best = g.indices.max(by: { g[$0].magnitude < g[$1].magnitude }) else { return g }
      return g.indices.map { $0 == best ? (g[$0] > 0 ? -1 : 1) : 0 }
    case .l2:
      let length = norm.length(g)
      return length > 0 ? g.map { -$0 / length } : g
    }
  }

  /// The slopes of the margin by differences, divided by the largest.
  private func slopes(_ d: [Double], _ radius: Double) -> [Double] {
    let step = 1e-5 * radius
    let differences = d.indices.map { j -> Float80 in
      var (up, down) = (d, d)
      (up[j], down[j]) = (d[j] + step, d[j] - step)
      return margin(up, 2 * radius) - margin(down, 2 * radius)
    }
    let largest = differences.map(\.magnitude).max() ?? 0
    return differences.map { largest > 0 && largest.isFinite ? Double($0 / largest) : 0 }
  }

  /// A perturbation of at most `radius` whose class is another beyond doubt, where one is found: by descent from the
  /// center, corners, axes and random points.
  func lost(radius: Double, starts: Int, steps: Int, _ numbers: inout Numbers) -> [Double]? {
    for start in 0..<starts {
      var d = numbers.perturbation(input.count, norm: norm, radius: start == 0 ? 0 : radius)
      for step in 0..<steps {
        if network.isLost(point(d, radius), label: label) {
          return zip(point(d, radius), input).map { Double($0 - Float80($1)) }
        }
        let direction = steepest(slopes(d, radius))
        // Larger steps first; the last ones stay on the sphere.
        let length = radius * (step == 0 ? 1 : 2 / Double(step + 1))
        d = zip(d, direction).map { $0 + length * $1 }
        let size = norm.length(d)
        if size > radius { d = d.map { $0 / size * radius } }
      }
      if network.isLost(point(d, radius), label: label) {
        return zip(point(d, radius), input).map { Double($0 - Float80($1)) }
      }
    }
    return nil
  }
}
