import Foundation
import Testing

/// Two runs of one seed differ in `timing.json` and in nothing else.
@Suite struct SameBytesTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private func expectSame(_ line: String, option: String = "out") throws {
    try workspace.succeed("\(line) --threads 1 --\(option) first --quiet")
    try workspace.succeed("\(line) --threads 2 --\(option) second --quiet")
    let different = try workspace.differences("first", "second")
    #expect(different == ["timing.json"], "\(line): \(different.sorted())")
    let timing = try #require(
      try JSONSerialization.jsonObject(with: workspace.bytes("second/timing.json"))
        as? [String: Any])
    #expect(timing["threads"] as? Int == 2)
    for name in ["first", "second"] {
      try FileManager.default.removeItem(atPath: workspace.path(name))
    }
  }

  @Test func trainings() throws {
    try expectSame(Tiny.train)
    try expectSame(
      "train --data mixture --dimension 20 --subclasses 4 --positive 2 --samples 60 --width 10 --p 3 "
        + "--optimizer gradient-flow --init-scale 1e-3")
  }

  @Test func attacksAndCertificates() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    try expectSame("attack --model run --data mixture --norm l2 --limit 20")
    try expectSame(
      "certify --model run --data mixture --norm l2 --limit 6", option: "certificates")
  }
}
