/// A priori bounds of rounding errors in double precision (Higham, *Accuracy and Stability of Numerical
/// Algorithms*, 2002, chapter 3).
enum Rounding {
  /// The unit roundoff u.
  static let unit = 0x1p-53
  /// More than any product that underflows loses, also where denormal numbers are taken for 0.
  static let tiny = 1e-300

  /// What a sum of `count` products may be off by, relative to the sum of their sizes: gamma_count, in whatever
  /// order they are added.
  static func gamma(_ count: Int) -> Double {
    let product = Double(count + 4) * unit
    return product / (1 - product)
  }

  /// A bound that is not below the exact value of a sum of non-negative numbers computed as `value` from at most
  /// 2^32 terms.
  static func up(_ value: Double) -> Double { value * (1 + 0x1p-20) + tiny }
}
