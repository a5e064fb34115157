import LinearCore
import Runs
import Studies

extension Sweep {
  /// What will be measured and how long it may take.
  ///
  /// Runs go side by side and the longest first, so the plan has one stage; its lines tell how the time is
  /// shared out among the values of the first column.
  ///
  /// - Parameter operations: floating-point operations of a run of a cell.
  func plan(operations: (Cell) -> Double) -> RunPlan {
    let rate = RunPlan.productRate()
    func seconds(_ cells: [Cell]) -> Double {
      cells.reduce(0) { $0 + operations($1) } * Double(seeds.count) / rate
    }
    let title =
      "\(cells.count * seeds.count) runs, \(cells.count) cells times \(seeds.count) seed(s)"
    return RunPlan(
      [.init("measure " + title, seconds: seconds(cells))],
      details: groups.map { name, cells in (name, seconds(cells)) })
  }

  /// Cells by the value of their first column, in the order of the table.
  private var groups: [(name: String, cells: [Cell])] {
    var groups: [(name: String, cells: [Cell])] = []
    for cell in cells {
      guard let column = cell.parameters.first else { continue }
      let name = "\(column.name) = \(column.value.text)"
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].cells.append(cell)
      } else {
        groups.append((name, [cell]))
      }
    }
    return groups
  }
}
