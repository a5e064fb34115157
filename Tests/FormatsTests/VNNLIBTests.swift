import Foundation
import TestSupport
import Testing

@testable import Formats

/// Properties in VNN-LIB.
@Suite struct VNNLIBTests {
  private typealias Constraint = VNNLIBProperty.Constraint

  private static let declarations = """
    (declare-const X_0 Real)
    (declare-const X_1 Real) ; two inputs
    (declare-const Y_0 Real)
    (declare-const Y_1 Real)

    """
  private static let box = """
    (assert (<= X_0 1)) (assert (>= X_0 -1.5))
    (assert (<= X_1 5e-1)) (assert (>= X_1 0))

    """

  private func read(_ text: String) throws(FormatError) -> VNNLIBProperty {
    try VNNLIBProperty(Array(text.utf8), path: "p.vnnlib")
  }

  private func constraint(_ terms: [(Int, Double)], _ limit: Double, isStrict: Bool = false)
    -> Constraint
  {
    Constraint(
      terms: terms.map { Constraint.Term(output: $0.0, coefficient: $0.1) }, limit: limit,
      isStrict: isStrict)
  }

  @Test func readsABoxAndOutputs() throws {
    let property = try read(
      Self.declarations + Self.box + "(assert (<= Y_0 Y_1))(assert (>= Y_1 3.991125645861615))")
    #expect(property.inputCount == 2 && property.outputCount == 2)
    let one = try #require(property.cases.first)
    #expect(property.cases.count == 1)
    #expect(one.lower == [-1.5, 0] && one.upper == [1, 0.5])
    #expect(
      one.alternatives == [
        [constraint([(0, 1), (1, -1)], 0), constraint([(1, -1)], -3.991125645861615)]
      ])
    #expect(property.isViolated(input: [1, 0], outputs: [4, 4]))
    #expect(!property.isViolated(input: [1, 0], outputs: [4.1, 4]))
    #expect(!property.isViolated(input: [1.01, 0], outputs: [4, 4]))
  }

  /// Alternatives of one box stay together; those of several boxes do not.
  @Test func separatesBoxes() throws {
    let outputs = try read(
      Self.declarations + Self.box + "(assert (or (and (>= Y_0 Y_1)) (and (< Y_1 2) (> Y_0 3))))")
    #expect(outputs.cases.count == 1)
    #expect(
      outputs.cases[0].alternatives == [
        [constraint([(0, -1), (1, 1)], 0)],
        [constraint([(1, 1)], 2, isStrict: true), constraint([(0, -1)], -3, isStrict: true)],
      ])
    let boxes = try read(
      Self.declarations + """
        (assert (or
          (and (<= X_0 1) (>= X_0 0) (<= X_1 1) (>= X_1 0) (<= Y_0 0))
          (and (<= X_0 3) (>= X_0 2) (<= X_1 3) (>= X_1 2) (<= Y_1 0))
          (and (<= X_0 3) (>= X_0 2) (<= X_1 3) (>= X_1 2) (<= Y_0 7))
          (and (<= X_0 3) (>= X_0 4) (<= X_1 3) (>= X_1 2) (<= Y_0 7))))
        """)
    #expect(boxes.cases.map(\.lower) == [[0, 0], [2, 2]])
    #expect(boxes.cases.map(\.alternatives.count) == [1, 2])
  }

  @Test func bringsTermsTogether() throws {
    let text =
      Self.declarations + Self.box + """
        (assert (<= (+ (* 2.0 Y_0) (* Y_1 -3) (- 1)) (- Y_0 Y_0 0.5)))
        (assert (and (or (>= (* 2 X_0) -1))))
        (assert (< 0.25 X_1 0.5))
        (assert (<= 0 1)) (assert true) (assert (or false (<= Y_0 9)))
        """
    let one = try #require(try read(text).cases.first)
    #expect(one.lower == [-0.5, 0.25] && one.upper == [1, 0.5])
    #expect(one.openBelow == [1] && one.openAbove == [1])
    #expect(
      one.alternatives == [[constraint([(0, 2), (1, -3)], 0.5), constraint([(0, 1)], 9)]])
    #expect(!one.holds([0, 0.5]) && one.holds([0, 0.3]))
    // Distributed: (a or b) and (c or d).
    let four = try read(
      Self.declarations + Self.box
        + "(assert (or (<= Y_0 1) (<= Y_0 2)))(assert (or (<= Y_1 3) (and (<= Y_1 4) (<= Y_0 5))))")
    #expect(
      four.cases[0].alternatives.map { $0.map(\.limit) } == [
        [1, 3], [1, 4, 5], [2, 3], [2, 4, 5],
      ])
  }

  @Test func contradictionsLeaveNothing() throws {
    for assertion in [
      "(assert (<= X_0 -2))", "(assert false)", "(assert (< X_1 0))",
      "(assert (and (<= 1 0) (<= Y_0 1)))",
    ] {
      #expect(try read(Self.declarations + Self.box + assertion).cases.isEmpty, "\(assertion)")
    }
    let free = try read(Self.declarations + Self.box)
    #expect(free.cases[0].alternatives == [[]])
  }

  @Test func acceptsOtherFormsAndGzip() throws {
    let text =
      "\u{FEFF}(set-logic QF_LRA)\r\n(set-info :source |(|)\r\n"
    #expect(
      failure { () throws(FormatError) in try read(text) }?.message.contains("line 2") == true)
    let plain =
      "(set-logic QF_LRA)(declare-fun X_0 () Real)(declare-fun Y_0 () Real)"
      + "(assert (and (>= X_0 0) (<= X_0 1) (<= Y_0 0)))(check-sat)(get-model)"
    let expected = try read(plain)
    #expect(expected.cases[0].upper == [1])
    try withTemporaryFolder { folder in
      let path = folder + "/p.vnnlib.gz"
      try AtomicFile.write(Gzip.compress(Array(plain.utf8)), to: path)
      #expect(try VNNLIBProperty(path: path) == expected)
    }
  }

  @Test(arguments: [
    ("(assert (<= X_2 0))", "line 5: uses X_2"),
    ("(assert (= X_0 0))", "line 5: asserts '='"),
    ("(assert (<= X_0 X_1))", "line 5: relates several inputs"),
    ("(assert (<= X_0 Y_1))", "line 5: relates inputs to outputs"),
    ("(assert (<= (* Y_0 Y_1) 0))", "line 5: multiplies two variables"),
    ("(assert (<= (/ Y_0 2) 0))", "line 5: has a term of '/'"),
    ("(assert (<= Y_0 nan))", "line 5: has 'nan'"),
    ("(assert (<= Y_0 1e999))", "line 5: has the number 1e999"),
    ("(assert (<= Y_0 0x10))", "line 5: has '0x10'"),
    ("(assert (<= Y_0))", "line 5: compares 1 terms"),
    ("(assert (or))", "line 5: has an empty 'or'"),
    ("(assert (<= Y_0 (+)))", "line 5: has a '+' of nothing"),
    ("(assert (<= Y_0 1)", "line 5: found the end of the file"),
    ("(assert (<= Y_0 1)))", "line 5: found ')'"),
    ("(assert\n\n(not (<= Y_0 1)))", "line 7: asserts 'not'"),
    ("(declare-const X_0 Real)", "line 5: declares X_0 a second time"),
    ("(declare-const X_00 Real)", "line 5: declares 'X_00'"),
    ("(declare-const X_4 Real)", "declares X_4, but no X_2"),
    ("(declare-const X_99999999999 Real)", "line 5: declares 'X_99999999999'"),
    ("(declare-const Z Real)", "line 5: declares 'Z'"),
    ("(declare-const X_2 Int)", "line 5: declares X_2 as 'Int'"),
    ("(define-fun f () Real 1)", "line 5: has the command 'define-fun'"),
    ("\"text\"", "line 5: found '\"'"),
    ("\u{1}", "line 5: found the byte 0x1"),
    ("(assert (<= Y_0 0))", "gives X_0 no lower bound"),
    ("(assert (>= X_0 0))(assert (>= X_1 0))", "gives X_0 no upper bound"),
  ])
  func refusesInOneLine(_ text: String, _ expected: String) throws {
    let error = try #require(
      failure { () throws(FormatError) in try read(Self.declarations + text) })
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(error.description.hasPrefix("p.vnnlib: ") && !error.description.contains("\n"))
  }

  @Test func refusesWithoutVariables() throws {
    #expect(
      failure { () throws(FormatError) in try read("") }?.message.contains("declares no X_0")
        == true)
    #expect(
      failure { () throws(FormatError) in try read("(declare-const X_0 Real)") }?.message
        .contains("declares no Y_0") == true)
  }

  /// Small files that would be large in normal form, or deep.
  @Test func sizesAreBounded() throws {
    let choices = String(repeating: "(assert (or (<= Y_0 0) (<= Y_1 0)))", count: 40)
    let wide = try #require(
      failure { () throws(FormatError) in try read(Self.declarations + Self.box + choices) })
    #expect(wide.message.contains("comparisons when 'and' is moved into 'or'"))
    for word in ["and", "+"] {
      let deep =
        (word == "and" ? "(assert " : "(assert (<= 0 ")
        + String(repeating: "(\(word) ", count: 100_000)
      let error = try #require(
        failure { () throws(FormatError) in try read(Self.declarations + deep) })
      #expect(error.message.contains("nested more than 100 deep"))
    }
    let long = "(assert (<= Y_0 " + String(repeating: "1", count: 100_000) + "))"
    let error = try #require(
      failure { () throws(FormatError) in try read(Self.declarations + long) })
    #expect(error.message.contains("a word of 100000 characters"))
  }

  /// Damaged files are read or refused in one line.
  @Test func damageIsNoCrash() {
    let valid = Array(
      (Self.declarations + Self.box
        + "(assert (or (and (<= Y_0 (* 2 Y_1)) (> X_0 0)) (>= (+ Y_0 1) (- Y_1))))").utf8)
    var random = SplitMix64(state: 9)
    var refused = 0
    for _ in 0..<3000 {
      let bytes = mutated(valid, &random)
      let error = failure { () throws(FormatError) in
        try VNNLIBProperty(bytes, path: "p")
      }
      if let error {
        refused += 1
        #expect(!error.description.contains("\n"))
      }
    }
    #expect(refused > 1000)
  }
}
