import Foundation
import Synchronization
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

@Suite struct RunPlanTests {
  @Test func timesLeftFollowTheStagesDone() {
    var plan = RunPlan([.init("train", seconds: 10), .init("attack", seconds: 20)])
    #expect(plan.seconds == 30)
    #expect(plan.text.contains("plan, about 30 s in all"))
    #expect(plan.text.contains("  2. attack: about 20 s"))
    let start = Date(timeIntervalSince1970: 0)
    plan.advance(at: start)
    #expect(plan.stageSeconds == 10 && plan.secondsAfterStage() == 20)
    // The first stage took three times as long as planned.
    plan.advance(at: start.addingTimeInterval(30))
    #expect(plan.stageSeconds == 20 && plan.secondsAfterStage() == 0)
    var longer = RunPlan([
      .init("a", seconds: 10), .init("b", seconds: 20), .init("c", seconds: 5),
    ])
    longer.advance(at: start)
    longer.advance(at: start.addingTimeInterval(30))
    #expect(longer.secondsAfterStage() == 15)
    longer.advance(at: start.addingTimeInterval(60))
    longer.advance(at: start.addingTimeInterval(70))
    #expect(longer.stageSeconds == nil && longer.secondsAfterStage() == 0)
  }

  /// What was there already took no time, which says nothing about the rest.
  @Test func resumedStagesAreNoMeasure() {
    var plan = RunPlan([
      .init("train", seconds: 1000), .init("b", seconds: 1), .init("c", seconds: 7),
    ])
    let start = Date(timeIntervalSince1970: 0)
    plan.advance(at: start)
    plan.advance(at: start.addingTimeInterval(1))
    #expect(plan.secondsAfterStage() == 7)
  }

  @Test func theRateOfProductsIsThatOfAProcessor() {
    let rate = RunPlan.productRate()
    #expect(rate > 1e8 && rate < 1e14)
  }

  @Test func partsHandOnTheirRangeOfTheWhole() {
    let shares = Mutex<[Double]>([])
    let whole = ProgressReporter { share in shares.withLock { $0.append(share) } }
    let part = whole.part(0.5...0.75)
    for fraction in [0, 0.5, 1] { part.update("", fraction: fraction, since: Date()) }
    #expect(shares.withLock { $0 } == [0.5, 0.625, 0.75])
  }

  /// Runs side by side are one stage, whose lines share its time by the work of the cells.
  @Test func runsShareTheTimeAmongTheirCells() throws {
    struct Cell: GridCell {
      var p: Double
      var alpha: Double
      var parameters: [Parameter] { [.init("p", p), .init("alpha", alpha)] }
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plan-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let directory = try RunDirectory(folder.path, configuration: ["a": 1], resume: false)
    // A long unit, so that its rounding to seconds does not show.
    let grid = Grid(
      name: "grid",
      cells: [Cell(p: 1, alpha: 1), Cell(p: 1, alpha: 2), Cell(p: 3, alpha: 2)], seeds: [0, 1]
    ) { 1e16 * $0.p * $0.alpha }
    // Work 18 in all, 6 of which at p = 1.
    let plan = grid.plan(directory, oneByOne: false)
    #expect(plan.stages.count == 1 && plan.text.contains("6 runs, 3 cells times 2 seed(s)"))
    let unit = plan.seconds / 18
    #expect(plan.text.contains("p = 1: about \(ProgressReporter.duration(6 * unit))"))
    #expect(plan.text.contains("p = 3: about \(ProgressReporter.duration(12 * unit))"))
  }
}
