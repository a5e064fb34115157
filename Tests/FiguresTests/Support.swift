import Figures
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

let renderer = FigureRenderer()

extension Trait where Self == ConditionTrait {
  /// Skips a test where gnuplot is not installed.
  static var needsGnuplot: Self {
    .enabled(if: FigureRenderer().isAvailable, "gnuplot (package gnuplot-nox) is not installed")
  }
}

/// A directory that is removed at the end of `body`.
func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("figures-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory)
}

/// The names of the files in a directory, hidden ones included, sorted.
func fileNames(in directory: URL) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
}

/// The texts of a well-formed XML document, one a `<text>` element; throws when it is malformed.
func texts(ofSVG data: Data) throws -> [String] {
  try document(data).texts
}

/// All `id` attributes of a well-formed XML document.
func identifiers(ofXML data: Data) throws -> [String] {
  try document(data).identifiers
}

private func document(_ data: Data) throws -> Collector {
  let collector = Collector()
  let parser = XMLParser(data: data)
  parser.delegate = collector
  try #require(parser.parse(), "not well-formed: \(String(describing: parser.parserError))")
  return collector
}

private final class Collector: NSObject, XMLParserDelegate {
  var texts: [String] = []
  var identifiers: [String] = []
  private var current: String?

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    if let identifier = attributes["id"] { identifiers.append(identifier) }
    if name == "text" { current = "" }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    current? += string
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    guard name == "text", let text = current else { return }
    texts.append(text)
    current = nil
  }
}

/// One small example of every kind of figure.
let examples: [(name: String, figure: any Figure)] = [
  ("line", exampleChart),
  (
    "bars",
    SortedBars(valueLabel: "size", groups: [.init("p = 3", values: [0.1, 3, .nan, 0.5, 0])])
  ),
  (
    "heat",
    Heatmap(
      values: [[1, -0.5, .nan], [0, 0.25, -1]], rowLabels: ["r1", "r2"],
      columnLabels: ["c1", "c2", "c3"], rowDividers: [1], columnDividers: [2], showsValues: true)
  ),
  (
    "grid",
    ImageGrid(
      columnHeadings: ["first"],
      rows: [.init(heading: "three", images: [.init(values: [0, 1, 0.5, 1], width: 2), nil])])
  ),
  ("panels", PanelFigure(panels: [exampleChart, exampleChart])),
]

let exampleChart = LineChart(
  title: "Title", x: Axis("time", unit: "s"), y: Axis("loss", scale: .logarithmic),
  series: [
    Series(
      "measured", x: [0, 1, 2, 3], y: [1, 0.1, .nan, 0.001],
      band: .init(lower: [0.5, 0.05, 0.01, 0.0005], upper: [2, 0.2, 0.02, 0.002]), style: .both),
    Series("steps", x: [0, 3], y: [1, 0.5], style: .steps, dash: .dashed),
  ],
  references: [.horizontal(0.01, label: "√2/2"), .vertical(1.5, label: "1/√K")])
