import Figures
import Formats
import Foundation

/// How many times the time and the memory of ours every peer takes, job by job: two panels of bars from the
/// `results.json` of `run`.
struct RatioFigure: ResultFigure {
  static let name = "figure"

  private let results: Results

  init(_ json: Data) throws {
    results = try JSONDecoder().decode(Results.self, from: json)
  }

  func write(in directory: URL) throws -> String {
    let time = bars("time of the peer / ours") { _, peer in peer.ratio }
    let memory = bars("peak memory of the peer / ours") { $1.peakMemoryBytes / $0.peakMemoryBytes }
    guard !time.bars.isEmpty else { throw UsageError(message: "no peer in the results") }
    let figure = PanelFigure(
      panels: [time, memory],
      panelSize: FigureSize(width: 560, height: time.preferredSize.height))
    let files = try FigureRenderer().write(figure, named: "ratios", in: directory)
    return (files.images.values.sorted() + files.tables).joined(separator: "\n")
  }

  private func bars(_ title: String, _ ratio: (Results.Side, Results.Side) -> Double?) -> RatioBars
  {
    RatioBars(
      title: title,
      bars: results.results.flatMap { result in
        result.peers.sorted { $0.key > $1.key }.compactMap { variant, peer in
          ratio(result.ours, peer).map {
            RatioBars.Bar(
              label: "\(Self.shortTitle(result.job)), \(variant)", ratio: $0,
              isTuned: variant != "as shipped")
          }
        }
      })
  }

  /// "apgd, p = 3" for "apgd --p 3 --norm linf --epsilon 0.1": what tells the jobs apart.
  private static func shortTitle(_ job: String) -> String {
    let words = job.split(separator: " ")
    guard let option = words.firstIndex(of: "--p"), option + 1 < words.count else { return job }
    return "\(words[0]), p = \(words[option + 1])"
  }

  private struct Results: Decodable {
    struct Side: Decodable {
      let peakMemoryBytes: Double
      let ratio: Double?
    }
    struct Job: Decodable {
      let job: String
      let ours: Side
      let peers: [String: Side]
    }
    let results: [Job]
  }
}

/// Horizontal bars of ratios on a logarithmic axis, from 1 to the left or right.
struct RatioBars: Figure {
  struct Bar: Sendable {
    let label: String
    let ratio: Double
    let isTuned: Bool
  }

  let title: String
  let bars: [Bar]

  var preferredSize: FigureSize { FigureSize(width: 560, height: 80 + 17 * Double(bars.count)) }

  var tables: [FigureTable] {
    var table = CSVRows(header: ["job", "ratio"])
    for bar in bars { table.append([.text(bar.label), .number(bar.ratio)]) }
    return [FigureTable(csv: table)]
  }

  func draw(in frame: PlotFrame, on script: inout PlotScript) {
    script.begin(frame)
    let values = bars.map(\.ratio)
    let low = min(0.5, (values.min() ?? 1) * 0.7)
    let high = max(10, (values.max() ?? 1) * 4)
    script.add("set logscale x; set format x \"10^{%L}\"; set xrange [\(low):\(high)] noextend")
    script.add("set yrange [\(-Double(bars.count)):1] noextend")
    script.add("set xlabel \(PlotScript.quotedLine(title)) noenhanced")
    script.add("set grid xtics back linetype 1 linecolor rgb \"#E4E4E4\" linewidth 0.6")
    let ticks = bars.indices.map { "\(PlotScript.quotedLine(bars[$0].label)) \(-$0)" }
    script.add("set ytics noenhanced scale 0 (\(ticks.joined(separator: ", ")))")
    script.add("set arrow from 1,graph 0 to 1,graph 1 nohead linecolor rgb \"#555555\"")
    script.add("set style fill solid 1 noborder")
    for (index, bar) in bars.enumerated() {
      let text = PlotScript.quotedLine(
        bar.ratio.formatted(.number.precision(.significantDigits(2)).grouping(.never)))
      script.add("set label \(text) at \(max(1, bar.ratio)),\(-index) left offset character 0.5,0")
    }
    let clauses = [(true, "tuned"), (false, "as shipped")].enumerated().map { number, kind in
      let rows = bars.indices.filter { bars[$0].isTuned == kind.0 }.map {
        "\(bars[$0].ratio) \(-$0) \(min(1, bars[$0].ratio)) \(max(1, bars[$0].ratio)) "
          + "\(-Double($0) - 0.38) \(-Double($0) + 0.38)\n"
      }
      let file = script.addFile(Data(rows.joined().utf8))
      let colour = Colour.categories[number].hex
      return rows.isEmpty
        ? "NaN notitle" : "\(file) with boxxyerror linecolor rgb \"\(colour)\" title \"\(kind.1)\""
    }
    script.add("set key above")
    script.add("plot " + clauses.joined(separator: ", "))
  }
}
