extension Double {
  /// A degree as texts, tables and file names show it: "3" and "2.5", different for different degrees.
  var degreeText: String { self == rounded() ? "\(Int(saturating: self))" : "\(self)" }
}
