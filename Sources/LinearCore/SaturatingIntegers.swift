extension Int {
  /// The whole part of a number, towards zero: the nearest integer there is for one beyond 64 bits, and 0 for NaN.
  ///
  /// `Int(x)` ends the program for such numbers, which settings and data can lead to anywhere.
  package init(saturating value: some BinaryFloatingPoint) {
    self =
      Int(exactly: value.rounded(.towardZero)) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }
}
