/// The degrees p that pReLU neurons may have, in files, flags and layers.
package enum Degree {
  /// From a plain ReLU to far beyond any degree that trains: powers are taken by multiplication, so that time grows
  /// with p, and (1 - 0.001)^1000 is all that is left of a cosine that is not quite 1.
  package static let allowed = 1.0...1000.0

  /// For errors: "a number from 1 to 1000".
  package static let expectation = "a number from 1 to 1000"

  /// - Throws: ``NetworkError`` for a degree out of range, or one that is not a number.
  package static func check(_ degree: Double) throws(NetworkError) {
    guard allowed.contains(degree) else {
      throw NetworkError("p is \(degree); expected \(expectation)")
    }
  }
}
