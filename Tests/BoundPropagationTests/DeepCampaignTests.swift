import Foundation
import LinearCore
import Synchronization
import Testing

/// No proof about a deep network exceeds the truth, whatever its layers, sizes and inputs.
@Suite struct DeepCampaignTests {
  /// How many random networks: POLYRELU_CAMPAIGN=10000 for the whole campaign, a share of it otherwise.
  static let size = ProcessInfo.processInfo.environment["POLYRELU_CAMPAIGN"].flatMap(Int.init) ?? 20

  /// Cases that showed something once.
  static let remembered = [227, 255, 311, 467, 1637, 3406, 3407, 3408, 3409]

  @Test func provedRadiiOfDeepNetworksAreTrue() {
    let cases = Array(0..<Self.size) + Self.remembered.filter { $0 >= Self.size }
    let proved = Atomic<Int>(0)
    let attacked = Atomic<Int>(0)
    Parallel.forEach(cases.count) { index in
      let number = cases[index]
      do {
        let trial = try DenormalNumbers.kept { Result { try DeepTrial(number) } }.get()
        for violation in trial.violations { Issue.record("\(violation)") }
        if trial.isProved { proved.add(1, ordering: .relaxed) }
        if trial.share != nil { attacked.add(1, ordering: .relaxed) }
      } catch { Issue.record("case \(number): \(error)") }
    }
    let counts = (proved.load(ordering: .relaxed), attacked.load(ordering: .relaxed))
    if Self.size > 1000 {
      print("deep networks: \(counts.0) of \(Self.size) radii above 0, \(counts.1) attacked")
    }
    // Most samples have a proof and a perturbation beside it.
    #expect(2 * counts.0 > Self.size && 2 * counts.1 > Self.size, "\(counts)")
  }
}
