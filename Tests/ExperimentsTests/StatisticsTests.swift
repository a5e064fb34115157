import Foundation
import Runs
import Studies
import Testing

@testable import Experiments

@Suite struct StatisticsTests {
  /// Two-sided quantiles as tables print them (for example NIST/SEMATECH, section 1.3.6.7.2), correct to
  /// half a unit of the last digit.
  @Test(arguments: [
    (1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.95, 3.182), (4, 0.95, 2.776), (5, 0.95, 2.571),
    (6, 0.95, 2.447), (7, 0.95, 2.365), (8, 0.95, 2.306), (9, 0.95, 2.262), (10, 0.95, 2.228),
    (15, 0.95, 2.131), (20, 0.95, 2.086), (29, 0.95, 2.045), (30, 0.95, 2.042),
    (60, 0.95, 2.000), (100, 0.95, 1.984), (1, 0.99, 63.657), (4, 0.99, 4.604),
    (10, 0.90, 1.812), (10, 0.998, 4.144),
  ])
  func quantilesOfTables(degrees: Int, probability: Double, expected: Double) {
    let quantile = StudentDistribution.centralQuantile(probability, degrees: degrees)
    #expect(abs(quantile - expected) <= 0.000501)
  }

  /// One degree: tan(pi q / 2). Two: q sqrt(2 / (1 - q^2)). Rounding of the angle near pi/2 is amplified
  /// by 1 + tan^2 for one degree.
  @Test(arguments: [0.1, 0.5, 0.9, 0.95, 0.99])
  func closedForms(q: Double) {
    let one = tan(Double.pi * q / 2)
    let two = q * (2 / (1 - q * q)).squareRoot()
    let unit = 8 * Double.ulpOfOne
    #expect(
      abs(StudentDistribution.centralQuantile(q, degrees: 1) - one) <= unit * (1 + one * one))
    #expect(
      abs(StudentDistribution.centralQuantile(q, degrees: 2) - two) <= unit * (2 + two * two))
  }

  /// The density integrated by Simpson's rule, error below h^4 max|f''''| / 180 < 1e-9 for h = 1e-3.
  @Test(arguments: [3, 4, 7, 12])
  func probabilityIsTheIntegralOfTheDensity(degrees: Int) {
    let n = Double(degrees)
    let factor = exp(lgamma((n + 1) / 2) - lgamma(n / 2)) / (n * .pi).squareRoot()
    func density(_ t: Double) -> Double { factor * pow(1 + t * t / n, -(n + 1) / 2) }
    let steps = 2000
    let h = 2.0 / Double(steps)
    var sum = density(0) + density(2)
    for i in 1..<steps { sum += (i % 2 == 1 ? 4 : 2) * density(Double(i) * h) }
    let integral = 2 * sum * h / 3
    #expect(
      abs(StudentDistribution.centralProbability(within: 2, degrees: degrees) - integral) < 1e-9)
  }

  @Test func intervalOfFive() {
    // Mean 3, variance 2.5, half width 2.776445 sqrt(2.5 / 5).
    let interval = MeanInterval([1, 2, 3, 4, 5])
    #expect(interval.count == 5 && interval.infinite == 0 && interval.missing == 0)
    #expect(abs(interval.mean! - 3) < 1e-15)
    #expect(abs(interval.halfWidth! - 2.776445 * 0.5.squareRoot()) < 1e-6)
    #expect(interval.text() == "3.000 ± 1.963")
  }

  @Test func whatCannotBeAveragedIsCounted() {
    let one = MeanInterval([0.5])
    #expect(one.mean == 0.5 && one.halfWidth == nil && one.lower == 0.5 && one.upper == 0.5)
    #expect(one.text(digits: 2) == "0.50")
    let mixed = MeanInterval([1, .infinity, .nan, 3, -.infinity])
    #expect(mixed.mean == 2 && mixed.count == 2 && mixed.infinite == 2 && mixed.missing == 1)
    #expect(mixed.text(digits: 1) == "2.0 ± 12.7, 2 ∞, 1 missing")
    #expect(MeanInterval([2, .nan]).text(digits: 1) == "2.0 (n = 1), 1 missing")
    #expect(MeanInterval([.infinity]).text() == "∞")
    let none = MeanInterval([])
    #expect(none.mean == nil && none.halfWidth == nil && none.lower.isNaN && none.text() == "–")
    #expect(MeanInterval([1e-5, 1e-5]).text() == "1.00e-05 ± 0.000")
  }

  /// x = 1...4, y = (2, 4, 5, 8): by hand slope 9.5 / 5, residuals (0.1, 0.2, -0.7, 0.4), their squares
  /// 0.7, standard error sqrt(0.35 / 5).
  @Test func lineByHand() throws {
    let fit = try #require(LineFit(x: [1, 2, 3, 4], y: [2, 4, 5, 8]))
    #expect(abs(fit.slope - 1.9) < 1e-14 && abs(fit.intercept) < 1e-14)
    #expect(abs(fit.standardError! - 0.07.squareRoot()) < 1e-14)
    // t = 4.302653 for two degrees of freedom.
    #expect(abs(fit.slopeHalfWidth! - 4.302653 * 0.07.squareRoot()) < 1e-6)
    #expect(abs(fit.value(at: 2.5) - 4.75) < 1e-14)
  }

  @Test func powerLawIsFoundExactly() throws {
    let k = [2.0, 4, 8, 16, 32, 64]
    let fit = try #require(
      LineFit(
        x: k.map { log($0) } + [.nan, 1], y: k.map { log(0.8 / $0.squareRoot()) } + [1, .infinity]))
    #expect(fit.count == 6)
    #expect(abs(fit.slope + 0.5) < 1e-14 && abs(exp(fit.intercept) - 0.8) < 1e-14)
    #expect(fit.slopeHalfWidth! < 1e-13)
  }

  @Test func linesThatAreNone() {
    #expect(LineFit(x: [1], y: [2]) == nil)
    #expect(LineFit(x: [1, 1], y: [2, 3]) == nil)
    let two = LineFit(x: [0, 2], y: [1, 5])
    #expect(two?.slope == 2 && two?.standardError == nil && two?.slopeHalfWidth == nil)
  }
}
