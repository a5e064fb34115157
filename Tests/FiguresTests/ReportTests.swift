import Foundation
import Testing

@testable import Figures

@Suite struct ReportTests {
  static let hostile = "<script>alert(\"1\")</script> & 'q'"
  static let escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;q&#39;"

  @Test func everyTextIsEscaped() {
    let text = Self.hostile
    let prose: Prose = "\(text) \(emphasis: text) \(strong: text) \(code: text)"
    let report = Report(
      title: text, subtitle: prose,
      sections: [
        .init(
          text,
          [
            .paragraph(prose), .subheading(text), .list([prose]), .note(prose), .warning(prose),
            .keyValues([.init(text, prose)]), .preformatted(text),
            .table(.init(caption: prose, header: [prose], rows: [[prose]])),
            .details(summary: text, [.paragraph(prose)]),
            .figure(
              .init(caption: prose, alternative: text, svg: "<svg></svg>", downloads: [text])),
          ])
      ])
    let html = report.html
    #expect(!html.contains("<script"))
    #expect(html.contains("<h1>\(Self.escaped)</h1>"))
    #expect(html.contains("<em>\(Self.escaped)</em>"))
    #expect(html.contains("<pre>\(Self.escaped)</pre>"))
    #expect(html.contains("aria-label=\"\(Self.escaped)\""))
    #expect(html.contains("href=\"%3Cscript%3Ealert%28%221%22%29%3C/script%3E%20%26%20%27q%27\""))
  }

  /// A caption inside a table is as wide as the table, and is cut with it.
  @Test func captionsStandBesideTablesThatScroll() throws {
    let table = Report.Table(caption: "What & why", header: ["a", "b"], rows: [["1", "2"]])
    let html = Report(title: "t", sections: [.init("s", [.table(table)])]).html
    let caption = try #require(
      html.range(
        of: "<p class=\"caption\" id=\"table-1-caption\"><b>Table 1.</b> What &amp; why</p>"))
    let scroller = try #require(html.range(of: "<div class=\"scroll\" role=\"region\""))
    let start = try #require(html.range(of: "<table aria-labelledby=\"table-1-caption\">"))
    #expect(caption.upperBound < scroller.lowerBound && scroller.upperBound < start.lowerBound)
    #expect(!html.contains("<caption"))
    #expect(ReportStyle.css.contains("overflow-x: auto"))
  }

  @Test func linksStayRelative() {
    #expect(HTML.link(toPath: "figures/a b.csv") == "figures/a%20b.csv")
    #expect(HTML.link(toPath: "javascript:x") == "javascript%3Ax")
    #expect(HTML.link(toPath: "é") == "%C3%A9")
  }

  @Test func identifiersOfFiguresArePrefixed() {
    let svg = """
      <?xml version="1.0"?>
      <svg xmlns:xlink="x"><defs><circle id='gp1'/><path id="gp2" clip-path="url(#gp1)"/></defs>
      <use xlink:href='#gp1' width='1'/><text>id='gp1' url(#gp1) href='#gp1'</text></svg>
      """
    let inlined = SVGDocument(text: svg).inlined(prefix: "f1-", label: "l")
    #expect(
      inlined == """
        <svg role="img" aria-label="l" xmlns:xlink="x"><defs><circle id='f1-gp1'/>\
        <path id="f1-gp2" clip-path="url(#f1-gp1)"/></defs>
        <use xlink:href='#f1-gp1' width='1'/><text>id='gp1' url(#gp1) href='#gp1'</text></svg>
        """)
  }

  @Test(.needsGnuplot) func aReportWithFiguresIsSelfContained() throws {
    try withTemporaryDirectory { directory in
      let figures = directory.appendingPathComponent("figures")
      let pictures = try examples.map { example in
        let files = try renderer.write(example.figure, named: example.name, in: figures)
        return Report.Block.figure(
          try Report.Picture(files, in: figures, linkedAs: "figures", caption: "A figure."))
      }
      let report = Report(title: "Run", sections: [.init("Figures", pictures + pictures)])
      let file = directory.appendingPathComponent("report.html")
      try report.write(to: file)
      let html = try String(contentsOf: file, encoding: .utf8)
      #expect(html == report.html)
      #expect(html.contains("<a href=\"figures/panels-b.csv\">panels-b.csv</a>"))
      #expect(html.contains("<a href=\"figures/line.pdf\">line.pdf</a>"))
      #expect(!html.contains("<script") && !html.contains("src=") && !html.contains("@import"))

      // The body happens to be XML once the void tags of the head are left out.
      let start = try #require(html.range(of: "<body>"))
      let end = try #require(html.range(of: "</body>"))
      let body = Data(html[start.lowerBound..<end.upperBound].utf8)
      let identifiers = try identifiers(ofXML: body)
      #expect(identifiers.count > 20 && Set(identifiers).count == identifiers.count)
      for target in html.matches(of: #/href=['"]#([^'"]*)['"]/#) {
        #expect(identifiers.contains(String(target.output.1)))
      }
    }
  }

  @Test func aMissingPictureIsNamed() {
    let files = FigureFiles(name: "gone", images: [.svg: "gone.svg"], tables: [])
    let error = #expect(throws: FigureError.self) {
      try Report.Picture(files, in: URL(fileURLWithPath: "/nowhere"), linkedAs: "", caption: "")
    }
    #expect(error?.description.hasPrefix("cannot access '/nowhere/gone.svg': ") == true)
  }
}
