import LinearCore
import Networks
import Testing

/// A bound of the rounding error of each logit (see the derivation below), in units of the roundoff u of
/// the type the network is evaluated in.
///
/// z_j is off by at most (d + 2) u ||w_j|| R with R the norm of |x| + |center|, the cosine by as much and
/// a few roundings, its power by p times that; the outer sum adds width + 4 roundings. Together
/// (p (d + 12) + width + 12) u sum_j |v_j| ||w_j|| R^p, with R in place of R^p if inputs are normalised.
func roundingBound(_ network: PReLUNetwork<Double>, _ x: [Double], roundoff: Double) -> [Double] {
  let p = network.exponent
  let shifted = zip(x, network.center ?? x.map { _ in 0 }).map { abs($0) + abs($1) }
  let size = Norm.l2.length(shifted)
  let scale = network.normalizeInput ? size : Double.power(size, p)
  let norms = network.hiddenWeights.rowNorms()
  let factor = p * Double(network.inputDimension + 12) + Double(network.hiddenWidth + 12)
  return (0..<network.outputCount).map { c in
    let sum = (0..<network.hiddenWidth).reduce(0) {
      $0 + abs(network.outputWeights[c, $1]) * norms[$1]
    }
    return factor * roundoff * (sum * scale + abs(network.outputBias?[c] ?? 0))
  }
}

@Suite struct PReLUNetworkTests {
  static let models = ModelCase.all.filter { [.logistic, .crossEntropy].contains($0.loss) }
  let inputs = Matrix<Double>.gaussian(rows: 300, columns: 6, stream: RandomStream(seed: 3))

  private func expectClose(
    _ a: Matrix<Double>, _ b: Matrix<Double>, _ network: PReLUNetwork<Double>,
    inputs: Matrix<Double>, roundoff: Double
  ) {
    for i in 0..<inputs.rows {
      let bound = roundingBound(network, inputs.row(i), roundoff: roundoff)
      for c in bound.indices { #expect(abs(a[i, c] - b[i, c]) <= 2 * bound[c]) }
    }
  }

  /// f(center + s x) - bias = s^q (f(center + x) - bias), with q = 1 if inputs are normalised, else p.
  @Test(arguments: models) func isHomogeneousInTheInput(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let degree = model.normalizeInput ? 1 : model.exponent
    let center = network.center ?? [Double](repeating: 0, count: 6)
    var base = inputs
    base.subtractFromRows(center.map { -$0 })
    let before = network.logits(base)
    for s in [0.25, 3.0] {
      var scaled = inputs
      scaled.elements = scaled.elements.map { s * $0 }
      scaled.subtractFromRows(center.map { -$0 })
      var expected = before
      for i in 0..<expected.rows {
        for c in 0..<expected.columns {
          let bias = network.outputBias?[c] ?? 0
          expected[i, c] = (before[i, c] - bias) * Double.power(s, degree) + bias
        }
      }
      // The bound of the larger argument, and of the smaller one scaled up.
      let larger = Double.power(max(s, 1), degree) * 4 * .unitRoundoff
      let reference = s > 1 ? base : scaled
      for i in 0..<inputs.rows {
        let a = roundingBound(network, scaled.row(i), roundoff: .unitRoundoff)
        let b = roundingBound(network, reference.row(i), roundoff: larger)
        let d = roundingBound(network, base.row(i), roundoff: larger)
        for c in a.indices {
          #expect(
            abs(network.logits(Matrix([scaled.row(i)]))[0, c] - expected[i, c]) <= a[c] + b[c]
              + d[c])
        }
      }
    }
  }

  /// h is homogeneous of degree 1 in w: a power of two changes no digit.
  @Test(arguments: models) func featuresAreHomogeneousInTheWeights(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let features = network.hiddenFeatures(inputs)
    for s in [0.125, 1024, 0x1p-200, 0x1p200] {
      var scaled = network
      scaled.hiddenWeights.elements = scaled.hiddenWeights.elements.map { s * $0 }
      let bound = inputs.rows * network.hiddenWidth
      let result = scaled.hiddenFeatures(inputs).elements.map { $0 / s }
      #expect(result.count == bound)
      let worst = zip(result, features.elements).reduce(0) {
        max($0, abs($1.0 - $1.1) / max($1.1, 1e-300))
      }
      #expect(worst <= (model.exponent + 4) * 8 * .ulpOfOne)
    }
  }

