/// The middle of some numbers in rising order, of an even count the larger of both; nil of none.
func median(_ values: [Double]) -> Double? {
  values.isEmpty ? nil : values.sorted()[values.count / 2]
}
