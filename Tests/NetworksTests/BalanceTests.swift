import LinearCore
import Networks
import Testing

/// h is homogeneous of degree 1 in w, so <w_j, dL/dw_j> = <v_j, dL/dv_j> for every neuron, which is what
/// makes gradient flow conserve ||w_j||^2 - ||v_j||^2; and what scaling the weights does is known exactly.
@Suite struct BalanceTests {
  @Test(arguments: ModelCase.all) func gradientsAreBalanced(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network(width: 300)
    let inputs = Matrix<Double>.gaussian(rows: 11, columns: 6, stream: RandomStream(seed: 3))
    let labels = (0..<11).map { $0 % max(2, model.outputs) }
    let gradient = network.parameterGradient(inputs: inputs, labels: labels, loss: model.loss)
    for j in 0..<network.hiddenWidth {
      let w = zip(network.hiddenWeights.row(j), gradient.hiddenWeights.row(j))
      let v = zip(network.outputWeights.column(j), gradient.outputWeights.column(j))
      let (left, right) = (w.reduce(0) { $0 + $1.0 * $1.1 }, v.reduce(0) { $0 + $1.0 * $1.1 })
      // The terms of the gradient: every sample's v g p a z, and (p - 1) of the right side again.
      let size = gradientSize(network, inputs, labels, model.loss, neuron: j)
      #expect(abs(left - right) <= 40 * model.exponent * .ulpOfOne * size)
    }
  }

  /// sum_i |g_i|_1 |v_j|_1 p ||w_j|| R_i^p, which bounds the terms of both sides.
  private func gradientSize(
    _ network: PReLUNetwork<Double>, _ inputs: Matrix<Double>, _ labels: [Int], _ loss: Loss,
    neuron j: Int
  ) -> Double {
    let logits = network.logits(inputs)
    let derivative = loss.valueAndDerivative(logits, labels: labels).derivative
    var sum = 0.0
    for i in 0..<inputs.rows {
      let shifted = zip(inputs.row(i), network.center ?? [0, 0, 0, 0, 0, 0]).map { $0 - $1 }
      let size = Norm.l2.length(shifted)
      let power = network.normalizeInput ? size : Double.power(size, network.exponent)
      sum += Norm.l1.length(derivative.row(i)) / Double(inputs.rows) * power
    }
    let w = Norm.l2.length(network.hiddenWeights.row(j))
    return sum * network.exponent * w * Norm.l1.length(network.outputWeights.column(j))
  }

  /// Weights of 1e-30 or 1e15 in Float: the same network in Double has numbers to spare.
  @Test(arguments: [1, 1.5, 2, 3, 4] as [Double], [1e-30, 1e-22, 1e-10, 1e15])
  func extremeWeightsKeepTheirDigits(exponent: Double, scale: Double) throws {
    let stream = RandomStream(seed: 5)
    let inputs = Matrix<Float>.gaussian(rows: 20, columns: 6, stream: stream.child("x"))
    let labels = (0..<20).map { $0 % 2 }
    // Output weights of the same size, or of size 1 (or less, so that f is of size 1). The factored
    // gradient holds numbers of the size v / ||w||, which must be representable.
    for outputScale in [scale, min(1, 1 / scale)] {
      for normalize in [false, true] {
        let narrow = try PReLUNetwork<Float>(
          exponent: exponent,
          hiddenWeights: .gaussian(
            rows: 9, columns: 6, standardDeviation: scale, stream: stream.child("w")),
          outputWeights: .gaussian(
            rows: 1, columns: 9, standardDeviation: outputScale, stream: stream.child("v")),
          normalizeInput: normalize)
        let wide = narrow.converted(to: Double.self)
        let wideInputs = inputs.converted(to: Double.self)
        let (a, b) = (narrow.logits(inputs), wide.logits(wideInputs))
        for i in 0..<20 {
          let bound = roundingBound(wide, wideInputs.row(i), roundoff: Float.unitRoundoff)[0]
          #expect(
            abs(Double(a[i, 0]) - b[i, 0]) <= 2 * bound + Double(Float.leastNormalMagnitude))
        }
        // With huge outputs a rounding error of f may change the loss by any factor.
        if b.elements.contains(where: { abs($0) > 1e3 }) { continue }
        let narrowGradient = narrow.parameterGradient(
          inputs: inputs, labels: labels, loss: .logistic)
        let wideGradient = wide.parameterGradient(
          inputs: wideInputs, labels: labels, loss: .logistic)
        expectClose(narrowGradient.hiddenWeights, wideGradient.hiddenWeights)
        expectClose(narrowGradient.outputWeights, wideGradient.outputWeights)
      }
    }
  }

  /// Relative to the largest entry: what cancels loses digits. Beyond the normal range nothing is said.
  private func expectClose(_ a: Matrix<Float>, _ b: Matrix<Double>) {
    let largest = b.elements.reduce(0) { max($0, abs($1)) }
    if largest > Double(Float.greatestFiniteMagnitude) { return }
    let bound = 1e-4 * largest + Double(Float.leastNormalMagnitude)
    #expect(a.isFinite())
    #expect(a.converted(to: Double.self).largestDifference(from: b) <= bound)
  }

  /// A weight row whose norm is not a normal number is as good as no neuron: silent or exact, never NaN.
  @Test(arguments: [1, 2, 4] as [Double]) func denormalWeightsGiveNoNaN(exponent: Double) throws {
    let (tiny, least) = (
      Float(sign: .plus, exponent: -133, significand: 1), Float.leastNonzeroMagnitude
    )
    let network = try PReLUNetwork<Float>(
      exponent: exponent, hiddenWeights: Matrix([[tiny, -tiny / 8], [least, 0], [1, 1]]),
      outputWeights: Matrix([[1, 1, 1]]))
    let inputs = Matrix<Float>([[1, 2], [1000, -3]])
    let exact = network.converted(to: Double.self).logits(inputs.converted(to: Double.self))
    let logits = network.logits(inputs)
    for i in 0..<2 { #expect(abs(Double(logits[i, 0]) / exact[i, 0] - 1) < 1e-5) }
    let gradient = network.parameterGradient(inputs: inputs, labels: [0, 1], loss: .logistic)
    #expect(gradient.hiddenWeights.isFinite() && gradient.outputWeights.isFinite())
    let input = network.logitsAndInputGradient(inputs) { logits, _ in logits }
    #expect(input.gradient.isFinite())
  }
}
