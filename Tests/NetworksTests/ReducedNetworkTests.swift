import LinearCore
import Networks
import Testing

/// A network whose neurons are perturbed copies of a few, and some of little weight.
struct RedundantNetwork {
  let network: PReLUNetwork<Double>
  let inputs: Matrix<Double>

  /// - Parameters:
  ///   - noise: the size of what is added to the copies, relative to them.
  ///   - small: the size of the output weights of neurons that stand alone.
  init(
    exponent: Double, outputs: Int = 1, noise: Double = 0, small: Double = 0, directions: Int = 4,
    dimension: Int = 30, withCenter: Bool = false, seed: UInt64
  ) {
    let stream = RandomStream(seed: seed)
    var draw = stream.child("draw")
    let (copies, alone) = (7, 5)
    let width = directions * copies + alone
    var hidden = Matrix<Double>.gaussian(
      rows: width, columns: dimension, stream: stream.child("hidden"))
    var output = Matrix<Double>.gaussian(
      rows: outputs, columns: width, stream: stream.child("output"))
    for j in 0..<directions * copies {
      // Scales from 1e-6 to 1e2: only the direction and the product of the weights matter.
      let scale = Double.power(10, 8 * draw.nextUniform() - 6)
      let leader = hidden.row(j % directions)
      if j >= directions {
        hidden.setRow(j, zip(leader, hidden.row(j)).map { $0 + noise * $1 })
      }
      hidden.scaleRow(j, by: j < directions ? 1 : scale)
      for c in 0..<outputs where j >= directions { output[c, j] /= scale }
    }
    for j in (width - alone)..<width {
      for c in 0..<outputs { output[c, j] *= small }
    }
    let center = Matrix<Double>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("center"))
    network = try! PReLUNetwork(
      exponent: exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: withCenter ? (0..<outputs).map { 0.1 * Double($0) - 0.2 } : nil,
      center: withCenter ? center.elements : nil)
    inputs = .gaussian(rows: 40, columns: dimension, stream: stream.child("inputs"))
  }

  /// ||x - center|| of every input.
  var sizes: [Double] {
    var shifted = inputs
    if let center = network.center { shifted.subtractFromRows(center) }
    return shifted.rowNorms()
  }
}

