import BoundPropagation
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// Decides whether a network violates a property: first an attack, then branch and bound.
package struct PropertyVerification: Sendable {
  let network: VerifiedNetwork
  let property: VNNLIBProperty
  /// Seconds for all of it.
  let timeout: Double
  /// Root of the random choices of the attack.
  let seed: UInt64

  package init(
    _ network: VerifiedNetwork, _ property: VNNLIBProperty, timeout: Double, seed: UInt64
  ) {
    (self.network, self.property, self.timeout, self.seed) = (network, property, timeout, seed)
  }

  package enum Answer: Sendable, Equatable {
    /// No input violates the property: proved in real arithmetic.
    case holds
    case violated(Counterexample)
    /// Time was over, or what is left is too close for double precision.
    case unknown
  }

  package struct Result: Sendable {
    package let answer: Answer
    /// Parts of boxes that were looked at.
    package let parts: Int
    /// Why there was no search for a proof; nil where there was.
    package let obstacle: String?
  }

  /// Inputs of at most so many coordinates that vary are cut by coordinates, others by neurons.
  private static let mostCoordinates = 24
  /// The share of the time that the attack may take.
  private static let shareOfAttack = 0.2
  /// Points that descend in the first round, in every box.
  private static let firstStarts = 32
  private static let laterStarts = 256
  /// Steps to better slopes before parts are cut by neurons.
  private static let firstIterations = 6

  package func run(progress: ProgressReporter = ProgressReporter(quiet: true)) -> Result {
    defer { progress.clear() }
    let start = Date()
    let deadline = start.addingTimeInterval(min(timeout, 1e9))
    progress.update("verify: attack", fraction: 0, since: start)
    let endOfAttack = start.addingTimeInterval(Self.shareOfAttack * min(timeout, 1e9))
    if let found = attack(until: endOfAttack) {
      return Result(answer: .violated(found), parts: 0, obstacle: nil)
    }
    let bounded: BoundedNetwork
    switch network.bounded {
    case .success(let network): bounded = network
    case .failure(let error):
      // Without any box there is nothing to prove.
      let answer: Answer = property.cases.isEmpty ? .holds : .unknown
      return Result(answer: answer, parts: 0, obstacle: error.description)
    }
    var (parts, isComplete) = (0, true)
    for (number, box) in property.cases.enumerated() {
      progress.update(
        "verify: box \(number + 1) of \(property.cases.count)",
        fraction: Double(number) / Double(property.cases.count), since: start)
      let end = Self.share(of: deadline, tasks: property.cases.count - number)
      switch search(bounded, box, until: end) {
      case .none(let count): parts += count
      case .found(let point):
        if let found = counterexample(point, box) {
          return Result(answer: .violated(found), parts: parts, obstacle: nil)
        }
        isComplete = false
      case .unknown: isComplete = false
      }
    }
    return Result(answer: isComplete ? .holds : .unknown, parts: parts, obstacle: nil)
  }

  /// When the next of some tasks has to end so that the others get as much time.
  private static func share(of deadline: Date, tasks: Int) -> Date {
    let now = Date()
    return now.addingTimeInterval(
      max(0, deadline.timeIntervalSince(now)) / Double(max(1, tasks)))
  }

  private func counterexample(_ point: [Double], _ box: VNNLIBProperty.Case) -> Counterexample? {
    Counterexample(near: point, of: network, property: property, box: box)
  }

  private func attack(until deadline: Date) -> Counterexample? {
    let root = RandomStream(seed: seed).child("verify")
    for (round, starts) in [Self.firstStarts, Self.laterStarts].enumerated() {
      for (number, box) in property.cases.enumerated() {
        // The middle is looked at whatever time there is.
        let middle = zip(box.lower, box.upper).map { 0.5 * $0 + 0.5 * $1 }
        if round == 0, let found = counterexample(middle, box) { return found }
        if Date() >= deadline { continue }
        let attack = PropertyAttack(
          network: network, property: property, box: box, deadline: deadline)
        let found = attack.run(
          starts: max(starts, box.alternatives.count),
          stream: root.child("round", round).child("box", number))
        if let found { return found }
      }
    }
    return nil
  }

  private func search(
    _ bounded: BoundedNetwork, _ box: VNNLIBProperty.Case, until deadline: Date
  ) -> BoxProof.Answer {
    let statement = BoxStatement(box.alternatives, outputs: property.outputCount)
    let accepts: @Sendable ([Double]) -> Bool = { counterexample($0, box) != nil }
    if zip(box.lower, box.upper).count(where: { $0 < $1 }) <= Self.mostCoordinates {
      return InputSplitting(bounded, statement, accepts: accepts)
        .search(lower: box.lower, upper: box.upper, deadline: deadline)
    }
    // An alternative without constraints is met by the middle, which the attack has looked at.
    if box.alternatives.contains(where: \.isEmpty) { return .unknown }
    let proof = BoxProof(bounded)
    let left = open(statement, proof, box)
    var parts = statement.alternatives.count - left.count
    var isComplete = true
    for (number, alternative) in left.enumerated() {
      let answer = proof.search(
        statement.rows.rows(at: alternative), limits: alternative.map { statement.limits[$0] },
        lower: box.lower, upper: box.upper,
        deadline: Self.share(of: deadline, tasks: left.count - number), accepts: accepts)
      switch answer {
      case .none(let count): parts += count
      case .found: return answer
      case .unknown: isComplete = false
      }
    }
    return isComplete ? .none(parts: parts) : .unknown
  }

  /// The alternatives that bounds on the whole box do not exclude.
  private func open(
    _ statement: BoxStatement, _ proof: BoxProof, _ box: VNNLIBProperty.Case
  ) -> [[Int]] {
    let least = proof.leastValues(
      statement.rows, lower: box.lower, upper: box.upper, iterations: Self.firstIterations)
    return statement.alternatives.filter { alternative in
      !alternative.contains { least[$0] > statement.limits[$0] }
    }
  }
}

extension BoxStatement {
  /// The alternatives of a box, every function once. Strict limits count as others: that excludes more.
  init(_ alternatives: [[VNNLIBProperty.Constraint]], outputs: Int) {
    var places: [VNNLIBProperty.Constraint: Int] = [:]
    var rows: [Double] = []
    var limits: [Double] = []
    let numbered = alternatives.map { alternative in
      alternative.map { constraint in
        if let place = places[constraint] { return place }
        places[constraint] = limits.count
        var row = [Double](repeating: 0, count: outputs)
        for term in constraint.terms { row[term.output] = term.coefficient }
        rows += row
        limits.append(constraint.limit)
        return limits.count - 1
      }
    }
    self.init(
      rows: Matrix(rows: limits.count, columns: outputs, elements: rows), limits: limits,
      alternatives: numbered)
  }
}
