import Attacks
import LinearCore
import Networks
import Testing

/// f(x) = W x + b with a logit a class: the boundary to class c is that of the linear classifier
/// f_c - f_label.
struct LinearClasses: Classifier {
  let weights: Matrix<Float>
  let bias: [Float]
  var inputDimension: Int { weights.columns }
  var outputCount: Int { weights.rows }

  func logits(_ inputs: Matrix<Float>) -> Matrix<Float> {
    var result = Matrix.product(inputs, weights, transposeB: true)
    for i in 0..<result.rows {
      for c in 0..<result.columns { result[i, c] += bias[c] }
    }
    return result
  }

  func logitsAndInputGradient(
    _ inputs: Matrix<Float>, cotangent: (Matrix<Float>, Range<Int>) -> Matrix<Float>
  ) -> (logits: Matrix<Float>, gradient: Matrix<Float>) {
    let logits = logits(inputs)
    return (logits, Matrix.product(cotangent(logits, 0..<inputs.rows), weights))
  }

  /// The size of the smallest perturbation that makes another class as likely as the label.
  func distance(_ x: [Float], _ label: Int, _ norm: Norm, _ box: InputBox<Float>?) -> Double {
    (0..<outputCount).filter { $0 != label }.map { c in
      let difference = LinearClassifier(
        weights: zip(weights.row(c), weights.row(label)).map { $0 - $1 },
        bias: bias[c] - bias[label])
      return boxedDistance(difference, x, norm, within: box)
    }.min()!
  }
}

/// Attacks of AutoAttack on linear classifiers, where the distance to the boundary is known.
@Suite struct EnsembleOracleTests {
  let stream = RandomStream(seed: 17)

