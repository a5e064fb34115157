import Foundation
import LinearCore
import Testing

/// Every bound is 5 standard errors of the statistic, which a true sample exceeds once in two million
/// times; the seeds are fixed.
private let sigmas = 5.0

/// sup |F_n - F| sqrt(n) for a sample that should have the distribution function F.
private func kolmogorovSmirnov(_ sample: [Double], _ distribution: (Double) -> Double) -> Double {
  let sorted = sample.sorted()
  let n = Double(sorted.count)
  var largest = 0.0
  for (i, x) in sorted.enumerated() {
    let value = distribution(x)
    largest = max(largest, value - Double(i) / n, Double(i + 1) / n - value)
  }
  return largest * n.squareRoot()
}

/// exceeded by a true sample with probability 2 exp(-2 * 2.3^2) < 1e-4.
private let kolmogorovSmirnovBound = 2.3

@Suite struct GaussianTests {
  static let sample: [Double] = {
    var stream = RandomStream(seed: 2024)
    return (0..<1_000_000).map { _ in stream.nextGaussian() }
  }()

  /// E x^k is 0 for odd k and 1, 3, 15, ... for k = 2, 4, 6, ...
  @Test(arguments: 1...6) func moments(order: Int) {
    func moment(_ k: Int) -> Double {
      k % 2 == 1 ? 0 : stride(from: 1, to: k, by: 2).reduce(1) { $0 * Double($1) }
    }
    let n = Double(Self.sample.count)
    let mean = Self.sample.reduce(0) { $0 + pow($1, Double(order)) } / n
    let error = ((moment(2 * order) - moment(order) * moment(order)) / n).squareRoot()
    #expect(abs(mean - moment(order)) <= sigmas * error)
  }

  /// 3.6541... is where the ziggurat's base ends and its tail begins.
  @Test(arguments: [0.1, 0.5, 1, 2, 3, 3.6, 3.654152885361009, 3.7, 4, 4.5])
  func tailProbabilities(edge: Double) {
    let n = Double(Self.sample.count)
    let probability = erfc(edge / 2.0.squareRoot())
    let error = (probability * (1 - probability) / n).squareRoot()
    let share = Double(Self.sample.count { abs($0) > edge }) / n
    #expect(abs(share - probability) <= sigmas * error)
  }

  @Test func signsAreBalancedInTheTail() {
    let tail = Self.sample.filter { abs($0) > 3 }
    let positive = Double(tail.count { $0 > 0 })
    let half = Double(tail.count) / 2
    #expect(abs(positive - half) <= sigmas * (half / 2).squareRoot())
  }

  @Test func distribution() {
    let statistic = kolmogorovSmirnov(Self.sample) { 0.5 * erfc(-$0 / 2.0.squareRoot()) }
    #expect(statistic < kolmogorovSmirnovBound)
  }

  /// Neither the numbers nor their squares (variance 2) are correlated with later ones.
  @Test(arguments: [1, 2, 3, 4, 7, 64, 1000]) func lagCorrelation(lag: Int) {
    let x = Self.sample
    var linear = 0.0
    var squared = 0.0
    for i in lag..<x.count {
      linear += x[i] * x[i - lag]
      squared += (x[i] * x[i] - 1) * (x[i - lag] * x[i - lag] - 1) / 2
    }
    let error = Double(x.count - lag).squareRoot()
    #expect(abs(linear) <= sigmas * error && abs(squared) <= sigmas * error)
  }

  @Test(arguments: [0, 1, 7, 1000]) func fillingIsRepeatedDrawing(count: Int) {
    var one = RandomStream(seed: 3)
    var other = one
    var third = one
    var buffer = [Double](repeating: 0, count: count)
    var single = [Float](repeating: 0, count: count)
    buffer.withUnsafeMutableBufferPointer { one.fillGaussian($0, standardDeviation: 0.3) }
    single.withUnsafeMutableBufferPointer { third.fillGaussian($0, standardDeviation: 0.3) }
    let drawn = (0..<count).map { _ in 0.3 * other.nextGaussian() }
    #expect(buffer == drawn && single == drawn.map { Float($0) })
    #expect(one.next() == other.next())
  }

  @Test(arguments: [0, 1, 63, 64, 65, 200]) func matricesDoNotDependOnThreads(rows: Int) {
    let stream = RandomStream(seed: 4)
    let all = [1, 2, 8].map { threads in
      withThreads(threads) { Matrix<Float>.gaussian(rows: rows, columns: 5, stream: stream) }
    }
    #expect(all[0] == all[1] && all[0] == all[2])
    // Blocks of rows come from different streams.
    #expect(Set(all[0].elements).count > rows * 5 - 3 || rows == 0)
  }
}

@Suite struct UniformTests {
  @Test func uniformNumbers() {
    var stream = RandomStream(seed: 5)
    let sample = (0..<1_000_000).map { _ in stream.nextUniform() }
    #expect(sample.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(kolmogorovSmirnov(sample) { $0 } < kolmogorovSmirnovBound)
    let n = Double(sample.count)
    for k in 1...4 {
      let mean = sample.reduce(0) { $0 + pow($1, Double(k)) } / n
      let exact = 1 / Double(k + 1)
      let error = ((1 / Double(2 * k + 1) - exact * exact) / n).squareRoot()
      #expect(abs(mean - exact) <= sigmas * error)
    }
  }

  @Test func uniformMatrices() {
    let a = Matrix<Float>.uniform(rows: 300, columns: 200, bound: 0.3, stream: .init(seed: 6))
    #expect(a.elements.allSatisfy { abs($0) <= 0.3 })
    let shares = a.elements.map { Double($0) / 0.6 + 0.5 }
    #expect(kolmogorovSmirnov(shares) { $0 } < kolmogorovSmirnovBound)
  }

  @Test func everyBitIsFair() {
    var stream = RandomStream(seed: 7)
    var ones = [Int](repeating: 0, count: 64)
    for _ in 0..<100_000 {
      let word = stream.next()
      for bit in 0..<64 where word >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
    }
    #expect(ones.allSatisfy { abs(Double($0) - 50_000) <= sigmas * 25_000.0.squareRoot() })
  }

  /// All 4! orders are equally likely: chi-square with 23 degrees of freedom, variance 46.
  @Test func permutations() {
    var stream = RandomStream(seed: 8)
    var counts: [[Int]: Double] = [:]
    for _ in 0..<48_000 { counts[stream.permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    let statistic = counts.values.reduce(0) { $0 + ($1 - 2000) * ($1 - 2000) / 2000 }
    #expect(abs(statistic - 23) <= sigmas * 46.0.squareRoot())
    #expect(stream.permutation(0) == [] && stream.permutation(1) == [0])
    #expect(stream.permutation(1000).sorted() == Array(0..<1000))
  }
}
