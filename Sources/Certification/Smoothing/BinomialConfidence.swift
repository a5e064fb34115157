import Foundation

/// Confidence bounds of a probability from a number of successes.
package enum BinomialConfidence {
  /// The lower bound of Clopper and Pearson (1934): the p at which as many successes or more have the
  /// probability `failureProbability`. The true probability is at least this, except with that probability.
  ///
  /// It is rounded down, to one part in 10^9 of what can lie between it and 0 or 1.
  /// - Parameters:
  ///   - successes: 0 to `trials`; without any the bound is 0.
  ///   - trials: at least 1.
  ///   - failureProbability: between 0 and 1, both excluded; 0.001 for a confidence of 99.9%.
  package static func lowerBound(successes: Int, trials: Int, failureProbability: Double) -> Double
  {
    precondition(trials >= 1 && (0...trials).contains(successes), "successes of some trials")
    precondition(failureProbability > 0 && failureProbability < 1, "a probability")
    if successes == 0 { return 0 }
    // The tail grows with p.
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { break }
      if upperTail(successes: successes, trials: trials, probability: middle) < failureProbability {
        low = middle
      } else {
        high = middle
      }
    }
    return low - 1e-9 * min(low, 1 - low)
  }

  /// P(X >= k) for X of the binomial distribution: the regularised incomplete beta function I_p(k, n - k + 1).
  ///
  /// - Parameters:
  ///   - successes: k, 0 to `trials`.
  ///   - trials: n, at least 1.
  ///   - probability: p, 0 to 1.
  package static func upperTail(successes k: Int, trials n: Int, probability p: Double) -> Double {
    precondition(n >= 1 && (0...n).contains(k) && p >= 0 && p <= 1, "k of n at a probability")
    if k == 0 { return 1 }
    if p == 0 { return 0 }
    if p == 1 { return 1 }
    let (a, b) = (Double(k), Double(n - k + 1))
    let power = a * log(p) + b * log1p(-p) - logarithmOfBeta(a, b)
    // The fraction converges fast below the mean of the beta distribution; I_p(a, b) = 1 - I_(1-p)(b, a).
    return p < (a + 1) / (a + b + 2)
      ? exp(power) * continuedFraction(p, a, b) / a
      : 1 - exp(power) * continuedFraction(1 - p, b, a) / b
  }

  /// log B(a, b) for a, b >= 1.
  private static func logarithmOfBeta(_ a: Double, _ b: Double) -> Double {
    logarithmOfGamma(a) + logarithmOfGamma(b) - logarithmOfGamma(a + b)
  }

  /// log Gamma(x) for x >= 1: Stirling's series from 12 on, reached by Gamma(x + 1) = x Gamma(x).
  private static func logarithmOfGamma(_ x: Double) -> Double {
    var (x, factor) = (x, 1.0)
    while x < 12 {
      factor *= x
      x += 1
    }
    let square = 1 / (x * x)
    let series =
      1.0 / 12 - square
      * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188)))
    return (x - 0.5) * log(x) - x + 0.5 * log(2 * Double.pi) + series / x - log(factor)
  }

  /// The continued fraction of the incomplete beta function (Abramowitz and Stegun, *Handbook of
  /// Mathematical Functions*, 26.5.8), evaluated from the front by the method of Lentz.
  private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var numerator = 1.0
    var denominator = 1 / away(1 - (a + b) * x / (a + 1))
    var value = denominator
    // About sqrt(max(a, b)) terms are needed.
    for m in 1...100_000 {
      let m = Double(m)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      denominator = 1 / away(1 + even * denominator)
      numerator = away(1 + even / numerator)
      value *= denominator * numerator
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      denominator = 1 / away(1 + odd * denominator)
      numerator = away(1 + odd / numerator)
      let change = denominator * numerator
      value *= change
      if abs(change - 1) < 1e-15 { break }
    }
    return value
  }
}

/// The standard normal distribution.
package enum NormalDistribution {
  /// P(Z <= z).
  package static func probability(below z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// The z with P(Z <= z) = `probability`, rounded down: 1.960 for 0.975.
  ///
  /// - Parameter probability: between 0 and 1, both excluded.
  package static func quantile(_ probability: Double) -> Double {
    precondition(probability > 0 && probability < 1, "a probability between 0 and 1")
    var (low, high) = (-40.0, 40.0)
    while true {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { return low }
      if Self.probability(below: middle) < probability { low = middle } else { high = middle }
    }
  }
}
