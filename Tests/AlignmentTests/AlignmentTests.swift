import Alignment
import LinearCore
import Networks
import Testing

@Suite struct AlignmentTests {
  func network(_ rows: [[Float]], _ v: [Float], p: Double = 3) -> PReLUNetwork<Float> {
    try! PReLUNetwork(
      exponent: p, hiddenWeights: Matrix(rows),
      outputWeights: Matrix(rows: 1, columns: v.count, elements: v))
  }

  @Test func contributionsAreSortedAndCounted() {
    let network = network([[3, 4], [0, 1], [0, 0], [1, 0]], [2, -1, 5, 0.1])
    let contributions = NeuronContributions(network)
    for (value, expected) in zip(contributions.values, [10, 1, 0, 0.1]) {
      #expect(abs(value - expected) < 1e-6)
    }
    #expect(contributions.order == [0, 1, 3, 2])
    #expect(contributions.dominant(mass: 0.9) == [0])
    #expect(contributions.effectiveNeurons(mass: 0.95) == 2)
    #expect(contributions.effectiveNeurons(mass: 1) == 3)
  }

  @Test(arguments: [1, 2.5, 3]) func leavingNeuronsOutIsBounded(_ p: Double) {
    let stream = RandomStream(seed: 6)
    let whole = try! PReLUNetwork<Double>(
      inputDimension: 7, hiddenWidth: 30, outputCount: 1, exponent: p,
      initialization: .gaussian(scale: 0.5), stream: stream)
    let contributions = NeuronContributions(whole)
    let kept = contributions.dominant(mass: 0.7)
    let part = try! PReLUNetwork(
      exponent: p, hiddenWeights: whole.hiddenWeights.rows(at: kept),
      outputWeights: whole.outputWeights.transposed.rows(at: kept).transposed)
    let left = contributions.total - kept.reduce(0) { $0 + contributions.values[$1] }
    let x = Matrix<Double>.gaussian(rows: 200, columns: 7, stream: stream.child("x"))
    let (a, b, norms) = (whole.logits(x), part.logits(x), x.rowNorms())
    for i in 0..<x.rows {
      #expect(abs(a[i, 0] - b[i, 0]) <= left * Double.power(norms[i], p) * (1 + 1e-12))
    }
  }

  @Test func rankCountsWhatReachesTheOutput() throws {
    // Three directions, one of them silent, one negligible.
    let rows: [[Float]] = [[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    #expect(try NumericalRank.ofContributions(network(rows, [1, 1, 1, 0, 1e-4])) == 2)
    #expect(try NumericalRank.ofContributions(network(rows, [1, 1, 1, 0, 1])) == 3)
    #expect(try NumericalRank.ofContributions(network(rows, [0, 0, 0, 0, 0])) == 0)
    // Scale does not matter, even where squares of Floats underflow.
    let tiny = rows.map { $0.map { $0 * 1e-15 } }
    #expect(try NumericalRank.ofContributions(network(tiny, [1e-15, 1e-15, 1e-15, 0, 0])) == 2)
  }

  @Test func cosinesNameTheClosestDirection() {
    let directions = ReferenceDirections(
      classMeans: Matrix([[1, 1, 0, 0], [0, 0, 2, 2]]),
      groupMeans: Matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
      groupLabels: [0, 0, 1, 1], center: nil)
    let alignment = NeuronAlignment(
      network: network([[0, 5, 0, 0], [0, 0, 3, 3], [1e-6, 0, 0, 0]], [1, 1, 1]),
      directions: directions)
    #expect(alignment.neurons == [0, 1])
    #expect(alignment.closest(in: directions.groupRange)[0] == 3)
    #expect(alignment.closest(in: directions.classRange) == [0, 1])
    let half = 0.5.squareRoot()
    #expect(abs(alignment.medianBestGroupCosine! - (1 + half) / 2) < 1e-6)
    #expect(abs(alignment.medianBestClassCosine! - (1 + half) / 2) < 1e-6)
  }

  @Test func medians() {
    #expect(median([3, 1, 2]) == 2 && median([4, 1, 2, 3]) == 2.5 && median([]) == nil)
  }
}
