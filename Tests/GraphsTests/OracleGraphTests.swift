import Attacks
import Formats
import LinearCore
import Networks
import Testing
import Theory

@testable import Graphs

/// Classifiers whose distances are known, written as ONNX by `Fixtures/make_oracles.py`: attacked through the graph
/// they have the radii of the network that this package makes itself.
@Suite struct OracleGraphTests {
  private static let arrays = try! NPZ.read(path: fixture("oracles.npz"))
  private let stream = RandomStream(seed: 6)

  private static func matrix(_ name: String) throws -> Matrix<Float> {
    try Example.matrix(arrays[name], name).converted()
  }

  private func graph(_ name: String) throws -> GraphNetwork<Float> {
    let bytes = Example.bytes(Self.arrays[name + ".model"])
    return GraphNetwork(
      try ONNXGraphFile.plan(of: ONNXModel(bytes: bytes, path: name), path: name))
  }

  /// The radii of the ensemble; centres are known as data offer them.
  private func radii<C: Classifier<Float>>(
    _ classifier: C, _ inputs: Matrix<Float>, _ norm: Norm,
    directions: (rows: Matrix<Float>, labels: [Int])? = nil
  ) throws -> [Double] {
    let labels = classifier.predictions(inputs)
    let centers = try Self.matrix("centers")
    return try RobustnessEvaluation<C>(
      threat: ThreatModel(norm: norm),
      attacks: try AttackCatalog.attacks(
        named: "standard", norm: norm, classCount: classifier.classCount),
      references: AttackReferences(
        dimension: inputs.columns, classCount: classifier.classCount, directions: directions,
        means: (centers, classifier.predictions(centers)), samples: (inputs, labels)),
      epsilons: [], stream: stream
    ).run(classifier, inputs: inputs, labels: labels).samples.map(\.radius)
  }

  @Test(arguments: Norm.allCases, [1, 3]) func linearModelsHaveTheirDistance(
    _ norm: Norm, _ classes: Int
  ) throws {
    let name = "linear\(classes)"
    let (weights, bias) = (
      try Self.matrix(name + ".weights"), try #require(Self.arrays[name + ".bias"]).doubles
    )
    let inputs = try Self.matrix("inputs")
    let dual: Norm = norm == .l2 ? .l2 : norm == .l1 ? .linf : .l1
    for (i, radius) in try radii(try graph(name), inputs, norm).enumerated() {
      func logit(_ c: Int) -> Double {
        zip(inputs.row(i), weights.row(c)).reduce(bias[c]) { $0 + Double($1.0) * Double($1.1) }
      }
      func distance(_ lead: Double, _ slopes: [Double]) -> Double {
        lead.magnitude / dual.length(slopes)
      }
      let slopes = (0..<classes).map { weights.row($0).map(Double.init) }
      let own = (0..<classes).max { logit($0) < logit($1) } ?? 0
      let exact =
        classes == 1
        ? distance(logit(0), slopes[0])
        : (0..<classes).filter { $0 != own }.map { other in
          distance(logit(own) - logit(other), zip(slopes[own], slopes[other]).map { $0 - $1 })
        }.min() ?? .infinity
      #expect((radius - exact).magnitude <= 1e-6 * exact, "sample \(i): \(radius), \(exact)")
    }
  }

  @Test(arguments: Norm.allCases, [1, 1.5, 2, 3, 4]) func idealClassifiersHaveTheirRadii(
    _ norm: Norm, _ p: Double
  ) throws {
    let labels = try #require(Self.arrays["labels"]).doubles.map { Int($0) }
    let native = IdealClassifiers.learned(
      exponent: p, centers: try Self.matrix("centers"), labels: labels)
    let inputs = try Self.matrix("inputs")
    let name = p == 1 ? "F" : p == p.rounded() ? "F\(Int(p))" : "F\(p)"
    let imported = try graph(name)
    let expected = try radii(
      native, inputs, norm,
      directions: native.classDirections(of: Array(0..<native.hiddenWidth)))
    for (i, radius) in try radii(imported, inputs, norm).enumerated() {
      #expect(
        (radius - expected[i]).magnitude <= 1e-6 * expected[i],
        "sample \(i): \(radius), \(expected[i])")
      // The centres come first.
      if norm == .l2 && i < labels.count && (p == 1 || p >= 2) {
        let law =
          p == 1
          ? CriticalRadius.relu(subclasses: labels.count)
          : CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: 3)
        #expect((radius - law).magnitude <= 1e-4 * law, "centre \(i): \(radius), \(law)")
      }
    }
  }
}