  @Test(arguments: models) func featuresGiveTheLogits(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    var logits = Matrix.product(
      network.hiddenFeatures(inputs), network.outputWeights, transposeB: true)
    logits.subtractFromRows((network.outputBias ?? logits.row(0).map { _ in 0 }).map { -$0 })
    expectClose(network.logits(inputs), logits, network, inputs: inputs, roundoff: .unitRoundoff)
    #expect(network.hiddenFeatures(inputs).elements.allSatisfy { $0 >= 0 })
  }

  @Test(arguments: models) func floatMatchesDouble(_ model: ModelCase) {
    let narrow: PReLUNetwork<Float> = model.network()
    let narrowInputs = inputs.converted(to: Float.self)
    let wide = narrow.converted(to: Double.self)
    let wideInputs = narrowInputs.converted(to: Double.self)
    expectClose(
      narrow.logits(narrowInputs).converted(to: Double.self), wide.logits(wideInputs), wide,
      inputs: wideInputs, roundoff: Float.unitRoundoff)
  }

  /// Blocks of 128 samples are an implementation detail that may change roundings only.
  @Test(arguments: models) func batchSizeDoesNotMatter(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network(width: 600)
    let all = network.logits(inputs)
    for size in [1, 127, 128, 129, 299] {
      let part = network.logits(inputs.rows(in: 0..<size))
      expectClose(
        part, all, network, inputs: inputs.rows(in: 0..<size), roundoff: .unitRoundoff)
    }
    #expect(network.logits(Matrix(rows: 0, columns: 6)).rows == 0)
    let empty = network.logitsAndInputGradient(Matrix(rows: 0, columns: 6)) { logits, _ in logits }
    #expect(empty.gradient.rows == 0 && empty.gradient.columns == 6)
  }

  @Test(arguments: models) func centerGivesTheBias(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let center = Matrix<Double>([network.center ?? [Double](repeating: 0, count: 6)])
    let (logits, gradient) = network.logitsAndInputGradient(center) { logits, _ in logits }
    #expect(logits.row(0) == network.outputBias ?? [Double](repeating: 0, count: logits.columns))
    #expect(gradient.isFinite())
  }
}

extension LinearScalar {
  /// A correctly rounded operation is exact up to a factor 1 + d, |d| <= u.
  static var unitRoundoff: Double { Double(ulpOfOne) / 2 }
}

@Suite struct PReLUNetworkErrorTests {
  private func message(
    exponent: Double = 1, hidden: Matrix<Double> = Matrix([[1, 2], [3, 4], [5, 6]]),
    output: Matrix<Double> = Matrix([[1, 2, 3]]), bias: [Double]? = nil, center: [Double]? = nil
  ) -> String? {
    do throws(NetworkError) {
      _ = try PReLUNetwork(
        exponent: exponent, hiddenWeights: hidden, outputWeights: output, outputBias: bias,
        center: center)
      return nil
    } catch { return error.description }
  }

  @Test func saysWhatDoesNotFit() {
    #expect(message() == nil)
    for p in [0.99, 0, -1, .nan, .infinity] {
      #expect(message(exponent: p) == "p is \(p); expected a number from 1 to 1000")
    }
    #expect(
      message(output: Matrix([[1, 2]]))
        == "the output layer reads 2 neurons, the hidden layer has 3")
    #expect(message(bias: [1, 2]) == "2 output biases for 1 outputs")
    #expect(message(center: [1]) == "the center has 1 coordinates, inputs have 2")
    let nothing = "a network needs at least one input, one hidden neuron and one output"
    #expect(message(hidden: Matrix(rows: 0, columns: 2)) == nothing)
    #expect(message(hidden: Matrix(rows: 3, columns: 0)) == nothing)
    #expect(message(output: Matrix(rows: 0, columns: 3)) == nothing)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func refusesWhatIsNotFinite(bad: Double) {
    let expected = "a weight is NaN or infinite"
    #expect(message(hidden: Matrix([[1, bad], [3, 4], [5, 6]])) == expected)
    #expect(message(output: Matrix([[1, 2, bad]])) == expected)
    #expect(message(bias: [bad]) == expected)
    #expect(message(center: [bad, 0]) == expected)
    let greatest = Double.greatestFiniteMagnitude
    #expect(message(bias: [greatest], center: [greatest, greatest]) == nil)
  }
}
