import Attacks
import LinearCore
import Networks
import Synchronization
import Testing
import Theory

/// The smallest radius at which a perturbation in the ball and the box reaches the boundary of a linear
/// classifier, by bisection; infinite where the box is in the way.
func boxedDistance(
  _ classifier: LinearClassifier<Float>, _ x: [Float], _ norm: Norm, _ box: ClosedRange<Float>?
) -> Double {
  boxedDistance(classifier, x, norm, within: box.map { .uniform($0) })
}

/// The same in a box that may have a range a coordinate.
func boxedDistance(
  _ classifier: LinearClassifier<Float>, _ x: [Float], _ norm: Norm, within box: InputBox<Float>?
) -> Double {
  let value = zip(x, classifier.weights).reduce(Double(classifier.bias)) {
    $0 + Double($1.0) * Double($1.1)
  }
  // Moving coordinate i by up to `room` lowers |value| by |w_i| times that.
  let slopes = classifier.weights.map { abs(Double($0)) }
  let room = x.indices.map { j -> Double in
    guard let range = box?.range(at: j) else { return .infinity }
    let falls = (classifier.weights[j] > 0) == (value > 0)
    return Double(falls ? x[j] - range.lowerBound : range.upperBound - x[j])
  }
  func gain(_ radius: Double) -> Double {
    switch norm {
    case .linf: return zip(slopes, room).reduce(0) { $0 + $1.0 * min(radius, $1.1) }
    case .l1:
      var (left, gain) = (radius, 0.0)
      for i in slopes.indices.sorted(by: { slopes[$0] > slopes[$1] }) {
        gain += slopes[i] * min(left, room[i])
        left -= min(left, room[i])
      }
      return gain
    case .l2:
      // min(t |w_i|, room_i) with the t that spends the radius.
      var (low, high) = (0.0, 1e6)
      for _ in 0..<200 {
        let t = (low + high) / 2
        let square = zip(slopes, room).reduce(0) {
          $0 + min(t * $1.0, $1.1) * min(t * $1.0, $1.1)
        }
        if square < radius * radius { low = t } else { high = t }
      }
      return zip(slopes, room).reduce(0) { $0 + $1.0 * min(low * $1.0, $1.1) }
    }
  }
  var (low, high) = (0.0, 1000.0)
  if gain(high) < abs(value) { return .infinity }
  for _ in 0..<100 {
    let middle = (low + high) / 2
    if gain(middle) < abs(value) { low = middle } else { high = middle }
  }
  return high
}

/// The margin loss, remembering all values it gave for the first sample of a batch.
private final class RecordingLoss: AttackLoss {
  let values = Mutex<[Float]>([])
  var name: String { "recording" }

  func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    MarginAttackLoss().evaluate(batch)
    values.withLock { $0.append(Float(batch.values[0])) }
  }
}

@Suite struct AutoPGDTests {
  let stream = RandomStream(seed: 4)

