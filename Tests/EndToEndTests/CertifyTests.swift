import Foundation
import Testing

/// `polyrelu certify` proves, stores and verifies.
@Suite struct CertifyTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.succeed("\(Tiny.train) --out run --quiet")
  }

  private let command = "certify --model run --data mixture --norm l2 --limit 12 --quiet"

  private func samples(_ outcome: Outcome) throws -> [[String: Any]] {
    try #require(try outcome.json()["samples"] as? [[String: Any]])
  }

  @Test func boundsEncloseWhatTheAttackFinds() throws {
    let outcome = try workspace.succeed("\(command) --json")
    let json = try outcome.json()
    #expect(Set(json.keys) == ["norm", "samples", "medianGap", "seconds", "network"])
    #expect(json["norm"] as? String == "l2")
    #expect(try #require(json["medianGap"] as? Double) <= 1e-3)
    let certified = try samples(outcome)
    #expect(certified.count == 12)
    try workspace.succeed(
      "attack --model run --data mixture --norm l2 --limit 12 --quiet --per-sample radii.csv")
    let rows = try String(decoding: workspace.bytes("radii.csv"), as: UTF8.self)
      .split(separator: "\n").dropFirst()
    for (sample, row) in zip(certified, rows) {
      #expect(
        Set(sample.keys) == ["index", "label", "lower", "upper", "status", "seconds"])
      let lower = try #require(sample["lower"] as? Double)
      let upper = try #require(sample["upper"] as? Double)
      let attacked = try #require(Double(row.split(separator: ",")[3]))
      #expect(lower <= upper)
      // The attack reports radii of a Float witness.
      #expect(lower <= attacked * (1 + 1e-6))
      let isWrong = sample["status"] as? String == "misclassified"
      #expect(isWrong == (upper == 0) && isWrong == (attacked == 0))
    }
  }

  @Test func resultsDoNotDependOnThreads() throws {
    let bounds = try ["1", "2"].map { threads in
      try samples(workspace.succeed("\(command) --json --threads \(threads)")).map {
        [$0["lower"] as? Double, $0["upper"] as? Double]
      }
    }
    #expect(bounds[0] == bounds[1])
  }

  @Test func smoothingStandsBeside() throws {
    let line = "\(command) --smoothing 0.1 --smoothing-samples 500 --smoothing-confidence 0.99"
    let plain = try samples(workspace.succeed("\(command) --json"))
    let all = try ["1", "2"].map {
      try samples(workspace.succeed("\(line) --json --threads \($0)"))
    }
    for (row, sample) in all[0].enumerated() {
      #expect(sample["lower"] as? Double == plain[row]["lower"] as? Double)
      let smoothing = try #require(sample["smoothing"] as? [String: Any])
      #expect(
        Set(smoothing.keys) == ["radius", "abstained", "status", "samples", "confidence", "sigma"])
      #expect(smoothing["samples"] as? Int == 500)
      #expect(abs(try #require(smoothing["confidence"] as? Double) - 0.99) < 1e-12)
      let radius = try #require(smoothing["radius"] as? Double)
      // 0.1 Phi^-1(0.01^(1/500)) = 0.236.
      #expect(radius >= 0 && radius < 0.237)
      if smoothing["abstained"] as? Bool == true { #expect(radius == 0) }
      let other = try #require(all[1][row]["smoothing"] as? [String: Any])
      #expect(radius == other["radius"] as? Double)
    }
    let text = try workspace.succeed(line).output
    #expect(text.contains("another classifier") && text.contains("abstained: "))
  }

  /// Some radii of linf come from boxes, those of l1 and others of linf from one relaxation.
  @Test(arguments: ["linf", "l1"]) func certificatesOfOtherNorms(_ norm: String) throws {
    let line = command.replacingOccurrences(of: "--norm l2", with: "--norm \(norm)")
    let certified = try samples(workspace.succeed("\(line) --json --certificates proofs"))
    let checked = try workspace.succeed("\(line) --json --certificates proofs --check").json()
    let radii = try #require(checked["radii"] as? [Double])
    #expect(radii.count == certified.count)
    for (radius, sample) in zip(radii, certified) {
      let lower = try #require(sample["lower"] as? Double)
      #expect(radius >= lower * (1 - 1e-12))
    }
    #expect(radii.contains { $0 > 0 })
    let other = try workspace.run("\(command) --certificates proofs --check")
    #expect(other.status == 2 && other.errors.contains("is about \(norm)"))
  }

  @Test func certificatesAreVerifiedAndDamageIsFound() throws {
    let certified = try samples(
      workspace.succeed("\(command) --json --certificates proofs"))
    let checked = try workspace.succeed("\(command) --json --certificates proofs --check").json()
    let radii = try #require(checked["radii"] as? [Double])
    for (radius, sample) in zip(radii, certified) {
      let lower = try #require(sample["lower"] as? Double)
      #expect(radius >= lower * (1 - 1e-12))
    }
    #expect(
      try workspace.succeed("\(command) --certificates proofs --check").output
        .hasPrefix("verified: 12 samples"))

    let name = try #require(
      workspace.files().filter { $0.hasPrefix("proofs/sample") }.sorted().first)
    var certificate = try #require(
      try JSONSerialization.jsonObject(with: workspace.bytes(name)) as? [String: Any])
    certificate["lower"] = try #require(certificate["lower"] as? Double) * 1.01
    try JSONSerialization.data(withJSONObject: certificate)
      .write(to: URL(fileURLWithPath: workspace.path(name)))
    let refused = try workspace.run("\(command) --certificates proofs --check")
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.errors.contains(name) && refused.errors.contains("claims a radius"))
    try FileManager.default.removeItem(atPath: workspace.path(name))
    let missing = try workspace.run("\(command) --certificates proofs --check")
    #expect(missing.status == 2 && missing.errors.contains(name))

    try workspace.succeed("\(Tiny.train) --seed 5 --out other --quiet")
    let other = try workspace.run(
      "certify --model other --data mixture --norm l2 --limit 12 --certificates proofs --check")
    #expect(other.status == 2 && other.errors.contains("another network"))
  }
}
