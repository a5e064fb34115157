import Foundation
import LinearCore
import Testing

/// One median, one quantile, one accuracy at a radius.
@Suite struct RadiusStatisticsTests {
  /// numpy.quantile of the same values.
  @Test func quantilesAreThoseOfNumpy() throws {
    let values = [3, 1, 4, 1.5, 9, 2.5]
    for (share, expected) in [(0, 1), (0.1, 1.25), (0.25, 1.75), (0.5, 2.75), (0.9, 6.5), (1, 9)] {
      #expect(abs(try #require(quantile(values, share)) - expected) < 1e-14, "\(share)")
    }
    #expect(median([3, 1, 2]) == 2 && median([4, 1, 2, 3]) == 2.5 && median([7]) == 7)
    #expect(median([]) == nil && quantile([], 0.3) == nil)
  }

  @Test func infinityIsAValue() {
    let inf = Double.infinity
    #expect(median([1, inf, inf]) == inf && median([1, 2, inf]) == 2)
    #expect(median([1, 2, inf, inf]) == inf && median([1, 2, 3, inf]) == 2.5)
    #expect(quantile([inf, inf], 0.25) == inf && quantile([1, inf], 0) == 1)
    #expect(median([-inf, -inf]) == -inf)
  }

  /// A perturbation of the attacked radius fools, one of the certified radius is not ruled out.
  @Test func accuracyCountsWhatExceedsTheRadius() {
    let radii = [0, 0.5, 0.5, 0.7, .infinity]
    for (epsilon, expected) in [(0, 0.8), (0.4999, 0.8), (0.5, 0.4), (0.7, 0.2), (1e300, 0.2)] {
      #expect(accuracy(ofRadii: radii, beyond: epsilon) == expected, "\(epsilon)")
    }
    #expect(accuracy(ofRadii: [], beyond: 0) == 0)
  }
}