  private func problem(_ dimension: Int, _ norm: Norm, box: Bool) -> AttackProblem<
    LinearClassifier<Float>
  > {
    var inputs = Matrix<Float>.gaussian(
      rows: 40, columns: dimension, stream: stream.child("x", dimension))
    if box {
      // Some coordinates lie on the box's faces, as the background of an image does.
      inputs.elements = inputs.elements.map { min(max($0 * 0.5 + 0.5, 0), 1) }
    }
    let weights = Matrix<Float>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("w", dimension)
    ).elements
    let middle = weights.reduce(0, +) / 2
    let classifier = LinearClassifier(weights: weights, bias: box ? -middle : 0.3)
    return AttackProblem(
      classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs),
      threat: ThreatModel(norm: norm, box: box ? 0...1 : nil),
      references: AttackReferences(dimension: dimension))
  }

  @Test(arguments: Norm.allCases, [false, true]) func linearClassifiersFallAtTheirDistance(
    _ norm: Norm, box: Bool
  ) {
    for (dimension, loss) in [
      (2, CrossEntropyAttackLoss() as any AttackLoss), (7, MarginAttackLoss()),
      (60, CrossEntropyAttackLoss()),
    ] {
      let all = problem(dimension, norm, box: box)
      let distances = (0..<all.count).map {
        boxedDistance(all.classifier, all.inputs.row($0), norm, within: all.threat.box)
      }
      let rows = distances.indices.filter { distances[$0].isFinite }
      let problem = all.subset(rows)
      for (factor, falls) in [(1.01, true), (0.99, false)] {
        let radii = rows.map { Float(factor * distances[$0]) }
        var attack = AutoPGD(loss: loss)
        // As published, l1 in a box gets stuck on some of these.
        attack.skipsCoordinatesOnBounds = true
        let found = attack.perturbations(problem, radii: radii, stream: stream)
        let points = Matrix(
          rows: found.rows, columns: found.columns,
          elements: zip(problem.inputs.elements, found.elements).map { $0 + $1 })
        let classes = problem.classifier.predictions(points)
        for row in rows.indices {
          let name = "\(norm), box \(box), dimension \(dimension), sample \(row), \(factor)"
          #expect((classes[row] != problem.labels[row]) == falls, "\(name)")
          // Points and sums of their coordinates are rounded to Float.
          let size = Double(norm.length(found.row(row)))
          #expect(size <= Double(radii[row]) * (1 + 1e-5) + 1e-6, "\(name)")
          if box { #expect(points.row(row).allSatisfy { (-1e-6...1 + 1e-6).contains($0) }) }
        }
      }
    }
  }

  @Test(arguments: Norm.allCases) func theBestPointIsReturned(_ norm: Norm) {
    let all = problem(20, norm, box: true)
    for i in 0..<8 {
      let problem = all.subset([i])
      let distance = boxedDistance(all.classifier, all.inputs.row(i), norm, 0...1)
      guard distance.isFinite else { continue }
      for (factor, drops) in [(0.9, true), (1.2, false)] {
        let loss = RecordingLoss()
        var attack = AutoPGD(loss: loss)
        attack.dropsFooledSamples = drops
        let found = attack.perturbations(
          problem, radii: [Float(factor * distance)], stream: stream)
        let points = Matrix(
          rows: 1, columns: 20, elements: zip(problem.inputs.elements, found.elements).map(+))
        let logits = problem.classifier.logits(points)
        let margin = classificationMargins(logits, labels: problem.labels)[0]
        let values = loss.values.withLock { $0 }
        // One value a step and one at the start; for l1 one at the start of each of three balls, of
        // which the last counts.
        #expect(values.count == (norm == .l1 ? 103 : 101))
        let counted = norm == .l1 ? values.suffix(41) : values[...]
        #expect(abs(-margin - counted.max()!) <= 1e-5)
      }
    }
  }

  @Test func checkpointsAreThoseOfThePaper() {
    // p = 0, 0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99.
    #expect(AutoPGD.checkpoints(steps: 100) == [22, 41, 57, 70, 80, 87, 93, 99])
    #expect(AutoPGD.checkpoints(steps: 1000) == [220, 410, 570, 700, 800, 870, 930, 990])
    #expect(AutoPGD.checkpoints(steps: 10) == [3, 5, 6, 7, 8, 9, 10])
    #expect(AutoPGD.checkpoints(steps: 1) == [1])
  }

  @Test(arguments: Norm.allCases) func theNumberOfThreadsDoesNotMatter(_ norm: Norm) throws {
    let stream = RandomStream(seed: 6)
    let network = try PReLUNetwork<Float>(
      exponent: 3,
      hiddenWeights: .gaussian(rows: 30, columns: 20, stream: stream.child("hidden")),
      outputWeights: .gaussian(rows: 4, columns: 30, stream: stream.child("output")),
      normalizeInput: true)
    let inputs = Matrix<Float>.uniform(rows: 300, columns: 20, bound: 1, stream: stream)
    let problem = AttackProblem(
      classifier: network, inputs: inputs, labels: network.predictions(inputs),
      threat: ThreatModel(norm: norm, box: -1...1), references: AttackReferences(dimension: 20))
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let radii = [Float](repeating: norm == .linf ? 0.05 : 0.2, count: 300)
    let results = [1, 2, 3].map { threads in
      Parallel.threadCount = threads
      return AutoPGD(steps: 20, restarts: 2).perturbations(problem, radii: radii, stream: stream)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
    #expect(results[0].elements.contains { $0 != 0 })
  }

  @Test func crossEntropyIsUnsaturatedAndItsGradientIsThatOfTheLoss() {
    // Differences of log(1 + e^t) in Double against the reported t and direction.
    let logits: [Double] = [0.3, 2.1, -1, 1.7]
    func crossEntropy(_ z: [Double]) -> Double { Loss.crossEntropy.mean(Matrix([z]), labels: [1]) }
    func evaluate(_ values: [Double]) -> (value: Double, gradient: [Double]) {
      var (gradient, value, label) = (values, 0.0, 1)
      gradient.withUnsafeMutableBufferPointer { gradient in
        withUnsafeMutablePointer(to: &value) { value in
          withUnsafePointer(to: &label) { label in
            CrossEntropyAttackLoss().evaluate(
              LogitBatch(
                count: 1, outputs: values.count, logits: gradient.baseAddress!, labels: label,
                targets: label, values: value))
          }
        }
      }
      return (value, gradient)
    }
    let (value, gradient) = evaluate(logits)
    let loss = crossEntropy(logits)
    #expect(abs(loss - Loss.logistic.mean(Matrix([[-value]]), labels: [1])) <= 1e-14)
    for c in logits.indices {
      var (above, below) = (logits, logits)
      above[c] += 1e-5
      below[c] -= 1e-5
      let slope = (crossEntropy(above) - crossEntropy(below)) / 2e-5
      // The loss's gradient is that of t times the share of the other classes, 1 - e^-loss.
      #expect(abs(slope - gradient[c] * (1 - Double.exponential(-loss))) <= 1e-9)
    }
    let confident = evaluate([-900, 100, -901, -1200])
    #expect(abs(confident.value + 1000 - 0.31326168751822) <= 1e-9)
    #expect(confident.gradient[1] == -1 && confident.gradient[3] == 0)
  }

  @Test func effortAppliesToGradientAttacksOnly() throws {
    let attack = try AttackCatalog.attacks(named: "apgd-margin", steps: 7, restarts: 3)[0]
    #expect((attack as? AutoPGD)?.steps == 7 && (attack as? AutoPGD)?.restarts == 3)
    #expect(attack.name == "apgd-margin")
    #expect(throws: AttackError("restarts does not apply to the attack 'structural'")) {
      try AttackCatalog.attacks(named: "structural", restarts: 2)
    }
    #expect(throws: AttackError("steps is 0, expected at least 1")) {
      try AttackCatalog.attacks(named: "pgd", steps: 0)
    }
  }
}