@Suite struct ReducedNetworkTests {
  @Test(arguments: [1, 1.5, 2, 3], [1, 3])
  func parallelNeuronsAndTheirSpanReduceExactly(_ p: Double, _ outputs: Int) throws {
    // The last is large enough for its span to be sampled.
    for (seed, (directions, dimension)) in [(4, 30), (4, 30), (1, 30), (14, 30), (25, 140)]
      .enumerated()
    {
      let model = RedundantNetwork(
        exponent: p, outputs: outputs, directions: directions, dimension: dimension,
        withCenter: seed % 2 == 0, seed: UInt64(seed))
      let reduced = try ReducedNetwork(model.network, tolerance: 0)
      #expect(reduced.summary.neurons == directions && reduced.summary.rank == directions)
      #expect(reduced.summary.originalNeurons == model.network.hiddenWidth)
      #expect(reduced.summary.originalDimension == dimension)
      let scale = reduced.summary.totalContribution
      #expect(reduced.summary.errorBound <= 1e-13 * scale)
      let exact = model.network.logits(model.inputs)
      let found = reduced.network.logits(reduced.project(model.inputs))
      for (i, size) in model.sizes.enumerated() {
        let rounding = 1e-12 * (scale * Double.power(size, p) + 1)
        for c in 0..<outputs { #expect(abs(exact[i, c] - found[i, c]) <= rounding) }
      }
      let single = try ReducedNetwork(model.network.converted(to: Float.self), tolerance: 1e-5)
      #expect(single.summary.neurons == directions && single.summary.rank == directions)
      let products = Matrix.product(reduced.basis, reduced.basis, transposeB: true)
      #expect(products.largestDifference(from: .identity(directions)) <= 1e-13)
    }
  }

  /// Hundreds of networks, and the inputs on which the bound is tightest among those tried: random ones,
  /// the neurons' own directions, and what the projection leaves out of them.
  @Test(arguments: [1, 1.5, 2, 3]) func theBoundHolds(_ p: Double) throws {
    var tightest = 0.0
    var count = 0
    for seed in 0..<100 {
      let model = RedundantNetwork(
        exponent: p, outputs: seed % 3 == 0 ? 3 : 1, noise: [1e-6, 1e-3, 1e-1][seed % 3],
        small: [1e-5, 1e-2][seed % 2], directions: seed % 5 == 0 ? 25 : 4,
        dimension: seed % 5 == 0 ? 140 : 30, withCenter: seed % 4 == 0, seed: UInt64(100 + seed))
      let network = model.network
      let tolerance = [1e-5, 1e-3, 1e-1, 1][seed % 4]
      guard let reduced = try? ReducedNetwork(network, tolerance: tolerance) else { continue }
      let summary = reduced.summary
      count += 1
      #expect(summary.errorBound <= tolerance * summary.totalContribution)
      var rows = model.inputs.elements + network.hiddenWeights.rowsNormalized().elements
      let lost = reduced.lift(reduced.project(directions: network.hiddenWeights))
      var outside = network.hiddenWeights
      outside.subtract(lost)
      rows += outside.rowsNormalized().elements
      var inputs = Matrix(
        rows: rows.count / network.inputDimension, columns: network.inputDimension, elements: rows)
      let sizes = inputs.rowNorms()
      if let center = network.center { inputs.subtractFromRows(center.map { -$0 }) }
      let exact = network.logits(inputs)
      let found = reduced.network.logits(reduced.project(inputs))
      for (i, size) in sizes.enumerated() {
        let unit = Double.power(size, p)
        let rounding = 1e-12 * (summary.totalContribution * unit + 1)
        for c in 0..<network.outputCount {
          let error = abs(exact[i, c] - found[i, c])
          #expect(error <= summary.errorBound * unit + rounding)
          if unit > 0 { tightest = max(tightest, error / (summary.errorBound * unit + rounding)) }
        }
      }
    }
    // Most can be reduced, and the bound is of use: some input comes within a factor of 10 of it.
    #expect(count >= 50 && tightest > 0.1, "\(count) networks, at best \(tightest) of the bound")
  }

  @Test func perturbationsKeepTheirSizeAndTheirEffect() throws {
    let model = RedundantNetwork(exponent: 2, withCenter: true, seed: 9)
    let reduced = try ReducedNetwork(model.network)
    let small = Matrix<Double>.gaussian(
      rows: 40, columns: reduced.summary.rank, stream: RandomStream(seed: 1))
    let lifted = reduced.lift(small)
    for (a, b) in zip(lifted.rowNorms(), small.rowNorms()) { #expect(abs(a - b) <= 1e-14 * b) }
    #expect(reduced.project(directions: lifted).largestDifference(from: small) <= 1e-14)
    var inputs = model.inputs
    inputs.elements = zip(inputs.elements, lifted.elements).map(+)
    var moved = reduced.project(model.inputs)
    moved.elements = zip(moved.elements, small.elements).map(+)
    #expect(reduced.project(inputs).largestDifference(from: moved) <= 1e-13)
  }

  /// A network that is linear around the points looked at: the uncertainty is the error of the output
  /// over the slope, and what the projection did to the distance from the boundary stays below it.
  @Test func theUncertaintyOfARadiusIsTheBoundOverTheSlope() throws {
    let hidden = Matrix<Double>([[1, 0, 0, 0, 0, 0], [1, 1e-3, 0, 0, 0, 0]])
    let network = try PReLUNetwork<Double>(
      exponent: 1, hiddenWeights: hidden, outputWeights: Matrix([[1, 1]]), outputBias: [-2],
      center: [0.5, 0, 0, 0, 0, 0])
    let reduced = try ReducedNetwork(network, tolerance: 1e-2)
    #expect(reduced.summary.rank == 1 && reduced.summary.neurons == 1)
    let point = Matrix<Double>([[1.5, 0.1, 0, 0, 0, 0]])
    let uncertainty = reduced.radiusUncertainty(at: point, labels: [1])[0]
    let size = 1.01.squareRoot()
    #expect(abs(uncertainty - reduced.summary.errorBound * size / 2) <= 1e-3 * uncertainty)
    // f = 2 t + 1e-3 y - 2 with t, y the shifted coordinates.
    let distance = 1e-4 / (4 + 1e-6).squareRoot()
    #expect(distance <= uncertainty)
  }

  @Test func saysWhyANetworkIsNotReduced() throws {
    func reason(_ network: PReLUNetwork<Double>) -> String {
      do { _ = try ReducedNetwork(network) } catch { return error.description }
      return ""
    }
    let dense = try PReLUNetwork<Double>(
      inputDimension: 10, hiddenWidth: 20, outputCount: 1, exponent: 2,
      initialization: .gaussian(scale: 1), stream: RandomStream(seed: 1))
    #expect(reason(dense) == "the outputs depend on 10 of 10 dimensions")
    let normalized = try PReLUNetwork(
      exponent: 2, hiddenWeights: dense.hiddenWeights, outputWeights: dense.outputWeights,
      normalizeInput: true)
    #expect(reason(normalized).contains("input normalisation"))
    var silent = dense
    silent.outputWeights = Matrix(rows: 1, columns: 20)
    #expect(reason(silent) == "no neuron contributes to an output")
  }

  /// Weights so small that their products underflow in single precision.
  @Test func tinyWeightsReduceLikeOthers() throws {
    let model = RedundantNetwork(exponent: 3, seed: 4)
    var tiny = model.network.converted(to: Float.self)
    tiny.hiddenWeights.elements = tiny.hiddenWeights.elements.map { $0 * 1e-22 }
    tiny.outputWeights.elements = tiny.outputWeights.elements.map { $0 * 1e-10 }
    let reduced = try ReducedNetwork(tiny)
    #expect(reduced.summary.rank == 4 && reduced.summary.neurons == 4)
  }
}
