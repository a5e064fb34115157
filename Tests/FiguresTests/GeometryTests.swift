import Foundation
import Testing

@testable import Figures

@Suite struct GeometryTests {
  @Test func missingPointsLeaveGaps() {
    let series = Series(
      "s", x: [0, 1, 2, 3, 4, .nan], y: [1, .nan, 3, -4, 5, 6],
      band: .init(lower: [1, 1, .infinity, 1, 1, 1], upper: [2, 2, 2, 2, 2, 2]))
    let linear = SeriesPoints(series, xAxis: Axis("x"), yAxis: Axis("y"))
    #expect(linear.runs == [[[0, 1]], [[2, 3], [3, -4], [4, 5]]])
    #expect(linear.bandRuns == [[[0, 1, 2], [1, 1, 2]], [[3, 1, 2], [4, 1, 2]]])
    #expect(
      String(decoding: SeriesPoints.text(of: linear.runs), as: UTF8.self)
        == "0.0 1.0\n\n2.0 3.0\n3.0 -4.0\n4.0 5.0\n")
    let logarithmic = SeriesPoints(
      series, xAxis: Axis("x"), yAxis: Axis("y", scale: .logarithmic))
    #expect(logarithmic.runs == [[[0, 1]], [[2, 3]], [[4, 5]]])
  }

  @Test func centredStepsTouchHalfway() {
    #expect(
      SeriesPoints.centredSteps([[1, 5], [2, 4], [4, 3]])
        == [[0.5, 5], [1.5, 5], [1.5, 4], [3, 4], [3, 3], [5, 3]])
  }

  @Test func logarithmicTicksCoverAnyRange() {
    func labels(_ low: Double, _ high: Double) -> [String] {
      Axis.logarithmicTicks(over: low...high).compactMap(\.label)
    }
    #expect(labels(0.01, 100) == ["10^{−2}", "10^{−1}", "1", "10", "10^{2}"])
    #expect(labels(1e-20, 1).count <= 8)
    #expect(labels(1.5, 7) == ["2", "5"])
    #expect(labels(6.1, 6.9).count >= 2)
    for exponent in stride(from: -300.0, through: 290, by: 7.3) {
      let low = pow(10, exponent)
      let ticks = Axis.logarithmicTicks(over: low...(low * 3.7))
      #expect(ticks.contains { $0.label != nil })
    }
  }

  @Test func spreadMovesOnlyWhatCollides() {
    #expect(LineChart.spread([0.1, 0.5, 0.9], apart: 0.2) == [0.1, 0.5, 0.9])
    let spread = LineChart.spread([0.5, 0.5, 0.55], apart: 0.1)
    #expect(abs(spread.reduce(0, +) - 1.55) < 1e-12)
    #expect(zip(spread.dropFirst(), spread).allSatisfy { $0 - $1 > 0.0999 })
  }

  @Test func zeroIsWhiteAndSignsAreSymmetric() {
    let scale = ColourScale.diverging
    for range in [-1.0...1.0, 0...1, -0.5...2] {
      #expect(scale.colour(of: 0, in: range) == Colour(0xFFFFFF))
    }
    #expect(scale.colour(of: 7, in: -1...1) == scale.colour(of: 1, in: -1...1))
    #expect(scale.colour(of: 0.5, in: -1...1) == scale.colour(of: 1, in: -2...2))
    #expect(Colour(0x0A0B0C).hex == "#0a0b0c")
  }

  @Test func legendsAvoidCurves() {
    let size = FigureSize(width: 700, height: 440)
    func hasRoom(_ legend: LineChart.Legend, _ y: [Double]) -> Bool {
      let chart = LineChart(
        x: Axis("x"), y: Axis("y", range: 0...1), series: [Series("s", x: [0, 1], y: y)],
        legend: legend)
      return chart.legendHasRoom(0...1, 0...1, in: PlotFrame(size: size))
    }
    #expect(hasRoom(.topRight, [0.9, 0.1]))
    #expect(!hasRoom(.topLeft, [0.98, 0.1]))
    #expect(!hasRoom(.bottomLeft, [0.05, 0.05]))
    #expect(hasRoom(.below, [0.05, 0.05]))
  }

  @Test func pdfDatesAreReplacedInPlace() {
    let pdf = Data("x /CreationDate (D:20261123120957+01'30) y".utf8)
    let expected = "x /CreationDate (D:19700101000000+00'00) y"
    #expect(String(decoding: FigureRenderer.withoutCreationDate(pdf), as: UTF8.self) == expected)
  }
}
