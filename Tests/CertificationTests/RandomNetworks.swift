import LinearCore
import Networks

/// A random network with an input that it gets right, and a plain evaluation of both: the tests' own code.
struct RandomCase {
  let network: PReLUNetwork<Double>
  let input: [Double]
  let label: Int
  private let norms: [Double]

  /// Case `number`: 4 to 12 neurons in 2 to 6 dimensions, every degree, with and without bias, center,
  /// several classes and normalisation of the input.
  init(
    _ number: Int, outputs: Int = 1, normalizeInput: Bool = false,
    dimensions: ClosedRange<Int> = 2...6, hasHiddenBias: Bool = false
  ) {
    var generator = RandomStream(seed: 11).child("case", number)
    let p = [1, 1.3, 1.5, 2, 2.5, 3, 4, 6][number % 8]
    let dimension = Int.random(in: dimensions, using: &generator)
    let width = Int.random(in: 4...12, using: &generator)
    func gaussian(_ rows: Int, _ columns: Int, _ name: String) -> Matrix<Double> {
      .gaussian(rows: rows, columns: columns, stream: RandomStream(seed: 11).child(name, number))
    }
    let hasBias = number % 3 == 0
    network = try! PReLUNetwork(
      exponent: p,
      hiddenWeights: gaussian(width, dimension + (hasHiddenBias ? 1 : 0), "w"),
      outputWeights: gaussian(outputs, width, "v"),
      outputBias: hasBias ? gaussian(1, outputs, "b").row(0).map { 0.3 * $0 } : nil,
      center: number % 5 == 0 ? gaussian(1, dimension, "c").row(0).map { 0.2 * $0 } : nil,
      normalizeInput: normalizeInput, hasHiddenBias: hasHiddenBias)
    norms = network.hiddenWeights.rowNorms()
    input = gaussian(1, dimension, "x").row(0)
    label = predictedClasses(network.referenceLogits(Matrix([input])))[0]
  }

  /// Another network at the input of a case, which it gets right.
  init(_ other: RandomCase, network: PReLUNetwork<Double>) {
    self.network = network
    norms = network.hiddenWeights.rowNorms()
    (input, label) = (other.input, other.label)
  }

  /// How clearly the input, moved by `t` times d, still has its class; negative where it has lost it.
  func margin(_ d: [Double], _ t: Double = 1) -> Double {
    let (p, outputs, width) = (network.exponent, network.outputCount, network.hiddenWidth)
    var x = input.indices.map { input[$0] + t * d[$0] - (network.center?[$0] ?? 0) }
    let length = network.normalizeInput ? Norm.l2.length(x) : 1
    // Nobody moves this one.
    if network.hasHiddenBias { x.append(1) }
    var logits = network.outputBias ?? [Double](repeating: 0, count: outputs)
    network.hiddenWeights.withPointer { weights in
      network.outputWeights.withPointer { contributions in
        for j in 0..<width {
          var z = 0.0
          for i in x.indices { z += weights[j * x.count + i] * x[i] }
          if z <= 0 { continue }
          let feature = p == 1 ? z : z * Double.power(z / (norms[j] * length), p - 1)
          for c in 0..<outputs { logits[c] += contributions[c * width + j] * feature }
        }
      }
    }
    if outputs == 1 { return label == 1 ? logits[0] : -logits[0] }
    return logits[label] - logits.indices.filter { $0 != label }.map { logits[$0] }.max()!
  }

  /// The smallest radius found on rays where the class is lost, by a search over directions followed by a
  /// random descent from the best of them; infinite where none was found within `reach`.
  func bruteForce(reach: Double, norm: Norm = .l2, box: InputBox<Double>? = nil) -> Double {
    var generator = RandomStream(seed: 12).child("search")
    var best = Double.infinity
    func direction(_ base: [Double]?, _ spread: Double) -> [Double] {
      let d = input.indices.map {
        (base?[$0] ?? 0) + spread * .random(in: -1...1, using: &generator)
      }
      let length = norm.length(d)
      return d.map { $0 / length }
    }
    var leaders: [(radius: Double, direction: [Double])] = []
    for _ in 0..<150 {
      let d = direction(nil, 1)
      let radius = crossing(d, reach, norm, box)
      if radius.isFinite { leaders.append((radius, d)) }
    }
    leaders.sort { $0.radius < $1.radius }
    for leader in leaders.prefix(3) {
      var (radius, d) = leader
      var spread = 0.5
      for _ in 0..<120 {
        let other = direction(d, spread)
        let found = crossing(other, radius, norm, box)
        if found < radius {
          (radius, d) = (found, other)
          spread *= 1.3
        } else {
          spread *= 0.93
        }
      }
      best = min(best, radius)
    }
    return best
  }

  /// t d as far as walls let it.
  private func moved(_ d: [Double], _ t: Double, _ box: InputBox<Double>?) -> [Double] {
    guard let box else { return d.map { t * $0 } }
    return d.indices.map { i in
      let range = box.range(at: i)
      return min(max(input[i] + t * d[i], range.lowerBound), range.upperBound) - input[i]
    }
  }

  /// The size of the first point of another class on a ray that slides along walls, by steps and halving.
  private func crossing(_ d: [Double], _ reach: Double, _ norm: Norm, _ box: InputBox<Double>?)
    -> Double
  {
    let steps = 16
    for step in 1...steps {
      let t = reach * Double(step) / Double(steps)
      if margin(moved(d, t, box)) >= 0 { continue }
      var (left, right) = (t - reach / Double(steps), t)
      for _ in 0..<30 {
        let middle = 0.5 * (left + right)
        if margin(moved(d, middle, box)) < 0 { right = middle } else { left = middle }
      }
      return norm.length(moved(d, right, box))
    }
    return .infinity
  }
}
