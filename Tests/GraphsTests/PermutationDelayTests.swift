import DeepNetworks
import Formats
import LinearCore
import Networks
import Testing

@testable import Graphs

/// Networks that turn images round and back are the same networks without the turning.
@Suite struct PermutationDelayTests {
  private static let pixels = (rows: 3, columns: 4)
  private static let channels = 2
  private static var count: Int { pixels.rows * pixels.columns * channels }

  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(
      shape: shape,
      elements: .float64(
        Matrix<Double>.gaussian(rows: 1, columns: count, stream: RandomStream(seed: seed)).elements)
    )
  }

  /// x of (1, 2, 3, 4), channels last, with `body` between, channels first again.
  private func plan(
    turnsBack: Bool = true,
    _ body: (inout GraphBuilder, GraphBuilder.Value) throws -> GraphBuilder.Value
  ) throws -> GraphPlan {
    var builder = try GraphBuilder(
      inputShape: [1, Self.channels, Self.pixels.rows, Self.pixels.columns])
    let turned = try builder.transposed(builder.input, [0, 2, 3, 1])
    var value = try body(&builder, turned)
    if turnsBack { value = try builder.transposed(value, [0, 3, 1, 2]) }
    return try builder.plan(output: builder.reshaped(value, [1, Self.count]))
  }

  /// The place, channels last, of every number channels first.
  private var lastPlaces: [Int] {
    let pixels = Self.pixels.rows * Self.pixels.columns
    return (0..<Self.count).map { $0 % pixels * Self.channels + $0 / pixels }
  }

  private func moves(_ plan: GraphPlan) -> Int {
    plan.steps.count { $0.operation is Rearrangement }
  }

  private let inputs = Matrix<Double>.gaussian(
    rows: 5, columns: Self.count, stream: RandomStream(seed: 4))

  @Test func constantsAreTurnedInstead() throws {
    let factor = random([1, 3, 4, 2], 1)
    let shift = random([2], 2)
    let plan = try plan { builder, x in
      let y = try builder.combine(.multiply, x, .constant(factor))
      let z = try builder.combine(.add, y, .constant(shift))
      // Both values in the same order.
      return try builder.combine(.maximum, z, x)
    }
    #expect(moves(plan) == 0)
    let found = GraphNetwork<Double>(plan).logits(inputs)
    for (row, place) in lastPlaces.enumerated() {
      for i in 0..<inputs.rows {
        let x = inputs[i, row]
        let channel = row / (Self.pixels.rows * Self.pixels.columns)
        #expect(found[i, row] == max(x * factor.doubles[place] + shift.doubles[channel], x))
      }
    }
    #expect(gradientError(GraphNetwork(plan), inputs) < 1e-6)
  }

  @Test func aNormalisationOfAllNumbersNeedsNoOrderAndNoMean() throws {
    let gain = random([3, 4, 2], 3)
    let plan = try plan { builder, x in
      let mean = try builder.reduced(x, axes: [1, 2, 3], keepsAxes: true, .mean)
      let centered = try builder.combine(.subtract, x, mean)
      let normalized = try builder.normalized(centered, from: 1, epsilon: 0.5)
      return try builder.combine(.multiply, normalized, .constant(gain))
    }
    #expect(moves(plan) == 0)
    #expect(plan.steps.count == 2)
    let found = GraphNetwork<Double>(plan).logits(inputs)
    for i in 0..<inputs.rows {
      let x = inputs.row(i)
      let mean = x.reduce(0, +) / Double(x.count)
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
      for (row, place) in lastPlaces.enumerated() {
        let expected = (x[row] - mean) / (variance + 0.5).squareRoot() * gain.doubles[place]
        #expect(abs(found[i, row] - expected) < 1e-12)
      }
    }
    #expect(gradientError(GraphNetwork(plan), inputs) < 1e-6)
  }

  @Test func numbersAreMovedForWhatNeedsTheirOrder() throws {
    // Means channel by channel, which lie side by side channels last.
    let means = try plan(turnsBack: false) { builder, x in
      let mean = try builder.reduced(x, axes: [3], keepsAxes: true, .mean)
      return try builder.combine(.subtract, x, mean)
    }
    #expect(moves(means) > 0)
    let found = GraphNetwork<Double>(means).logits(inputs)
    let pixels = Self.pixels.rows * Self.pixels.columns
    for i in 0..<inputs.rows {
      for (row, place) in lastPlaces.enumerated() {
        let pixel = row % pixels
        let mean = 0.5 * (inputs[i, pixel] + inputs[i, pixels + pixel])
        #expect(abs(found[i, place] - (inputs[i, row] - mean)) < 1e-14)
      }
    }
    #expect(gradientError(GraphNetwork(means), inputs) < 1e-6)
    // Left turned: one move, at the end.
    let turned = try plan(turnsBack: false) { builder, x in try builder.apply(.relu, to: x) }
    #expect(moves(turned) == 1)
    let values = GraphNetwork<Double>(turned).logits(inputs)
    for (row, place) in lastPlaces.enumerated() {
      #expect((0..<5).allSatisfy { values[$0, place] == max(0, inputs[$0, row]) })
    }
  }

  /// Turned twice in two ways, values are not taken for equal ones.
  @Test func differentOrdersAreKeptApart() throws {
    let plan = try plan(turnsBack: false) { builder, x in
      let other = try builder.reshaped(
        builder.transposed(builder.input, [0, 3, 2, 1]), [1, 3, 4, 2])
      return try builder.combine(.add, x, other)
    }
    let (rows, columns) = Self.pixels
    let found = GraphNetwork<Double>(plan).logits(inputs)
    for place in 0..<Self.count {
      let first = lastPlaces.firstIndex(of: place)!
      // (4, 3, 2) read in order: column, row, channel.
      let (column, row, channel) = (place / (rows * 2), place / 2 % rows, place % 2)
      let second = channel * rows * columns + row * columns + column
      #expect(found[0, place] == inputs[0, first] + inputs[0, second])
    }
  }

  /// A convolutional network of ours, channels last, takes its image apart once.
  @Test func exportsMoveNumbersOnce() throws {
    let network = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 8, columns: 8, channels: 3),
        layers: [
          ConvolutionalPReLU(filters: 4, kernel: 3, padding: 1, exponent: 3), LayerNormalization(),
          Residual([ConvolutionalPReLU(filters: 4, kernel: 3, padding: 1, exponent: 2)]),
          AveragePooling(window: 2), ConvolutionalPReLU(filters: 5, kernel: 3, exponent: 1),
          GlobalAveragePooling(), LinearHead(outputs: 3),
        ]), stream: RandomStream(seed: 2))
    let plan = try ONNXGraphFile.plan(of: network.onnxModel(), path: "export")
    #expect(moves(plan) == 1, "\(plan.layers)")
  }
}
