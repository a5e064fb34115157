import Foundation
import LinearCore
import Networks
import Testing

@Suite struct LossTests {
  static let binary = Loss.allCases.filter(\.isBinary)

  private func one<Scalar: LinearScalar>(_ loss: Loss, _ f: Scalar, label: Int)
    -> (value: Double, derivative: Scalar)
  {
    let result = loss.valueAndDerivative(Matrix([[f]]), labels: [label])
    return (result.sum, result.derivative[0, 0])
  }

  @Test(arguments: binary, [0, 1]) func closedForms(loss: Loss, label: Int) {
    let y = label == 1 ? 1.0 : -1.0
    for f in stride(from: -30.0, through: 30, by: 0.73) {
      let margin = y * f
      let (value, derivative) =
        switch loss {
        case .exponential: (exp(-margin), -y * exp(-margin))
        case .logistic: (log1p(exp(-margin)), -y / (1 + exp(margin)))
        default: ((margin - 1) * (margin - 1) / 2, f - y)
        }
      let result = one(loss, f, label: label)
      #expect(abs(result.value - value) <= 8 * .ulpOfOne * max(value, margin < 0 ? -margin : 0))
      #expect(abs(result.derivative - derivative) <= 8 * .ulpOfOne * abs(derivative))
    }
  }

  /// A central difference is off by h^2 |f'''| / 6 and, from rounding, |f| u / h.
  @Test(arguments: Loss.allCases) func derivativeMatchesDifferences(loss: Loss) {
    let h = 1e-5
    var stream = RandomStream(seed: 1)
    for scale in [0.1, 1, 5] {
      let classes = loss.isBinary ? 1 : 4
      let logits = (0..<classes).map { _ in scale * stream.nextGaussian() }
      for label in 0..<max(2, classes) {
        let result = loss.valueAndDerivative(Matrix([logits]), labels: [label])
        for c in 0..<classes {
          var up = logits
          var down = logits
          up[c] += h
          down[c] -= h
          let difference =
            (loss.mean(Matrix([up]), labels: [label]) - loss.mean(Matrix([down]), labels: [label]))
            / (2 * h)
          // Every third derivative here is at most the loss itself or 1.
          let bound = (h * h + 4 * Double.ulpOfOne / h) * max(result.sum, 1)
          #expect(abs(result.derivative[0, c] - difference) <= bound)
        }
      }
    }
  }

  @Test(arguments: binary) func extremeLogitsGiveFiniteConvexLosses(loss: Loss) {
    func check<Scalar: LinearScalar>(_: Scalar.Type) {
      let grid = [-1e30, -1e10, -1e4, -500, -89, -45, -44, -43, -1, 0].map { Scalar($0) }
      let all = grid + grid.reversed().map { -$0 }
      for label in [0, 1] {
        let results = all.map { one(loss, $0, label: label) }
        #expect(results.allSatisfy { $0.value.isFinite && $0.value >= 0 && $0.derivative.isFinite })
        for i in all.indices.dropFirst() {
          #expect(results[i - 1].derivative <= results[i].derivative)
          // The mean slope lies between the slopes at the ends.
          let step = Double(all[i]) - Double(all[i - 1])
          if step == 0 { continue }
          let rise = results[i].value - results[i - 1].value
          let rounding = 8 * Double.ulpOfOne * max(results[i].value, results[i - 1].value)
          let slack = 8 * Double(Scalar.ulpOfOne)
          for (k, sign) in [(i - 1, 1.0), (i, -1.0)] {
            let tangent = Double(results[k].derivative) * step
            let underflow = Double(Scalar.leastNormalMagnitude) * step
            #expect(sign * (rise - tangent) >= -rounding - slack * abs(tangent) - underflow)
          }
        }
      }
    }
    check(Float.self)
    check(Double.self)
  }

