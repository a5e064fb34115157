import Foundation
import Testing

@testable import Experiments

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
}
