extension Int {
  /// The whole part of a number, towards zero: at most 2^53 and at least -2^53, so that one more or less is an integer
  /// as well, and 0 for NaN.
  init(saturating value: Double) {
    let bounded = value.isNaN ? 0 : Swift.min(Swift.max(value, -0x1p53), 0x1p53)
    self = Int(exactly: bounded.rounded(.towardZero)) ?? 0
  }
}
