/// The value below which a share of the values lies, linear between the two nearest in rising order; nil of
/// none.
///
/// The one definition of quantiles in this package: that of numpy, with position share (n - 1). Values may be
/// infinite, as radii of samples that nothing fools are.
///
/// - Parameter share: from 0, the least value, to 1, the largest.
package func quantile(_ values: [Double], _ share: Double) -> Double? {
  precondition(share >= 0 && share <= 1, "a quantile is of a share from 0 to 1")
  let sorted = values.sorted()
  guard let last = sorted.last else { return nil }
  let position = share * Double(sorted.count - 1)
  let below = Int(saturating: position)
  guard below + 1 < sorted.count else { return last }
  let (lower, upper) = (sorted[below], sorted[below + 1])
  let fraction = position - Double(below)
  // Without these, infinity times 0 and infinity minus infinity would be no number.
  if fraction == 0 || lower == upper { return lower }
  return lower + fraction * (upper - lower)
}

/// The median: the middle value, of an even count the mean of the two middle ones; nil of none.
package func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }

/// The share of samples that withstand every perturbation of size **at most** `epsilon`; 0 of none.
///
/// The one definition of accuracy at a radius in this package, of attacked and of certified radii: a sample
/// counts where its radius is larger than `epsilon`. A perturbation of the size of an attacked radius fools the
/// sample, and a certified radius r says that none *smaller* than r does; at r itself nothing is proved. So
/// certified accuracy never exceeds attacked accuracy, also where both radii are equal.
///
/// - Parameter radii: one a sample, 0 for those that are misclassified as they are.
package func accuracy(ofRadii radii: some Sequence<Double>, beyond epsilon: Double) -> Double {
  var (count, standing) = (0, 0)
  for radius in radii {
    count += 1
    if radius > epsilon { standing += 1 }
  }
  return Double(standing) / Double(max(1, count))
}
