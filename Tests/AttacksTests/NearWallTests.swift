import LinearCore
import Networks
import Testing

@testable import Attacks

/// Boxes whose walls are nearer than the decision boundary: the way there leads along faces and through corners.
@Suite struct NearWallTests {
  private let stream = RandomStream(seed: 77)

  /// Radii that a fixed-radius attack is asked for, each twice the one before.
  private static let ladder = (0..<12).map { 0.01 * Double(1 << $0) }
  private static let cases = [4, 11].flatMap { dimension in
    Place.allCases.map { (dimension, $0) }
  }

  /// Where the samples of a case are: anywhere, with every other coordinate at a wall, or in a corner.
  enum Place: CaseIterable { case inside, face, corner }

  /// A box of unequal ranges, those of every third coordinate a tenth as wide, and samples in it.
  private func box(_ dimension: Int, _ place: Place, _ name: String)
    -> (box: InputBox<Float>, center: [Float], inputs: Matrix<Float>)
  {
    let stream = stream.child(name, dimension)
    let middle = Matrix<Float>.gaussian(rows: 1, columns: dimension, stream: stream.child("middle"))
    let spread = Matrix<Float>.uniform(
      rows: 1, columns: dimension, bound: 1, stream: stream.child("spread"))
    let half = spread.elements.enumerated().map { j, value in
      (0.1 + value.magnitude) * (j % 3 == 0 ? 0.1 : 1)
    }
    let (lower, upper) = (
      zip(middle.elements, half).map { $0 - $1 }, zip(middle.elements, half).map { $0 + $1 }
    )
    var inputs = Matrix<Float>.uniform(
      rows: 8, columns: dimension, bound: 1, stream: stream.child("inputs"))
    for i in inputs.elements.indices {
      let (j, value) = (i % dimension, inputs.elements[i])
      let isAtWall = place == .corner || place == .face && j % 2 == 0
      let wall = value < 0 ? lower[j] : upper[j]
      inputs.elements[i] = isAtWall ? wall : middle.elements[j] + value * half[j]
    }
    return (.perCoordinate(lower: lower, upper: upper), middle.elements, inputs)
  }

  private func radii<C: Classifier>(
    _ name: String, _ classifier: C, _ inputs: Matrix<Float>, _ threat: ThreatModel<Float>
  ) throws -> [Double] where C.Scalar == Float {
    let labels = classifier.predictions(inputs)
    return try RobustnessEvaluation<C>(
      threat: threat,
      attacks: try AttackCatalog.attacks(
        named: name, norm: threat.norm, classCount: classifier.classCount),
      references: AttackReferences(
        dimension: inputs.columns, samples: inputs,
        sampleLabels: labels),
      epsilons: Self.ladder, stream: stream.child(name)
    ).run(classifier, inputs: inputs, labels: labels).samples.map(\.radius)
  }

  private static let minimumNorm = ["structural", "ddn", "fmn", "fab"]
  private static let fixedRadii = ["pgd", "apgd-ce", "apgd-margin", "square"]

  @Test(arguments: Norm.allCases, minimumNorm + fixedRadii)
  func linearClassifiersFall(_ norm: Norm, _ name: String) throws {
    if name == "ddn" && norm != .l2 { return }
    for (dimension, place) in Self.cases {
      let (box, center, inputs) = box(dimension, place, "linear")
      let weights = Matrix<Float>.gaussian(
        rows: 1, columns: dimension, stream: stream.child("w", dimension)
      ).elements
      // Through the middle of the box: every sample can be fooled.
      let offset = zip(weights, center).reduce(0) { $0 + $1.0 * $1.1 }
      let classifier = LinearClassifier(weights: weights, bias: -offset)
      let found = try radii(name, classifier, inputs, ThreatModel(norm: norm, within: box))
      for (i, radius) in found.enumerated() {
        let exact = boxedDistance(classifier, inputs.row(i), norm, within: box)
        let note = "dimension \(dimension), \(place), sample \(i): \(radius), exact \(exact)"
        #expect(exact.isFinite && radius >= exact * (1 - 1e-4) - 1e-6, "\(note)")
        if Self.minimumNorm.contains(name) {
          #expect(radius <= exact * 1.01 + 1e-6, "\(note)")
        } else {
          // A ball twice as large as needed is enough, a random search takes one more.
          let factor = name == "square" ? 4.0 : 2
          let ball = Self.ladder.first { $0 >= factor * exact } ?? .infinity
          #expect(radius <= ball, "\(note)")
        }
      }
    }
  }

  @Test(arguments: Norm.allCases) func networksFall(_ norm: Norm) throws {
    for (dimension, place) in Self.cases {
      let (box, center, inputs) = box(dimension, place, "network")
      let stream = stream.child("networks", dimension)
      var network = try PReLUNetwork<Float>(
        exponent: 1,
        hiddenWeights: .gaussian(rows: 20, columns: dimension, stream: stream.child("hidden")),
        outputWeights: .gaussian(rows: 3, columns: 20, stream: stream.child("output")),
        outputBias: [0, 0, 0])
      // All classes meet in the middle of the box.
      network.outputBias = network.logits(Matrix([center])).elements.map { -$0 }
      let threat = ThreatModel(norm: norm, within: box)
      let best = try radii("standard", network, inputs, threat)
      let names = Self.minimumNorm + Self.fixedRadii + ["fab-t", "apgd-dlr", "apgd-t"]
      for name in names where name != "ddn" || norm == .l2 {
        for (i, radius) in try radii(name, network, inputs, threat).enumerated() {
          #expect(
            radius.isFinite == best[i].isFinite,
            "\(name), dimension \(dimension), \(place), sample \(i): \(radius), standard \(best[i])"
          )
        }
      }
    }
  }
}
