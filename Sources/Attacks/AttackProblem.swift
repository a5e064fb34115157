import LinearCore
import Networks

/// What an attack gets to see.
public struct AttackProblem<C: Classifier>: Sendable {
  /// The classifier; attacks know nothing of what is inside.
  public let classifier: C
  /// Samples that stand as they are, that is correctly classified ones, or, with ``targets``, some that are
  /// not predicted as their target: (n, inputDimension).
  public let inputs: Matrix<C.Scalar>
  /// The class of every row of ``inputs``.
  public let labels: [Int]
  /// The class that each sample is to be predicted as; nil where any but its label will do, and for two
  /// classes, which leave one other.
  public let targets: [Int]?
  /// What the adversary may do.
  public let threat: ThreatModel<C.Scalar>
  /// Where other classes are to be found.
  public let references: AttackReferences<C.Scalar>
  /// What each sample is called in random streams and in ``counts``: its row in the data, so that no
  /// result depends on which samples are attacked together.
  public let sampleNumbers: [Int]
  /// What has been spent on each sample.
  package let counts: PassCounts

  /// A problem: correctly classified inputs (n, inputDimension), inside the box, with their classes.
  ///
  /// - Parameters:
  ///   - targets: a class for each sample, other than its label; nil for attacks on the label.
  ///   - sampleNumbers: by default 0 ..< n.
  ///   - counts: counts for all these numbers; by default new ones.
  package init(
    classifier: C, inputs: Matrix<C.Scalar>, labels: [Int], targets: [Int]? = nil,
    threat: ThreatModel<C.Scalar>, references: AttackReferences<C.Scalar>,
    sampleNumbers: [Int]? = nil, counts: PassCounts? = nil
  ) {
    precondition(inputs.rows == labels.count, "one label a sample")
    precondition(targets == nil || targets?.count == labels.count, "one target a sample")
    self.classifier = classifier
    self.inputs = inputs
    self.labels = labels
    self.targets = classifier.classCount == 2 ? nil : targets
    self.threat = threat
    self.references = references
    self.sampleNumbers = sampleNumbers ?? Array(labels.indices)
    self.counts = counts ?? PassCounts(samples: (self.sampleNumbers.max() ?? -1) + 1)
  }

  private init(_ problem: AttackProblem, subset: [Int]) {
    classifier = problem.classifier
    inputs = problem.inputs.rows(at: subset)
    labels = subset.map { problem.labels[$0] }
    targets = problem.targets.map { targets in subset.map { targets[$0] } }
    threat = problem.threat
    references = problem.references
    counts = problem.counts
    sampleNumbers = subset.map { problem.sampleNumbers[$0] }
  }

  /// The number of samples.
  public var count: Int { labels.count }

  /// The problem restricted to some samples. Counts what it spends for the same samples.
  public func subset(_ indices: [Int]) -> AttackProblem {
    AttackProblem(self, subset: indices)
  }

  /// The same samples, each to be predicted as a class of its own. Counts for the same samples.
  func aimed(at targets: [Int]) -> AttackProblem {
    AttackProblem(
      classifier: classifier, inputs: inputs, labels: labels, targets: targets, threat: threat,
      references: references, sampleNumbers: sampleNumbers, counts: counts)
  }
}

extension AttackProblem {
  /// Adds gradient passes that did not go through ``marginsAndGradients(_:)``: a number a sample.
  func countGradients(_ passes: [Int]) { counts.addGradients(sampleNumbers, passes) }

  /// Independent Gaussian rows, (n, inputDimension), that depend on the samples' numbers alone.
  func gaussianRows(_ stream: RandomStream) -> Matrix<C.Scalar> {
    let (count, dimension) = (self.count, inputs.columns)
    var rows = Matrix<C.Scalar>(uninitializedRows: count, columns: dimension)
    rows.withMutablePointer { base in
      for (i, number) in sampleNumbers.enumerated() {
        var generator = stream.child("sample", number)
        generator.fillGaussian(
          UnsafeMutableBufferPointer(start: base + i * dimension, count: dimension))
      }
    }
    return rows
  }
}
