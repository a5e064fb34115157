/// What a VNN-LIB file asserts of a network's inputs X and outputs Y: the subset of SMT-LIB that the verification
/// competition (VNN-COMP) uses. A network violates the property where some input and its outputs meet all
/// assertions.
///
/// Constants are the nearest numbers in double precision, and so is what a linear term brings together.
package struct VNNLIBProperty: Sendable, Equatable {
  /// A linear function of the outputs with a limit.
  package struct Constraint: Sendable, Hashable {
    package struct Term: Sendable, Hashable {
      package let output: Int
      package let coefficient: Double
    }

    /// Each output at most once, in ascending order; at least one.
    package let terms: [Term]
    package let limit: Double
    /// Whether the sum has to be below the limit instead of at most the limit.
    package let isStrict: Bool

    /// Whether outputs meet the constraint, as computed in double precision.
    package func isMet(_ outputs: [Double]) -> Bool {
      let value = terms.reduce(0.0) { $0 + $1.coefficient * outputs[$1.output] }
      return isStrict ? value < limit : value <= limit
    }
  }

  /// A box of inputs, and what outputs there must not be.
  package struct Case: Sendable, Equatable {
    /// Finite, lower <= upper.
    package var lower: [Double]
    package var upper: [Double]
    /// Coordinates whose end does not belong to the box.
    package var openBelow: Set<Int>
    package var openAbove: Set<Int>
    /// Assertions that hold together, each a way to violate the property; one without constraints is always met.
    package var alternatives: [[Constraint]]

    package func holds(_ input: [Double]) -> Bool {
      input.indices.allSatisfy { i in
        let x = input[i]
        return x >= lower[i] && x <= upper[i]
      } && openBelow.allSatisfy { input[$0] > lower[$0] }
        && openAbove.allSatisfy { input[$0] < upper[$0] }
    }
  }

  package let inputCount: Int
  package let outputCount: Int
  /// The property is violated where one of the cases is. Cases whose boxes are empty are left out.
  package let cases: [Case]

  package init(inputCount: Int, outputCount: Int, cases: [Case]) {
    (self.inputCount, self.outputCount, self.cases) = (inputCount, outputCount, cases)
  }

  /// Bytes that a file may have, decompressed.
  package static let maximumBytes = 1 << 27

  /// Reads a file, which gzip may have compressed.
  /// - Throws: `FormatError` that names the line of what cannot be read.
  package init(path: String) throws(FormatError) {
    let bytes = try Gzip.contents(of: path, maximumBytes: Self.maximumBytes)
    try self.init(bytes, path: path)
  }

  /// Reads the contents of the file `path`.
  package init(_ bytes: [UInt8], path: String) throws(FormatError) {
    var parser = VNNLIBParser(bytes, path: path)
    try parser.parse()
    self = try VNNLIBNormalForm(parser).property()
  }

  /// Whether an input and its outputs violate the property.
  package func isViolated(input: [Double], outputs: [Double]) -> Bool {
    cases.contains { one in
      one.holds(input) && one.alternatives.contains { $0.allSatisfy { $0.isMet(outputs) } }
    }
  }
}
