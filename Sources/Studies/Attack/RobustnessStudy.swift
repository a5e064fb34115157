import Alignment
import Attacks
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// Attacks a network on data, with the references that both offer, and checks the result.
public struct RobustnessStudy {
  /// The norm of perturbations.
  public var norm: Norm = .l2
  /// A name of ``AttackCatalog``.
  public var attack = "standard"
  /// Gradient steps, for attacks that let choose them; nil takes the attack's own number.
  public var steps: Int?
  /// Runs from different points, for attacks that have them; nil takes the attack's own number.
  public var restarts: Int?
  /// Radii for attacks on given balls; attacks of minimum norm do without.
  public var epsilons: [Double]
  /// Whether perturbed inputs must stay in the data's box, where it has one.
  public var respectsBox = true
  /// Whether the result is checked for signs of a weak attack.
  public var isChecked = true
  /// Whether a network that depends on few directions is attacked in those, where the norm allows it.
  public var usesReduction = true
  /// The class, in 0..<classCount, that each sample of the data is to be predicted as; nil where any but its
  /// label will do. Samples whose label is the target are not attacked.
  public var targets: [Int]?
  /// Root of all random choices.
  public var seed: UInt64 = 0
  /// Keeps finished chunks, so that the attack can be resumed; see ``AttackRun``.
  package var store: AttackCheckpoint?

  /// A study; without radii for attacks of minimum norm, such as the standard one.
  public init(
    epsilons: [Double] = [], norm: Norm = .l2, attack: String = "standard", seed: UInt64 = 0
  ) {
    self.epsilons = epsilons
    self.norm = norm
    self.attack = attack
    self.seed = seed
  }

  /// Attacks the samples of `data`; `reference` (the training data, or again `data`, in the same unit of length) tells
  /// where other classes lie.
  ///
  /// Dominant neurons of a network of one hidden layer are references as well, and where it depends on few directions
  /// it is attacked in those, see ``usesReduction``.
  public func run<C: Classifier<Float>>(
    classifier: C, data: Dataset, reference: Dataset, title: String = "attack",
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    if let structured = classifier as? any StructuredClassifier {
      return try run(
        structured: structured, data: data, reference: reference, title: title, progress: progress)
    }
    return try run(
      classifier, directions: { nil }, data: data, reference: reference, title: title,
      progress: progress
    ) { _, _ in nil }
  }

  /// ``run(classifier:data:reference:title:progress:)`` of a network.
  public func run(
    _ network: PReLUNetwork<Float>, data: Dataset, reference: Dataset, title: String = "attack",
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    try run(
      structured: network, data: data, reference: reference, title: title, progress: progress)
  }

  private func run<C: StructuredClassifier>(
    structured classifier: C, data: Dataset, reference: Dataset, title: String,
    progress: ProgressReporter
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    try run(
      classifier, directions: { classifier.classDirections }, data: data, reference: reference,
      title: title, progress: progress
    ) { (evaluation, report) throws(AttackError) in
      try usesReduction
        ? classifier.attackReduced(
          evaluation, data: data, targets: targets, isChecked: isChecked, store: store,
          progress: report) : nil
    }
  }

