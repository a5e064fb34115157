import BoundPropagation
import Certification
import LinearCore
import Networks

/// What a random deep network shows about the certifier.
struct DeepTrial {
  /// What is wrong: nothing, if proofs are proofs.
  private(set) var violations: [String] = []
  private(set) var isProved = false
  /// The proved radius over the smallest perturbation found; nil without one.
  private(set) var share: Double?

  private let test: DeepCase
  private let label: Int
  private let search: BallSearch

  /// Certifies the sample of a case, attacks it, and looks for what no proof may miss.
  init(_ number: Int) throws {
    test = try DeepCase(number)
    label = test.label
    search = BallSearch(
      network: test.plain, input: test.input, label: label, norm: test.norm, box: test.box)
    var numbers = Numbers(UInt64(number) &+ 5)
    let witness = attacked(&numbers)
    // Some go through several balls, whose trees follow each other.
    let nodes = [1, 3, 24][numbers.integer(0...2)]
    let certifier = DeepCertifier(
      test.bounded, norm: test.norm, box: test.box,
      budget: SearchBudget(nodes: number % 10 == 7 ? 150 : nodes))
    let result = certifier.certify(test.input, label: label, witness: witness)
    let radius = result.radius
    require(radius.status != .contradictory, "\(radius.proved) proved, \(radius.upper) attacked")
    require(radius.status != .misclassified, "misclassified")
    require(radius.lower >= 0 && radius.lower <= radius.upper, "\(radius.lower), \(radius.upper)")
    if let witness {
      let length = test.norm.length(witness)
      require(radius.lower <= length * (1 + 1e-9), "\(radius.lower), but lost at \(length)")
      share = radius.lower / length
    }
    guard radius.proved > 0 else { return }
    isProved = true
    let ball = min(radius.proved, 1e4 * test.scale)
    if let found = search.lost(
      radius: ball, starts: test.input.count > 8 ? 5 : 10, steps: 7, &numbers)
    {
      violations.append(
        "\(test.description): \(radius.proved) proved, lost at \(test.norm.length(found))")
    }
    guard let certificate = result.certificate else {
      require(false, "no certificate")
      return
    }
    do { try certifier.checker.check(certificate, input: test.input) } catch {
      require(false, "certificate: \(error)")
    }
  }

  private mutating func require(_ condition: Bool, _ what: String) {
    if !condition { violations.append("\(test.description): \(what)") }
  }

  /// A small perturbation that changes the class, where descent in balls of growing size meets one.
  private func attacked(_ numbers: inout Numbers) -> [Double]? {
    for reach in [0.03, 0.3, 3] {
      guard
        let far = search.lost(radius: reach * test.scale, starts: 4, steps: 5, &numbers)
      else { continue }
      // The first crossing on the way there that halving meets.
      var (low, high) = (0.0, 1.0)
      for _ in 0..<45 {
        let middle = 0.5 * (low + high)
        let point = far.indices.map {
          Float80(test.input[$0]) + Float80(middle) * Float80(far[$0])
        }
        if test.plain.isLost(point, label: label) { high = middle } else { low = middle }
      }
      return far.map { high * $0 }
    }
    return nil
  }
}
