import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// What a network says about every sample: classes, logits, margins and probabilities.
package struct Predictions: Sendable {
  /// (n, outputs).
  package let logits: Matrix<Float>
  /// The class of every sample.
  package let predicted: [Int]
  /// Nil for data without.
  private let labels: [Int]?
  /// The value of every class.
  private let classes: [ClassLabel]

  /// The predictions of a model on its data.
  ///
  /// - Parameter classes: the value of every class, in the order of the outputs.
  package init(_ fitted: FittedModel, classes: [ClassLabel], hasLabels: Bool = true) {
    var logits = fitted.classifier.logits(fitted.data.inputs)
    let scale = Float(fitted.contributionScale)
    if scale != 1 { logits.elements = logits.elements.map { scale * $0 } }
    self.logits = logits
    predicted = fitted.classifier.referenceClasses(fitted.data.inputs)
    labels = hasLabels ? fitted.data.labels : nil
    self.classes = classes
  }

  /// The share of samples whose predicted class is their label; nil without labels.
  package var accuracy: Double? {
    labels.map { labels in
      Double(zip(predicted, labels).count { $0 == $1 }) / Double(max(1, labels.count))
    }
  }

  /// How far the logit of the predicted class is above the largest other one.
  private var margins: [Float] { classificationMargins(logits, labels: predicted) }

  /// exp(f_c) / sum_k exp(f_k) of the predicted class; of one output 1 / (1 + exp(-|f|)).
  private var probabilities: [Double] {
    (0..<logits.rows).map { i in
      if logits.columns == 1 { return 1 / (1 + exp(-Double(logits[i, 0].magnitude))) }
      let own = Double(logits[i, predicted[i]])
      return 1 / (0..<logits.columns).reduce(0) { $0 + exp(Double(logits[i, $1]) - own) }
    }
  }

  /// The values of classes by number; the number where a class has none.
  private func values(_ numbers: [Int]) -> [ClassLabel] {
    numbers.map { classes.indices.contains($0) ? classes[$0] : .integer($0) }
  }

  /// Writes a CSV or npz file, as the name says.
  package func write(to path: String) throws(FormatError) {
    if path.lowercased().hasSuffix(".npz") {
      var names = ["label": LabelArray(values(predicted))]
      if let labels { names["y"] = LabelArray(values(labels)) }
      try NPZ.write(
        [
          "class": Tensor(shape: [predicted.count], elements: .int64(predicted.map { Int64($0) })),
          "logits": ModelFile.tensor(logits), "margin": ModelFile.tensor(margins),
          "probability": ModelFile.tensor(probabilities),
        ],
        labels: names, to: path, isCompressed: true)
    } else {
      try table.write(to: path)
    }
  }

  /// `class` is the number of the predicted class, `label` its value, `y` the label that the data state.
  private var table: CSVTable {
    var table = CSVTable()
    table.append("index", Array(0..<logits.rows))
    table.append("class", predicted)
    table.append("label", values(predicted).map(\.description))
    table.append("margin", margins.map { Double($0) })
    for c in 0..<logits.columns {
      table.append("logit\(c)", logits.column(c).map { Double($0) })
    }
    table.append("probability", probabilities)
    if let labels { table.append("y", values(labels).map(\.description)) }
    return table
  }
}
