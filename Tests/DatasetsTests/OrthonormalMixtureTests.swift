import LinearCore
import Testing

@testable import Datasets

@Suite struct OrthonormalMixtureTests {
  @Test func labelsAndCentersFollowTheDefinition() throws {
    let mixture = OrthonormalMixture(
      dimension: 20, subclasses: 5, positive: 2, alpha: 0, samples: 300)
    let data = try mixture.generate(stream: RandomStream(seed: 3)).validated()
    #expect(data.groupLabels == [1, 1, 0, 0, 0])
    #expect(data.classCount == 2 && data.count == 300 && data.dimension == 20)
    let groups = try #require(data.groups)
    for row in 0..<data.count {
      // Without noise a sample is its centre.
      #expect(data.inputs.row(row) == (0..<20).map { $0 == groups[row] ? 1 : 0 })
    }
    #expect(data.groupMeans() == data.groupCenters)
  }

  /// Moments of the noise, with tolerances of five standard errors.
  @Test(arguments: OrthonormalMixture.Rotation.allCases)
  func noiseHasTheStatedVariance(rotation: OrthonormalMixture.Rotation) throws {
    let (n, d, alpha) = (4000, 50, 0.3)
    let mixture = OrthonormalMixture(
      dimension: d, subclasses: 10, positive: 6, alpha: alpha, samples: n, rotation: rotation)
    let data = try mixture.generate(stream: RandomStream(seed: 1))
    let (centers, groups) = (try #require(data.groupCenters), try #require(data.groups))
    var (sum, squares) = (0.0, 0.0)
    for row in 0..<n {
      for column in 0..<d {
        let noise = Double(data.inputs[row, column] - centers[groups[row], column])
        sum += noise
        squares += noise * noise
      }
    }
    let variance = alpha * alpha / Double(d)
    let count = Double(n * d)
    #expect(abs(sum / count) < 5 * (variance / count).squareRoot())
    // The variance of a squared Gaussian is 2 sigma^4.
    #expect(abs(squares / count - variance) < 5 * variance * (2 / count).squareRoot())
    for group in 0..<10 {
      let share = Double(groups.count { $0 == group })
      #expect(abs(share - Double(n) / 10) < 5 * (Double(n) * 0.1 * 0.9).squareRoot())
    }
  }

  @Test func rotatedCentersAreOrthonormalAndSpread() throws {
    let mixture = OrthonormalMixture(dimension: 300, subclasses: 40, positive: 7, rotation: .random)
    let stream = RandomStream(seed: 9)
    let centers = try mixture.centers(stream: stream)
    for i in 0..<40 {
      for j in 0...i {
        let dot = (0..<300).reduce(0.0) { $0 + Double(centers[i, $1]) * Double(centers[j, $1]) }
        // Rounding moves each entry by a relative 2^-24, so a product of unit vectors by 2^-23.
        #expect(abs(dot - (i == j ? 1 : 0)) < 1.2e-7)
      }
    }
    // A Haar vector has coordinates of mean square 1/D and no preferred sign.
    let first = (0..<200).map { seed in
      (try? OrthonormalMixture(dimension: 4, subclasses: 2, positive: 1, rotation: .random)
        .centers(stream: RandomStream(seed: UInt64(seed))))?[0, 0] ?? 0
    }
    let mean = Double(first.reduce(0, +)) / 200
    let square = first.reduce(0.0) { $0 + Double($1 * $1) } / 200
    #expect(abs(mean) < 5 * (0.25 / 200).squareRoot())
    // Var x^2 = 2 (D - 1) / (D^2 (D + 2)) = 1/16 on the sphere in four dimensions.
    #expect(abs(square - 0.25) < 5 * (0.0625 / 200).squareRoot())
  }

  @Test func isDeterministicAndItsPartsAreIndependent() throws {
    let mixture = OrthonormalMixture(
      dimension: 30, subclasses: 4, positive: 1, alpha: 0.2, samples: 500, rotation: .random)
    let stream = RandomStream(seed: 5)
    let train = try mixture.generate(stream: stream)
    #expect(try mixture.generate(stream: stream) == train)
    #expect(try mixture.generate(stream: stream).checksum == train.checksum)
    let test = try mixture.generate(stream: stream, part: "test")
    #expect(test.groupCenters == train.groupCenters)
    #expect(test.inputs != train.inputs && test.checksum != train.checksum)
    #expect(try mixture.generate(stream: RandomStream(seed: 6)).inputs != train.inputs)
  }

  @Test func doesNotDependOnTheNumberOfThreads() throws {
    let mixture = OrthonormalMixture(dimension: 20, samples: 1000, rotation: .random)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let results = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      return try mixture.generate(stream: RandomStream(seed: 2))
    }
    #expect(results[1] == results[0] && results[2] == results[0])
  }

  @Test(arguments: [
    (OrthonormalMixture(dimension: 9), "subclasses is 10; expected between 2 and the dimension 9"),
    (OrthonormalMixture(positive: 0), "positive is 0; expected at least 1"),
    (OrthonormalMixture(positive: 10), "positive is 10; expected at least 1 and less than the 10"),
    (OrthonormalMixture(alpha: -0.5), "alpha is -0.5; expected a number from 0"),
    (OrthonormalMixture(alpha: .nan), "alpha is nan; expected"),
    (OrthonormalMixture(alpha: .infinity), "alpha is inf; expected"),
    (OrthonormalMixture(samples: 0), "samples is 0; expected at least 1"),
    (OrthonormalMixture(dimension: 1), "dimension is 1; expected at least 2"),
    (OrthonormalMixture(dimension: .max), "samples is 20000; expected samples x dimension"),
  ])
  func refusesImpossibleParameters(mixture: OrthonormalMixture, text: String) throws {
    let error = try #require(
      failure { () throws(DatasetError) in try mixture.generate(stream: RandomStream(seed: 0)) })
    #expect(error.description.hasPrefix(text), "\(error)")
  }
}
