import Foundation
import Testing

@testable import Figures

@Suite struct RenderingTests {
  @Test(.needsGnuplot, arguments: examples.indices)
  func everyFigureIsWellFormedAndDeterministic(index: Int) throws {
    let (name, figure) = examples[index]
    try withTemporaryDirectory { directory in
      let files = try renderer.write(figure, named: name, in: directory)
      let names = try fileNames(in: directory)
      #expect(names == (Array(files.images.values) + files.tables).sorted())
      let svg = try Data(contentsOf: directory.appendingPathComponent("\(name).svg"))
      _ = try texts(ofSVG: svg)
      let pdf = try Data(contentsOf: directory.appendingPathComponent("\(name).pdf"))
      #expect(pdf.starts(with: Data("%PDF".utf8)))
      #expect(try renderer.render(figure, as: .svg) == svg)
      #expect(try renderer.render(figure, as: .pdf) == pdf)
    }
  }

  @Test(.needsGnuplot) func labelsAreDrawn() throws {
    let drawn = try texts(ofSVG: renderer.render(exampleChart, as: .svg))
    for label in ["Title", "time (s)", "loss", "measured", "steps", "√2/2", "1/√K"] {
      #expect(drawn.contains(label), "\(label) in \(drawn)")
    }
    let panels = try texts(
      ofSVG: renderer.render(PanelFigure(panels: [exampleChart, exampleChart]), as: .svg))
    #expect(panels.contains("(a)") && panels.contains("(b)"))
  }

  @Test(
    .needsGnuplot,
    arguments: [
      "a_b^c {/:Bold x} @y", "\"; system \"false\"; print \"", "'; quit; '",
      "back\\slash \\n \\101", "`touch injected`", "<b>&amp;</b> & > <![CDATA[",
      "50 % %g %d %s", "$x #y !z ~w |", "α → ‖δ‖₂ 字",
    ])
  func hostileLabelsAreDrawnLiterally(label: String) throws {
    let chart = LineChart(
      title: label, x: Axis(label), y: Axis(label), series: [Series(label, x: [0, 1], y: [0, 1])],
      references: [.horizontal(0.5, label: label), .vertical(0.5, label: label)])
    #expect(try texts(ofSVG: renderer.render(chart, as: .svg)).count { $0 == label } == 6)
    let heat = Heatmap(
      title: label, values: [[0]], rowLabels: [label], columnLabels: [label], rowTitle: label,
      columnTitle: label, valueTitle: label)
    #expect(try texts(ofSVG: renderer.render(heat, as: .svg)).count { $0 == label } == 6)
    let grid = ImageGrid(
      title: label, columnHeadings: [label],
      rows: [.init(heading: label, images: [.init(pixels: [[0]], caption: label)])])
    #expect(try texts(ofSVG: renderer.render(grid, as: .svg)).count { $0 == label } == 4)
  }

  @Test(.needsGnuplot) func lineBreaksAndControlCharactersAreHarmless() throws {
    let chart = LineChart(
      title: "first\nplot x", x: Axis("x\ny"), y: Axis("bell\u{7}"),
      series: [Series("one\r\ntwo", x: [0, 1], y: [0, 1])])
    let drawn = try texts(ofSVG: renderer.render(chart, as: .svg))
    for text in ["first", "plot x", "x y", "bell\u{FFFD}", "one two"] {
      #expect(drawn.contains(text), "\(text) in \(drawn)")
    }
  }

  @Test(.needsGnuplot) func nothingToDrawIsStillAFigure() throws {
    let empty = LineChart(
      x: Axis("x"), y: Axis("y", scale: .logarithmic),
      series: [Series("void", x: [0, 1, .infinity], y: [.nan, -1, 1])])
    #expect(try texts(ofSVG: renderer.render(empty, as: .svg)).contains("no finite data"))
    _ = try renderer.render(Heatmap(values: [[.nan, .nan]]), as: .svg)
    _ = try renderer.render(SortedBars(valueLabel: "v", groups: [.init("", values: [0])]), as: .svg)
  }

  @Test(.needsGnuplot) func extremeNumbersHaveARange() throws {
    let largest = Double.greatestFiniteMagnitude
    let smallest = Double.leastNonzeroMagnitude
    let extremes = [[1e300, -1e300], [5, 5], [0, 0], [smallest, 1e308], [-largest, largest]]
    for values in extremes + [[largest], [smallest]] {
      for scale in [Axis.Scale.linear, .logarithmic] {
        let chart = LineChart(
          x: Axis("x"), y: Axis("y", scale: scale),
          series: [Series("s", x: values.indices.map(Double.init), y: values)])
        _ = try texts(ofSVG: renderer.render(chart, as: .svg))
      }
    }
  }

  @Test(.needsGnuplot) func manySamplesStaySmallOnScreen() throws {
    let values = (0..<1000).map { row in (0..<1000).map { sin(Double(row * $0)) } }
    let svg = try renderer.render(Heatmap(values: values), as: .svg)
    #expect(svg.count < 1_500_000)
    let reduced = Heatmap(values: values).reduced(toAtMost: 500)
    #expect(reduced.count == 500 && reduced[0].count == 500)
    let mean = (values[2][4] + values[2][5] + values[3][4] + values[3][5]) / 4
    #expect(abs(reduced[1][2] - mean) < 1e-15)
  }
}
