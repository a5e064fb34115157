import Formats
import LinearCore
import Networks
import Testing

@testable import Graphs

/// Which images a graph says it reads.
@Suite struct ImageAxesTests {
  private func plan(_ shape: [Int]) -> GraphPlan {
    GraphPlan(
      inputShape: shape, steps: [], sizes: [shape.dropFirst().reduce(1, *)], output: 0, notes: [])
  }

  @Test func axesAreThoseOfTheInput() {
    #expect(
      plan([1, 3, 8, 9]).imageAxes
        == ImageAxes(rows: 8, columns: 9, channels: 3, isChannelsLast: false))
    #expect(
      plan([1, 8, 9, 3]).imageAxes
        == ImageAxes(rows: 8, columns: 9, channels: 3, isChannelsLast: true))
    // Few rows are no sign of channels.
    #expect(
      plan([1, 1, 4, 4]).imageAxes
        == ImageAxes(rows: 4, columns: 4, channels: 1, isChannelsLast: false))
    #expect(plan([1, 784]).imageAxes == nil)
    #expect(plan([1, 2, 3, 4, 5]).imageAxes == nil)
  }

  /// A network that is handed images the other way round says so.
  @Test func turnedImagesHaveTheirChannelsLast() {
    let turned = plan([1, 3, 8, 9]).readingChannelsLast(3)
    #expect(
      turned.imageAxes == ImageAxes(rows: 8, columns: 9, channels: 3, isChannelsLast: true))
    #expect(GraphNetwork<Float>(turned).imageAxes == turned.imageAxes)
    let standardized = StandardizedClassifier(
      GraphNetwork<Float>(turned), mean: [Double](repeating: 0, count: 216),
      deviation: [Double](repeating: 1, count: 216))
    #expect(standardized.imageAxes == turned.imageAxes)
  }
}
