import Testing

@testable import Figures

@Suite struct TableTests {
  @Test func chartTablesHoldExactlyTheData() {
    let chart = LineChart(
      x: Axis("x"), y: Axis("y"),
      series: [
        Series(
          "a, \"b\"", x: [0.1, 2], y: [.nan, -1e-300],
          band: .init(lower: [0, 1], upper: [.infinity, 1.0 / 3]))
      ], references: [.vertical(3, label: "v"), .horizontal(4)])
    #expect(
      chart.tables.map(\.csv.text) == [
        #"""
        kind,label,x,y,lower,upper
        series,"a, ""b""",0.1,nan,0,inf
        series,"a, ""b""",2,-1e-300,1,0.3333333333333333
        vertical,v,3,,,
        horizontal,,,4,,

        """#
      ])
  }

  @Test func barsAreSortedAndRanked() {
    let bars = SortedBars(valueLabel: "v", groups: [.init("g", values: [1, .nan, 3, 0])])
    #expect(
      bars.tables[0].csv.text == "label,rank,value\ng,1,3\ng,2,1\ng,3,0\ng,4,nan\n")
  }

  @Test func matricesAndImagesKeepTheirPlaces() {
    let heat = Heatmap(values: [[1, 2], [3, 4]], rowLabels: ["a", "b"])
    #expect(heat.tables[0].csv.text == "row,0,1\na,1,2\nb,3,4\n")
    let grid = ImageGrid(rows: [
      .init(images: [nil]),
      .init(heading: "h", images: [nil, .init(values: [5, 6], width: 1, caption: "c\nd")]),
    ])
    #expect(
      grid.tables[0].csv.text == """
        row,column,heading,caption,y,x,value
        1,1,h,"c\nd",0,0,5
        1,1,h,"c\nd",1,0,6

        """)
  }

  @Test func panelTablesCarryTheirLetter() {
    let bars = SortedBars(valueLabel: "v", groups: [.init("g", values: [1])])
    let panels = PanelFigure(panels: [exampleChart, bars])
    #expect(panels.tables.map(\.suffix) == ["-a", "-b"])
    #expect(panels.tables[1].csv == bars.tables[0].csv)
  }

  @Test func terminalTablesAlignByDisplayWidth() {
    var table = TerminalTable(header: ["attack", "ε"])
    table.append(["pgd", "0.1"])
    table.append(["攻撃 e\u{301}", "12"])
    table.append(["two\nlines\u{7}", "−3"])
    #expect(
      table.text == """
        attack        ε
        ----------  ---
        pgd         0.1
        攻撃 e\u{301}       12
        two lines    −3

        """)
  }
}