  /// Attacks a classifier, `reduced` where this gives a result.
  private func run<C: Classifier<Float>>(
    _ classifier: C, directions: () -> (rows: Matrix<Float>, labels: [Int])?, data: Dataset,
    reference: Dataset, title: String, progress: ProgressReporter,
    reduced: (RobustnessEvaluation<C>, (EvaluationProgress) -> Void) throws(AttackError) ->
      RobustnessResult<Float>?
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    for other in [data, reference] where other.dimension != classifier.inputDimension {
      throw .usage(
        "\(other.name): samples have \(other.dimension) coordinates, the model takes "
          + "\(classifier.inputDimension)")
    }
    do {
      var evaluation = RobustnessEvaluation<C>(
        threat: ThreatModel(norm: norm, within: respectsBox ? data.validInputs : nil),
        attacks: try AttackCatalog.attacks(
          named: attack, norm: norm, classCount: classifier.classCount, steps: steps,
          restarts: restarts),
        references: AttackReferences(
          dimension: classifier.inputDimension, classCount: classifier.classCount,
          directions: directions(), means: Self.means(of: reference),
          samples: (reference.inputs, reference.labels)),
        // Beyond this every ball is all of space, and single precision ends.
        epsilons: epsilons.map { min($0 / data.unit, 1e30) },
        stream: RandomStream(seed: seed).child("attack"))
      evaluation.unit = data.unit
      let start = Date()
      let report = { (state: EvaluationProgress) in
        progress.update(
          "\(title): \(state.samples)/\(data.count) samples, \(state.attack)",
          fraction: state.fraction, since: start)
      }
      defer { progress.clear() }
      if var result = try reduced(evaluation, report) {
        result.scaleLengths(by: data.unit)
        return result
      }
      var result = try evaluation.run(
        classifier, inputs: data.inputs, labels: data.labels, targets: targets, store: store,
        progress: report)
      if isChecked {
        result = try ReliabilityChecks(evaluation).check(
          result, classifier, inputs: data.inputs, labels: data.labels)
      }
      try Cancellation.check(ExperimentError.failed("the attack was cancelled"))
      result.scaleLengths(by: data.unit)
      return result
    } catch { throw ExperimentError(error) }
  }

  /// Class means and subclass centres as points, those that there are.
  private static func means(of data: Dataset) -> (rows: Matrix<Float>, labels: [Int]) {
    let classes = data.presentClassMeans
    guard let groups = data.presentGroupCenters, let labels = data.groupLabels else {
      return (classes.rows, classes.numbers)
    }
    let rows = Matrix(
      rows: classes.rows.rows + groups.rows.rows, columns: classes.rows.columns,
      elements: classes.rows.elements + groups.rows.elements)
    return (rows, classes.numbers + groups.numbers.map { labels[$0] })
  }
}

extension RobustnessStudy {
  /// Radii that show where networks on unit-size data give way.
  package static func standardEpsilons(for norm: Norm) -> [Double] {
    switch norm {
    case .l2: evenlySpaced(0, 1.5, 16)
    case .linf: evenlySpaced(0, 0.3, 16)
    case .l1: evenlySpaced(0, 3, 16)
    }
  }

  /// Numbers from the first to the last.
  package static func evenlySpaced(_ first: Double, _ last: Double, _ count: Int) -> [Double] {
    if count == 1 { return [first] }
    return (0..<count).map { first + (last - first) * Double($0) / Double(count - 1) }
  }
}

/// A robustness curve as results store it.
package struct RobustnessCurve: Codable, Sendable, Equatable {
  /// One point of the curve.
  package struct Point: Codable, Sendable, Equatable {
    package let epsilon: Double
    /// The share of samples that stand.
    package let robustAccuracy: Double
  }
  /// The points, in the order asked for.
  package let points: [Point]

  /// The curve of a result at some radii.
  package init<Scalar: LinearScalar>(_ result: RobustnessResult<Scalar>, epsilons: [Double]) {
    points = epsilons.map {
      Point(epsilon: $0, robustAccuracy: result.robustAccuracy(epsilon: $0))
    }
  }
}

extension RobustnessResult {
  /// The per-sample table: `index,label,predicted,radius,attack,status` and the passes spent; with targets
  /// `target` after the label.
  package var table: CSVTable { table(classes: nil) }

  /// The same with the values of classes instead of their numbers.
  ///
  /// - Parameter classes: the value of every class.
  package func table(classes: [ClassLabel]?) -> CSVTable {
    func values(_ numbers: [Int]) -> [String] {
      numbers.map { classes?[$0].description ?? "\($0)" }
    }
    var table = CSVTable()
    table.append("index", samples.map(\.index))
    table.append("label", values(samples.map(\.label)))
    if isTargeted { table.append("target", values(samples.compactMap(\.target))) }
    table.append("predicted", values(samples.map(\.predicted)))
    table.append("radius", samples.map(\.radius))
    table.append("attack", samples.map { $0.attack ?? "" })
    table.append("status", samples.map(\.status.rawValue))
    table.append("gradientPasses", samples.map(\.gradientPasses))
    table.append("forwardPasses", samples.map(\.forwardPasses))
    return table
  }
}
