import LinearCore
import Networks
import Testing

@testable import Attacks

/// f(x) = c (||x - centre|| - radius): class 1 outside a ball, class 0 inside. A sample in the ball at the
/// distance t of its centre has the boundary at the distance radius - t.
private struct BallClassifier: Classifier {
  let center: [Double]
  let radius: Double
  var inputDimension: Int { center.count }
  var outputCount: Int { 1 }

  func logits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    var shifted = inputs
    shifted.subtractFromRows(center)
    return Matrix(
      rows: inputs.rows, columns: 1, elements: shifted.rowNorms().map { $0 - radius })
  }

  func logitsAndInputGradient(
    _ inputs: Matrix<Double>, cotangent: (Matrix<Double>, Range<Int>) -> Matrix<Double>
  ) -> (logits: Matrix<Double>, gradient: Matrix<Double>) {
    var gradient = inputs
    gradient.subtractFromRows(center)
    gradient = gradient.rowsNormalized()
    let values = logits(inputs)
    let factors = cotangent(values, 0..<inputs.rows)
    for i in 0..<inputs.rows { gradient.scaleRow(i, by: factors[i, 0]) }
    return (values, gradient)
  }
}

@Suite struct BoundaryRefinementTests {
  /// The curvature of the boundary slows the plain iteration down (inside) or makes it oscillate (far
  /// outside).
  @Test(arguments: [0.05, 0.5, 0.9, 1.5, 4]) func curvedBoundariesAreReachedExactly(_ place: Double)
  {
    let dimension = 12
    let center = [Double](repeating: 0.3, count: dimension)
    let classifier = BallClassifier(center: center, radius: 1)
    let count = 30
    let away = Matrix<Double>.gaussian(
      rows: count, columns: dimension, stream: RandomStream(seed: 3)
    ).rowsNormalized()
    var inputs = away
    for i in 0..<count { inputs.setRow(i, zip(away.row(i), center).map { place * $0 + $1 }) }
    let problem = AttackProblem(
      classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs),
      threat: ThreatModel(norm: .l2), references: AttackReferences(dimension: dimension))
    // Starts: from outside the centre, from inside a random point beyond the ball.
    var start = Matrix<Double>.gaussian(
      rows: count, columns: dimension, stream: RandomStream(seed: 4)
    ).rowsNormalized()
    for i in 0..<count {
      let end = place > 1 ? start.row(i).map { 0.5 * $0 } : start.row(i).map { 3 * $0 }
      start.setRow(i, (0..<dimension).map { end[$0] + center[$0] - inputs[i, $0] })
    }
    let refined = BoundaryRefinement(problem: problem, steps: 60).refine(start)
    #expect(problem.isFooled(refined).allSatisfy { $0 })
    for size in refined.rowNorms() {
      #expect(size >= abs(1 - place) * (1 - 1e-9))
      #expect(size <= abs(1 - place) * (1 + 1e-6), "\(size), \(abs(1 - place))")
    }
  }

  @Test(arguments: Norm.allCases, [false, true])
  func theLinearisedBoundaryIsReachedAtItsNearestPoint(
    _ norm: Norm, box: Bool
  ) {
    let stream = RandomStream(seed: 5)
    for number in 0..<40 {
      let weights = Matrix<Float>.gaussian(
        rows: 1, columns: 15, stream: stream.child("w", number)
      ).rowsNormalized().elements
      let x = Matrix<Float>.uniform(
        rows: 1, columns: 15, bound: 1, stream: stream.child("x", number)
      )
      .elements.map { min(max($0, 0), 1) }
      let classifier = LinearClassifier(weights: weights, bias: 0.6)
      let value = zip(x, weights).reduce(0.6) { $0 + Double($1.0 * $1.1) }
      let exact = boxedDistance(classifier, x, norm, box ? 0...1 : nil)
      guard exact.isFinite, abs(value) > 0.01 else { continue }
      var (point, scratch) = ([Float](repeating: 0, count: 15), [Float](repeating: 0, count: 30))
      LinearizedBoundary.nearestPoint(
        norm, 15, gradient: weights, target: Float(-value), input: x,
        box: box ? BoxBounds(.uniform(0...1), dimension: 15) : nil,
        point: &point, scratch: &scratch)
      #expect(abs(Double(norm.length(point)) - exact) <= 1e-5 * exact + 1e-6, "\(norm), box \(box)")
      let reached = zip(point, weights).reduce(0.0) { $0 + Double($1.0 * $1.1) }
      #expect(abs(reached + value) <= 1e-5)
    }
  }

  @Test func aRaySearchClosesInOnTheRoot() {
    // m(s) = 1 - s^p for several p, from one look at s = 1.2.
    for exponent in [0.5, 1, 3, 9] {
      var search = RaySearch<Double>(slope: -0.3, tolerance: 1e-7)
      search.record(1.2, 1 - Double.power(1.2, exponent))
      var looks = 0
      while let scale = search.next(), looks < 40 {
        search.record(scale, 1 - Double.power(scale, exponent))
        looks += 1
      }
      let end = search.upper!.scale
      #expect(end >= 1 && end <= 1 + 2e-7, "\(exponent): \(end)")
      #expect(looks <= 12, "\(exponent): \(looks)")
    }
  }

  @Test func theNumberOfThreadsDoesNotMatter() throws {
    let stream = RandomStream(seed: 6)
    let network = try PReLUNetwork<Float>(
      exponent: 3,
      hiddenWeights: .gaussian(rows: 30, columns: 20, stream: stream.child("hidden")),
      outputWeights: .gaussian(rows: 4, columns: 30, stream: stream.child("output")),
      normalizeInput: true)
    let inputs = Matrix<Float>.uniform(rows: 300, columns: 20, bound: 1, stream: stream)
    let labels = network.predictions(inputs)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    for norm in Norm.allCases {
      let problem = AttackProblem(
        classifier: network, inputs: inputs, labels: labels,
        threat: ThreatModel(norm: norm, box: -1...1),
        references: AttackReferences(dimension: 20, samples: inputs, sampleLabels: labels))
      let radii = [Float](repeating: .infinity, count: 300)
      for attack in [
        StructuralAttack(), FastMinimumNorm(steps: 20), DecoupledDirectionNorm(steps: 20),
      ]
        as [any Attack] where attack.norms.contains(norm)
      {
        let results = [1, 2, 3].map { threads in
          Parallel.threadCount = threads
          return attack.perturbations(problem, radii: radii, stream: stream)
        }
        #expect(results[0] == results[1] && results[0] == results[2], "\(attack.name), \(norm)")
        #expect(results[0].elements.contains { $0 != 0 })
      }
    }
  }
}
