import Figures
import LinearCore
import Runs
import Studies

extension RealDataReport {
  private func tableColumns() -> [(curve: Int, epsilon: Double)] {
    settings.curves.indices.flatMap { k in settings.curves[k].tabulated.map { (k, $0) } }
  }

  private func cells(_ summary: RealDataSummary) -> (header: [String], rows: [[String]]) {
    let columns = tableColumns()
    let header =
      ["p", "test accuracy", "rank H", "rank W", "cos subclass", "cos class"]
      + columns.map { "\(settings.curves[$0.curve].norm.rawValue) \($0.epsilon.rounded(to: 4))" }
    let rows = summary.results.map { row in
      [
        "\(row.p.degreeText)", row.testAccuracy.text(4), row.featureStableRank.text(2),
        row.weightStableRank.text(2), row.medianBestCosine.text(3),
        row.medianBestClassCosine.text(3),
      ]
        + columns.map { column in
          let norm = settings.curves[column.curve].norm
          let point = row.robustAccuracy.first { $0.norm == norm && $0.epsilon == column.epsilon }
          return point?.accuracy.text(3) ?? "–"
        }
    }
    return (header, rows)
  }

  func table(_ summary: RealDataSummary) -> Report.Table {
    let cells = cells(summary)
    let attacks = Set(settings.curves.map { "\($0.attack) (\($0.norm.rawValue))" }).sorted()
      .joined(separator: ", ")
    return Report.Table(
      caption: Prose(
        "Mean ± standard deviation over \(settings.repeats) repeat(s). Rank: stable rank of hidden "
          + "features H of the training data and of the weights W. Cos: median cosine of the dominant "
          + "neurons to the closest subclass and class mean. Right: robust accuracy under \(attacks)."
      ),
      header: cells.header.map { Prose($0) }, rows: cells.rows.map { $0.map { Prose($0) } })
  }

  func terminalTable(_ summary: RealDataSummary) -> String {
    let cells = cells(summary)
    var table = TerminalTable(header: cells.header, alignments: nil)
    for row in cells.rows { table.append(row) }
    return table.text + "\n" + summary.answer + "\n"
      + (summary.twoSided.map { "\n" + $0.text } ?? "")
  }
}