  @Test func wrongSideOfTheLogisticLossIsLinear() {
    for f in [1e4, 1e30] {
      let wrong = one(.logistic, f, label: 0)
      #expect(wrong.value == f && wrong.derivative == 1)
      let right = one(.logistic, f, label: 1)
      #expect(right.value == 0 && right.derivative == 0)
    }
  }

  @Test func crossEntropyOfEqualLogits() {
    for classes in 2...12 {
      for f in [0, -3.5, 1e4, -1e30] {
        let logits = Matrix<Double>([[Double](repeating: f, count: classes)])
        let result = Loss.crossEntropy.valueAndDerivative(logits, labels: [1])
        let share = 1 / Double(classes)
        let bound = max(abs(f), 1) * 4 * Double.ulpOfOne
        #expect(abs(result.sum - log(Double(classes))) <= bound)
        #expect(abs(result.derivative[0, 0] - share) <= 4 * .ulpOfOne)
        #expect(abs(result.derivative[0, 1] - (share - 1)) <= 4 * .ulpOfOne)
      }
    }
  }

  /// With two outputs cross-entropy is the logistic loss of their difference, to the last digits also
  /// where the sample is classified with confidence.
  @Test func crossEntropyOfTwoLogitsIsLogistic() {
    for margin in [-1e30, -1e4, -700, -40, -20, -3, -0.5, 0, 0.5, 3, 20, 30, 36, 40, 100, 700] {
      let two = Loss.crossEntropy.valueAndDerivative(
        Matrix<Double>([[0, margin]]), labels: [1])
      let single = one(.logistic, margin, label: 1)
      #expect(abs(two.sum - single.value) <= 8 * .ulpOfOne * single.value, "\(margin)")
      let bound = 8 * .ulpOfOne * abs(single.derivative)
      #expect(abs(two.derivative[0, 1] - single.derivative) <= bound, "\(margin)")
      #expect(abs(two.derivative[0, 0] + single.derivative) <= bound, "\(margin)")
    }
  }

  @Test func crossEntropyIgnoresAShiftAndStaysFinite() {
    let logits: [Float] = [1e30, -1e30, 0, 1e4]
    for label in 0..<4 {
      let result = Loss.crossEntropy.valueAndDerivative(Matrix([logits]), labels: [label])
      let exact = Double(logits[0]) - Double(logits[label])
      #expect(abs(result.sum - exact) <= 2 * .ulpOfOne * exact)
      #expect(result.derivative[0, 0] == (label == 0 ? 0 : 1))
      #expect(result.derivative[0, label] == (label == 0 ? 0 : -1))
    }
    let small = Matrix<Double>([[0.25, -1, 2]])
    let shifted = Matrix<Double>([[1024.25, 1023, 1026]])
    let (a, b) = (
      Loss.crossEntropy.valueAndDerivative(small, labels: [0]),
      Loss.crossEntropy.valueAndDerivative(shifted, labels: [0])
    )
    #expect(a.derivative == b.derivative && abs(a.sum - b.sum) <= 1024 * .ulpOfOne)
  }

  @Test(arguments: Loss.allCases) func sumsOverTheBatch(loss: Loss) {
    let logits = Matrix<Double>.gaussian(
      rows: 9, columns: loss.isBinary ? 1 : 3, stream: RandomStream(seed: 2))
    let labels = (0..<9).map { $0 % max(2, logits.columns) }
    let all = loss.valueAndDerivative(logits, labels: labels)
    let single = (0..<9).map {
      loss.valueAndDerivative(Matrix([logits.row($0)]), labels: [labels[$0]])
    }
    #expect(abs(all.sum - single.reduce(0) { $0 + $1.sum }) <= 16 * .ulpOfOne * all.sum)
    #expect(all.derivative.elements == single.flatMap { $0.derivative.elements })
    #expect(loss.mean(logits, labels: labels) == all.sum / 9)
    #expect(loss.mean(Matrix<Double>(rows: 0, columns: logits.columns), labels: []) == 0)
  }
}
