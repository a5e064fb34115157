/// Numbers as people write them, in flags and in settings, and how large they may be.
///
/// The limits lie far beyond what makes sense, and within them sums and products of a few settings stay numbers.
package enum NumberText {
  /// The largest whole number that counts anything.
  package static let largestCount = 1_000_000_000

  /// The largest magnitude of any other number.
  package static let largestNumber = 1e30

  /// A number, or a fraction of a finite number and a finite one above 0, such as `8/255`; nil for anything else.
  package static func value(_ text: some StringProtocol) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
    guard let first = parts[0] else { return nil }
    if parts.count == 1 { return first }
    guard parts.count == 2, let divisor = parts[1], first.isFinite, divisor > 0, divisor.isFinite
    else { return nil }
    return first / divisor
  }
}
