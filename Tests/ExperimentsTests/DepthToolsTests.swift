import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// What the experiments on depth measure, against closed forms.
@Suite struct DepthToolsTests {
  private func network(
    _ design: DenseDesign, dimension: Int, scale: Double = 1, seed: UInt64 = 0
  ) throws -> DeepNetwork<Double> {
    try DeepNetwork(
      architecture: design.architecture(dimension: dimension, outputs: 1, hasBias: false),
      scale: scale, stream: RandomStream(seed: seed))
  }

  private func samples(_ count: Int, _ dimension: Int) -> Matrix<Double> {
    .gaussian(rows: count, columns: dimension, stream: RandomStream(seed: 4))
  }

  private func logOfOutput(_ network: DeepNetwork<Double>, _ inputs: Matrix<Double>) -> Double {
    log10(network.logits(inputs).frobeniusNorm) - log10(Double(inputs.rows)) / 2
  }

  @Test(arguments: [1.0, 2, 3]) func oneLayerIsThePReLUNetwork(p: Double) throws {
    for variant in [DenseDesign.Variant.plain, .residual, .inputNormalization] {
      let design = DenseDesign(exponent: p, depth: 1, width: 9, variant: variant)
      let deep = try network(design, dimension: 6)
      let shallow = try PReLUNetwork(
        exponent: p, hiddenWeights: deep.parameters[0], outputWeights: deep.parameters[1],
        normalizeInput: variant == .inputNormalization)
      let inputs = samples(20, 6)
      let expected = shallow.logits(inputs)
      // A few dozen terms in another order.
      #expect(
        deep.logits(inputs).largestDifference(from: expected)
          <= 100 * Double.ulpOfOne * expected.frobeniusNorm)
    }
  }

  /// Every variant at every depth has the layers it says, and the simplest one is the same function.
  @Test func variantsHaveTheirLayers() throws {
    for variant in DenseDesign.Variant.allCases {
      for depth in 1...3 {
        for p in [1.0, 2] {
          let design = DenseDesign(exponent: p, depth: depth, width: 5, variant: variant)
          let own = try network(design, dimension: 4)
          let weights = own.architecture.parameters.filter { $0.name.hasSuffix("weights") }
          #expect(weights.count == depth + 1)
          var simpler = design
          simpler.variant = variant.simplest(exponent: p, depth: depth)
          let other = try DeepNetwork(
            architecture: simpler.architecture(dimension: 4, outputs: 1, hasBias: false),
            parameters: own.parameters)
          let inputs = samples(10, 4)
          #expect(own.logits(inputs) == other.logits(inputs), "\(design)")
        }
      }
    }
  }

  /// Logarithms agree with the outputs themselves where these are numbers.
  @Test func signalsAreTheOutputs() throws {
    let inputs = samples(30, 12)
    for variant in DenseDesign.Variant.allCases {
      for (p, depth) in [(1.0, 4), (2, 3), (3, 2)] {
        let design = DenseDesign(exponent: p, depth: depth, width: 10, variant: variant)
        for scale in [1, 0.03] {
          let network = try network(design, dimension: 12, scale: scale)
          let expected = logOfOutput(network, inputs)
          let found = try SignalScale.measured(network, inputs: inputs)
          #expect(abs(found - expected) < 1e-9, "\(design), \(scale)")
        }
      }
    }
  }

  /// Where the outputs are no numbers any more: the degree in the inputs is p^L, in the weights
  /// 1 + p + ... + p^(L-1), and one of the outputs.
  @Test func vanishedSignalsFollowThePowers() throws {
    let design = DenseDesign(exponent: 3, depth: 6, width: 10, variant: .plain)
    var inputs = samples(30, 12).rowsNormalized()
    for i in 0..<inputs.rows { inputs.scaleRow(i, by: 0.5) }
    let usual = try network(design, dimension: 12)
    let signal = try SignalScale.measured(usual, inputs: inputs)
    #expect(signal < -308 && signal > -10_000 && logOfOutput(usual, inputs) == -.infinity)
    let smaller = try network(design, dimension: 12, scale: 0.5)
    let fallen = try SignalScale.measured(smaller, inputs: inputs)
    let half = log10(0.5)
    #expect(abs((fallen - signal) / (half * Double(1 + 364)) - 1) < 1e-9)
    var halved = inputs
    for i in 0..<halved.rows { halved.scaleRow(i, by: 0.5) }
    let second = try SignalScale.measured(usual, inputs: halved)
    #expect(abs((second - signal) / (half * 729) - 1) < 1e-9)
  }

  /// The mean square output over many networks is the closed form, within four standard errors.
  @Test(arguments: [1.0, 2, 3]) func theExpectedSignalIsTheMean(p: Double) throws {
    let (dimension, scale) = (8, 0.5)
    let design = DenseDesign(exponent: p, depth: 1, width: 16, variant: .plain)
    let architecture = try design.architecture(dimension: dimension, outputs: 1, hasBias: false)
    let length = 1.5
    let input = Matrix<Double>(
      rows: 1, columns: dimension,
      elements: [Double](repeating: length / Double(dimension).squareRoot(), count: dimension))
    // Gaussian weights of the same mean squares: their directions are uniform.
    let deviations = [2 / Double(dimension), 1 / Double(3 * design.width)].map {
      scale * $0.squareRoot()
    }
    let squares = try (0..<4000).map { seed in
      let parameters = zip(architecture.parameters, deviations).map { tensor, deviation in
        Matrix<Double>.gaussian(
          rows: tensor.rows, columns: tensor.columns, standardDeviation: deviation,
          stream: RandomStream(seed: UInt64(seed)).child(tensor.name))
      }
      let f = try DeepNetwork(architecture: architecture, parameters: parameters).logits(input)[
        0, 0]
      return f * f
    }
    let n = Double(squares.count)
    let mean = squares.reduce(0, +) / n
    let variance = squares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let expected = pow(
      10, 2 * SignalScale.expected(design, dimension: dimension, scale: scale, length: length))
    #expect(abs(mean - expected) <= 4 * (variance / n).squareRoot())
    if p == 1 {
      // r_1^2 = s^2 m r_0^2 / d, and the outputs share it out again.
      let direct = scale * scale * scale * scale * length * length / Double(3 * dimension)
      #expect(abs(expected / direct - 1) < 1e-12)
    }
  }

  /// A network made by hand whose first layer is the ideal classifier, and whose second adds nothing.
  @Test(arguments: [1.0, 3]) func alignedNetworksHaveTheClosedFormRadius(p: Double) throws {
    let mixture = OrthonormalMixture(
      dimension: 16, subclasses: 10, positive: 6, alpha: 0, samples: 60, rotation: .random)
    let all = try mixture.generate(stream: RandomStream(seed: 1).child("data"))
    // A sample a subclass, so that the means of classes are those of their centres.
    let data = all.subset(try (0..<10).map { try #require(all.groups?.firstIndex(of: $0)) })
    let directions = data.referenceDirections(center: nil)
    // sqrt(K1) relu(<mubar+, x>) - sqrt(K2) relu(<mubar-, x>), and sum +- relu(<mu_k, x>)^3.
    let range = p == 1 ? directions.classRange : directions.groupRange
    let rows = Array(range)
    let lengths = rows.map { row in
      p > 1 ? 1 : Double(directions.labels[row] == 1 ? 6 : 4).squareRoot()
    }
    let width = rows.count + 1
    var weights = Matrix<Float>(rows: width, columns: 16)
    var head = Matrix<Float>(rows: 1, columns: width)
    for (j, row) in rows.enumerated() {
      weights.setRow(j, directions.vectors.row(row))
      head[0, j] = Float(lengths[j]) * (directions.labels[row] == 1 ? 1 : -1)
    }
    // A neuron that sees nothing.
    weights.setRow(width - 1, [Float](repeating: 0, count: 16))
    let design = DenseDesign(exponent: p, depth: 2, width: width, variant: .residual)
    let network = try DeepNetwork(
      architecture: design.architecture(dimension: 16, outputs: 1, hasBias: false),
      parameters: [weights, Matrix(rows: width, columns: width), head])

    let result = try RobustnessStudy(seed: 0).run(
      classifier: network, data: data, reference: data)
    let law = p == 1 ? 1 / 10.0.squareRoot() : 0.5.squareRoot()
    // Nothing below the law, and a search that ends within a thousandth of it.
    #expect(result.samples.allSatisfy { $0.radius > law * (1 - 1e-5) })
    #expect(result.medianRadius < law * 1.001)

    let influence = try LayerInfluence(network, inputs: data.inputs, directions: directions)
    #expect(influence.dominant().count == rows.count)
    #expect(abs(influence.alignedShare(range) - 1) < 1e-6)
    #expect(abs(influence.medianBestCosine(range) - 1) < 1e-6)
    #expect(influence.directionsFound(range) == rows.count)
    let others = p == 1 ? directions.groupRange : directions.classRange
    #expect(influence.alignedShare(others) == 0 && influence.directionsFound(others) == 0)
  }
}
