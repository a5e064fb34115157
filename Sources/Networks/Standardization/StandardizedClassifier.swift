import LinearCore

/// A classifier of standardised inputs as one of raw inputs: g(x) = f((x - mean) / deviation), coordinate by
/// coordinate. Gradients are those with respect to x.
package struct StandardizedClassifier<Base: Classifier>: Classifier {
  package typealias Scalar = Base.Scalar

  /// f.
  package let base: Base
  package let mean: [Double]
  package let deviation: [Double]
  private let shift: [Scalar]
  private let divisor: [Scalar]

  /// A classifier from f and one number a coordinate.
  ///
  /// - Precondition: numbers are finite and deviations above 0.
  package init(_ base: Base, mean: [Double], deviation: [Double]) {
    precondition(
      mean.count == base.inputDimension && deviation.count == base.inputDimension,
      "one mean and one deviation a coordinate")
    precondition(
      mean.allSatisfy(\.isFinite) && deviation.allSatisfy { $0 > 0 && $0.isFinite },
      "finite means and deviations above 0")
    (self.base, self.mean, self.deviation) = (base, mean, deviation)
    (shift, divisor) = (mean.map { Scalar($0) }, deviation.map { Scalar($0) })
  }

  package var inputDimension: Int { base.inputDimension }
  package var outputCount: Int { base.outputCount }
  package var passBlockSize: Int { base.passBlockSize }
  package var logitRounding: Scalar { base.logitRounding }

  package func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    base.logits(standardized(inputs))
  }

  package func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    var result = base.logitsAndInputGradient(standardized(inputs), cotangent: cotangent)
    let rows = inputs.rows
    result.gradient.withMutablePointer { Self.divide(rows, $0, by: divisor) }
    return result
  }

  package func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    StandardizedPass(self, base.inputGradientPass(capacity: capacity), capacity: capacity)
  }

  package func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    var standardized = inputs
    let rows = inputs.rows
    standardized.withMutablePointer {
      for i in 0..<rows {
        for j in mean.indices {
          let place = i * mean.count + j
          $0[place] = ($0[place] - mean[j]) / deviation[j]
        }
      }
    }
    return base.referenceLogits(standardized)
  }

  package func referenceClasses(_ inputs: Matrix<Scalar>) -> [Int] {
    predictedClasses(referenceLogits(inputs.converted()))
  }

  package var inDoublePrecision: (any Classifier<Double>)? {
    base.inDoublePrecision.map { Self.wrap($0, mean, deviation) }
  }

  private static func wrap<Other: Classifier<Double>>(
    _ base: Other, _ mean: [Double], _ deviation: [Double]
  ) -> any Classifier<Double> {
    StandardizedClassifier<Other>(base, mean: mean, deviation: deviation)
  }

  private func standardized(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    precondition(inputs.columns == shift.count, "samples of another dimension")
    var result = inputs
    let rows = inputs.rows
    result.withMutablePointer { target in
      inputs.withPointer { standardize(rows, $0, into: target) }
    }
    return result
  }

  /// target <- (source - mean) / deviation, row by row.
  fileprivate func standardize(
    _ rows: Int, _ source: UnsafePointer<Scalar>, into target: UnsafeMutablePointer<Scalar>
  ) {
    let width = shift.count
    shift.withUnsafeBufferPointer { shift in
      divisor.withUnsafeBufferPointer { divisor in
        for i in 0..<rows {
          for j in 0..<width {
            target[i * width + j] = (source[i * width + j] - shift[j]) / divisor[j]
          }
        }
      }
    }
  }

  /// Turns gradients with respect to standardised inputs into those with respect to raw ones.
  fileprivate func scale(_ rows: Int, _ gradient: UnsafeMutablePointer<Scalar>) {
    Self.divide(rows, gradient, by: divisor)
  }

  private static func divide(
    _ rows: Int, _ values: UnsafeMutablePointer<Scalar>, by divisor: [Scalar]
  ) {
    divisor.withUnsafeBufferPointer { divisor in
      for i in 0..<rows {
        for j in 0..<divisor.count { values[i * divisor.count + j] /= divisor[j] }
      }
    }
  }
}

/// The pass of the base on standardised inputs.
private final class StandardizedPass<Base: Classifier>: InputGradientPass {
  private let classifier: StandardizedClassifier<Base>
  private let pass: any InputGradientPass<Base.Scalar>
  private let capacity: Int
  private let inputs: UnsafeMutablePointer<Base.Scalar>

  init(
    _ classifier: StandardizedClassifier<Base>, _ pass: any InputGradientPass<Base.Scalar>,
    capacity: Int
  ) {
    (self.classifier, self.pass, self.capacity) = (classifier, pass, capacity)
    inputs = .allocate(capacity: max(1, capacity * classifier.inputDimension))
  }

  deinit { inputs.deallocate() }

  func run(
    count: Int, inputs raw: UnsafePointer<Base.Scalar>,
    gradient: UnsafeMutablePointer<Base.Scalar>,
    weigh: (UnsafeMutablePointer<Base.Scalar>) -> Void
  ) {
    precondition(count <= capacity, "at most the capacity of the pass")
    classifier.standardize(count, raw, into: inputs)
    pass.run(count: count, inputs: inputs, gradient: gradient, weigh: weigh)
    classifier.scale(count, gradient)
  }
}

extension StandardizedClassifier: ImageClassifier {
  /// Those of f.
  package var imageAxes: ImageAxes? { (base as? any ImageClassifier)?.imageAxes }
}