  /// Samples that some point of the box can fool, and their distances.
  private func problem(_ classes: Int, _ dimension: Int, _ norm: Norm, box: Bool) -> (
    problem: AttackProblem<LinearClasses>, distances: [Double]
  ) {
    let stream = stream.child("classes", classes).child("dimension", dimension)
    var inputs = Matrix<Float>.gaussian(rows: 40, columns: dimension, stream: stream.child("x"))
    if box { inputs.elements = inputs.elements.map { min(max($0 * 0.5 + 0.5, 0), 1) } }
    let weights = Matrix<Float>.gaussian(
      rows: classes, columns: dimension, stream: stream.child("w"))
    let middle = (0..<classes).map { weights.row($0).reduce(0, +) / 2 }
    let classifier = LinearClasses(
      weights: weights, bias: box ? middle.map { -$0 } : middle.map { _ in 0 })
    let all = AttackProblem(
      classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs),
      threat: ThreatModel(norm: norm, box: box ? 0...1 : nil),
      references: AttackReferences(dimension: dimension))
    let distances = (0..<all.count).map {
      classifier.distance(inputs.row($0), all.labels[$0], norm, all.threat.box)
    }
    let rows = distances.indices.filter { distances[$0].isFinite }
    return (all.subset(rows), rows.map { distances[$0] })
  }

  private func fooled(
    _ attack: any Attack, _ problem: AttackProblem<LinearClasses>, _ radii: [Float]
  ) -> (fooled: [Bool], sizes: [Double]) {
    let found = attack.perturbations(problem, radii: radii, stream: stream)
    let box = problem.threat.box?.range(at: 0) ?? -Float.infinity...Float.infinity
    let points = Matrix(
      rows: found.rows, columns: found.columns,
      elements: zip(problem.inputs.elements, found.elements).map {
        min(max($0 + $1, box.lowerBound), box.upperBound)
      })
    let norm = problem.threat.norm
    return (
      zip(problem.classifier.predictions(points), problem.labels).map { $0 != $1 },
      (0..<found.rows).map { i in
        Double(norm.length(zip(points.row(i), problem.inputs.row(i)).map { $0 - $1 }))
      }
    )
  }

  @Test(arguments: Norm.allCases, [false, true]) func fastAdaptiveBoundaryFindsTheDistance(
    _ norm: Norm, box: Bool
  ) {
    for (classes, dimension) in [(2, 7), (3, 20), (6, 60)] {
      let (problem, distances) = problem(classes, dimension, norm, box: box)
      for targeted in [false, true] {
        let attack = FastAdaptiveBoundary(targeted: targeted, restarts: 2)
        let (fooled, sizes) = fooled(attack, problem, distances.map { _ in .infinity })
        for i in fooled.indices {
          let name = "\(attack.name), \(norm), box \(box), \(classes) classes, sample \(i)"
          #expect(fooled[i], "\(name)")
          // Inputs are of size 1, and points are rounded to Float.
          #expect(sizes[i] >= distances[i] * (1 - 1e-4) - 1e-6, "\(name)")
          // The untargeted attack takes the class that is nearest without the box.
          if !targeted && box && classes > 2 { continue }
          #expect(sizes[i] <= distances[i] * 1.01 + 1e-6, "\(name): \(sizes[i] / distances[i])")
        }
      }
    }
  }

  /// Fools all samples at a multiple of their distances, and none below them.
  private func check(
    _ attack: any Attack, _ problem: AttackProblem<LinearClasses>, _ distances: [Double],
    above: Double
  ) {
    for (factor, falls) in [(above, true), (0.98, false)] {
      let radii = distances.map { Float(factor * $0) }
      let (fooled, sizes) = fooled(attack, problem, radii)
      for i in fooled.indices {
        let name =
          "\(attack.name), \(problem.threat), \(problem.classifier.outputCount) classes, dimension "
          + "\(problem.inputs.columns), sample \(i), \(factor)"
        #expect(fooled[i] == falls, "\(name)")
        #expect(sizes[i] <= Double(radii[i]) * (1 + 1e-5) + 1e-6, "\(name)")
      }
    }
  }

  @Test(arguments: Norm.allCases, [false, true]) func targetedAutoPGDFoolsJustAboveAndNeverBelow(
    _ norm: Norm, box: Bool
  ) {
    for (classes, dimension) in [(2, 7), (3, 20), (6, 60)] {
      let (problem, distances) = problem(classes, dimension, norm, box: box)
      // l1 depends on the start and, as published, gets stuck in a box on some samples.
      var attack = TargetedAutoPGD(restarts: norm == .l1 ? 5 : 1)
      attack.skipsCoordinatesOnBounds = true
      // All targets, and two of up to five that short runs choose.
      for targetsAfterScreening in [nil, 2] {
        attack.targetsAfterScreening = targetsAfterScreening
        check(attack, problem, distances, above: 1.02)
      }
    }
  }

  /// The untargeted ratio follows the class that leads at the start, which need not be the nearest: two
  /// classes here, and a third out of reach.
  @Test(arguments: Norm.allCases, [false, true]) func ratioAutoPGDFoolsJustAboveAndNeverBelow(
    _ norm: Norm, box: Bool
  ) {
    for dimension in [7, 60] {
      let (two, distances) = problem(2, dimension, norm, box: box)
      let weights = two.classifier.weights
      let classifier = LinearClasses(
        weights: Matrix([weights.row(0), weights.row(1), weights.row(0).map { _ in 0 }]),
        bias: two.classifier.bias + [-100])
      let problem = AttackProblem(
        classifier: classifier, inputs: two.inputs, labels: two.labels, threat: two.threat,
        references: two.references)
      var attack = AutoPGD(loss: DLRAttackLoss())
      attack.skipsCoordinatesOnBounds = true
      check(attack, problem, distances, above: 1.02)
    }
  }

  /// Random search needs more room, most of all in l1, where one coordinate is best and sets have three or
  /// nine at least; and with more than two classes it goes towards one that need not be the nearest.
  @Test(arguments: Norm.allCases, [false, true]) func squareAttackFoolsAboveAndNeverBelow(
    _ norm: Norm, box: Bool
  ) {
    for dimension in [7, 60, 64] {
      let (problem, distances) = problem(2, dimension, norm, box: box)
      let above = norm == .linf ? 1.1 : norm == .l2 ? 1.5 : 2
      check(SquareAttack(queries: 3000), problem, distances, above: above)
    }
  }

  @Test(arguments: Norm.allCases) func theNumberOfThreadsDoesNotMatter(_ norm: Norm) throws {
    let network = try PReLUNetwork<Float>(
      exponent: 3,
      hiddenWeights: .gaussian(rows: 30, columns: 64, stream: stream.child("hidden")),
      outputWeights: .gaussian(rows: 4, columns: 30, stream: stream.child("output")),
      normalizeInput: true)
    let inputs = Matrix<Float>.uniform(rows: 150, columns: 64, bound: 1, stream: stream)
    let problem = AttackProblem(
      classifier: network, inputs: inputs, labels: network.predictions(inputs),
      threat: ThreatModel(norm: norm, box: -1...1), references: AttackReferences(dimension: 64))
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let radii = [Float](repeating: norm == .linf ? 0.05 : 0.2, count: 150)
    let attacks: [any Attack] = [
      TargetedAutoPGD(steps: 10), FastAdaptiveBoundary(steps: 5, restarts: 2),
      FastAdaptiveBoundary(targeted: true, steps: 5), SquareAttack(queries: 30, restarts: 2),
    ]
    for attack in attacks {
      let results = [1, 2, 3].map { threads in
        Parallel.threadCount = threads
        return attack.perturbations(problem, radii: radii, stream: stream)
      }
      #expect(results[0] == results[1] && results[0] == results[2], "\(attack.name)")
      #expect(results[0].elements.contains { $0 != 0 }, "\(attack.name)")
    }
  }

  @Test func squareGoesOnWhereItIsNeeded() {
    let (problem, distances) = problem(6, 60, .linf, box: false)
    // From easy to hard.
    let radii = distances.enumerated().map { i, distance in
      Float(distance * (1.2 + 4 * Double(i) / Double(distances.count)))
    }
    let few = SquareAttack(queries: 30)
    var more = few
    more.queriesWhereNeeded = 3000
    let (first, second) = (fooled(few, problem, radii).fooled, fooled(more, problem, radii).fooled)
    let (before, after) = (first.count { $0 }, second.count { $0 })
    #expect(before > 1 && before < after, "\(before), \(after)")
    #expect(zip(first, second).allSatisfy { !$0 || $1 })
  }

  /// The check of convergence has a twin of every attack that takes steps.
  @Test(arguments: AttackCatalog.entries.map(\.name)) func everyAttackHasATwin(_ name: String)
    throws
  {
    for attack in try AttackCatalog.attacks(named: name, classCount: 5) {
      let twin = try #require(attack.doubled(), "\(attack.name)")
      #expect(twin.name == attack.name && twin.isMinimumNorm == attack.isMinimumNorm)
    }
  }

  @Test func passesAreCounted() {
    func counts(_ attack: any Attack, radius: Float) -> PassCounts {
      let problem = problem(6, 60, .l2, box: false).problem.subset([0])
      let before = problem.counts.forwardPasses.reduce(0, +)
      #expect(before == 0)
      _ = attack.perturbations(problem, radii: [radius], stream: stream)
      return problem.counts
    }
    // A ball too small to fool: nothing ends early.
    #expect(counts(SquareAttack(queries: 50, restarts: 2), radius: 1e-4).forwardPasses.max() == 102)
    // More queries only where the first have shown that they are needed.
    var needed = SquareAttack(queries: 50)
    needed.queriesWhereNeeded = 500
    #expect(counts(needed, radius: 1e-4).forwardPasses.max() == 51)
    let targeted = counts(TargetedAutoPGD(steps: 10), radius: 1e-4)
    #expect(targeted.gradientPasses.max() == 5 * 11)
    var selective = TargetedAutoPGD(steps: 10)
    (selective.targetsAfterScreening, selective.screeningSteps) = (2, 4)
    #expect(counts(selective, radius: 1e-4).gradientPasses.max() == 5 * 5 + 2 * 11)
    // One pass a step for each other class, and one to see whether the last point fools.
    let untargeted = counts(FastAdaptiveBoundary(steps: 9), radius: .infinity)
    #expect(untargeted.gradientPasses.max() == 5 * 10)
    // One for the order of the classes, and six for the final search.
    #expect(untargeted.forwardPasses.max() == 1 + 6)
  }
}
