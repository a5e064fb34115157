import Experiments
import Figures
import Formats
import Foundation
import Runs
import Studies

/// Time and memory against the sizes of the problem, with fitted exponents: a panel a size, from the
/// `scaling.json` of `scaling`.
struct ScalingFigure: ResultFigure {
  static let name = "scaling-figure"

  private let points: [Point]

  init(_ json: Data) throws {
    points = try JSONDecoder().decode(Results.self, from: json).points
  }

  func write(in directory: URL) throws -> String {
    let renderer = FigureRenderer()
    var table = CSVRows(header: ["quantity", "job", "size", "exponent", "halfWidth"])
    var lines = [
      "| job | size | exponent of time | exponent of peak memory |", "|---|---|---|---|",
    ]
    var fits: [String: LineFit] = [:]
    for (name, label, value) in Self.quantities {
      let panels = sizes.map { size in
        LineChart(
          x: Axis(size, scale: .logarithmic), y: Axis(label, scale: .logarithmic),
          series: jobs.map { job in
            let (x, y) = curve(job, size, value)
            if let fit = LineFit(x: x.map { log($0) }, y: y.map { log($0) }) {
              fits["\(name) \(job) \(size)"] = fit
              table.append([
                .text(name), .text(job), .text(size), .number(fit.slope),
                fit.slopeHalfWidth.map { .number($0) } ?? .empty,
              ])
            }
            return Series(job, x: x, y: y, style: .both)
          })
      }
      try renderer.write(
        PanelFigure(panels: panels, columns: 3), named: "scaling-\(name)", in: directory)
    }
    for job in jobs {
      for size in sizes {
        let cells = Self.quantities.map { fits["\($0.name) \(job) \(size)"].map(Self.text) ?? "-" }
        lines.append("| \(job) | \(size) | \(cells.joined(separator: " | ")) |")
      }
    }
    try Data(table.text.utf8).write(
      to: directory.appendingPathComponent("scaling-exponents.csv"), options: .atomic)
    return lines.joined(separator: "\n")
  }

  private static var quantities: [(name: String, label: String, value: (Point) -> Double)] {
    [
      ("time", "seconds", { $0.seconds }),
      ("memory", "peak memory in MB", { $0.peakMemoryBytes / 1e6 }),
    ]
  }

  private var sizes: [String] { distinct(points.map(\.size)) }
  private var jobs: [String] { distinct(points.map(\.job)) }

  private func distinct(_ names: [String]) -> [String] {
    var seen = Set<String>()
    return names.filter { seen.insert($0).inserted }
  }

  private func curve(_ job: String, _ size: String, _ value: (Point) -> Double) -> (
    x: [Double], y: [Double]
  ) {
    let chosen = points.filter { $0.job == job && $0.size == size }.sorted { $0.value < $1.value }
    return (chosen.map(\.value), chosen.map(value))
  }

  /// The exponent and half its 95% interval, where there are more than two points.
  private static func text(_ fit: LineFit) -> String {
    String(format: "%.2f", fit.slope)
      + (fit.slopeHalfWidth.map { String(format: " ± %.2f", $0) } ?? "")
  }

  private struct Results: Decodable { let points: [Point] }

  /// One run.
  private struct Point: Decodable {
    let job: String
    let size: String
    let value: Double
    let seconds: Double
    let peakMemoryBytes: Double
  }
}
