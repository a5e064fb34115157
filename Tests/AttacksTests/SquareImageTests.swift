import LinearCore
import Networks
import Testing

@testable import Attacks

/// A linear classifier of images.
private struct LinearImages: Classifier, ImageClassifier {
  let base: LinearClassifier<Float>
  let imageAxes: ImageAxes?
  var inputDimension: Int { base.inputDimension }
  var outputCount: Int { 1 }

  func logits(_ inputs: Matrix<Float>) -> Matrix<Float> { base.logits(inputs) }

  func logitsAndInputGradient(
    _ inputs: Matrix<Float>, cotangent: (Matrix<Float>, Range<Int>) -> Matrix<Float>
  ) -> (logits: Matrix<Float>, gradient: Matrix<Float>) {
    base.logitsAndInputGradient(inputs, cotangent: cotangent)
  }
}

/// What the Square Attack does where it knows the images.
@Suite struct SquareImageTests {
  private let stream = RandomStream(seed: 9)
  private let rows = 6
  private let columns = 9
  private let channels = 3
  private var dimension: Int { rows * columns * channels }

  private func axes(_ isChannelsLast: Bool) -> ImageAxes {
    ImageAxes(rows: rows, columns: columns, channels: channels, isChannelsLast: isChannelsLast)
  }

  @Test func setsAreSquaresInAllChannels() {
    for isChannelsLast in [false, true] {
      var proposals = SquareProposals<Float>(
        threat: ThreatModel(norm: .linf), dimension: dimension, image: axes(isChannelsLast))
      proposals.use(size: 4)
      var random = stream
      let input = [Float](repeating: 0, count: dimension)
      var point = input
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: proposals.scratchSize)
      let indices = UnsafeMutablePointer<Int32>.allocate(capacity: 3 * dimension)
      defer {
        scratch.deallocate()
        indices.deallocate()
      }
      for j in 0..<dimension { indices[j] = Int32(j) }
      point.withUnsafeMutableBufferPointer { point in
        input.withUnsafeBufferPointer { input in
          proposals.next(
            point.baseAddress!, input: input.baseAddress!, radius: 1, &random, order: indices,
            sets: indices + dimension, scratch: scratch)
        }
      }
      let changed = (0..<channels).map { channel in
        (0..<rows * columns).filter { pixel in
          point[isChannelsLast ? pixel * channels + channel : channel * rows * columns + pixel] != 0
        }
      }
      #expect(Set(changed).count == 1, "the same pixels in every channel")
      let places = changed[0].map { ($0 / columns, $0 % columns) }
      #expect(places.count == 16)
      #expect(Set(places.map(\.0)).count == 4 && Set(places.map(\.1)).count == 4)
    }
  }

  /// The order of the axes does not matter, and one channel of a square image is what the dimension says.
  @Test(arguments: Norm.allCases) func layoutsAgree(_ norm: Norm) {
    let pixels = rows * columns
    let last = (0..<dimension).map { $0 % channels * pixels + $0 / channels }
    func attack(
      _ inputs: Matrix<Float>, _ weights: [Float], _ image: ImageAxes?, radius: Float
    ) -> Matrix<Float> {
      let classifier = LinearImages(
        base: LinearClassifier(weights: weights, bias: 0), imageAxes: image)
      let problem = AttackProblem(
        classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs),
        threat: ThreatModel(norm: norm, box: -1...1),
        references: AttackReferences(dimension: inputs.columns))
      // In l2 and l1 sums are rounded otherwise, and equal margins may be told apart by that.
      return SquareAttack(queries: norm == .linf ? 60 : 1).perturbations(
        problem, radii: [Float](repeating: radius, count: inputs.rows), stream: stream)
    }
    let inputs = Matrix<Float>.uniform(
      rows: 5, columns: dimension, bound: 1, stream: stream.child("x"))
    // One coordinate of each pixel counts, so that sums do not depend on their order.
    let weights = (0..<dimension).map { Float($0 == 40 ? 1 : 0) }
    let first = attack(inputs, weights, axes(false), radius: 0.02)
    let turned = attack(
      inputs.columns(at: last), last.map { weights[$0] }, axes(true), radius: 0.02)
    let difference = turned.largestDifference(from: first.columns(at: last))
    #expect(difference <= 1e-6, "\(difference)")
    #expect(first.elements.contains { $0 != 0 })

    let square = Matrix<Float>.uniform(rows: 5, columns: 81, bound: 1, stream: stream.child("s"))
    let slopes = Matrix<Float>.gaussian(rows: 1, columns: 81, stream: stream.child("w")).elements
    let known = ImageAxes(rows: 9, columns: 9, channels: 1, isChannelsLast: false)
    #expect(
      attack(square, slopes, known, radius: 0.02) == attack(square, slopes, nil, radius: 0.02))
  }
}
