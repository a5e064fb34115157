import LinearCore
import Runs

extension Grid {
  /// What is still to be measured and how long it may take.
  ///
  /// The rate is that of the runs that are finished; before the first it is that of dense products on this machine.
  /// Runs side by side are one stage, whose lines tell how the time is shared out among the values of the first
  /// parameter; runs one by one are a stage each.
  func plan(_ directory: RunDirectory, oneByOne: Bool) -> RunPlan {
    let threads = Double(Parallel.threadCount)
    let rate = learnedRate(directory).map { oneByOne ? $0 : $0 * threads } ?? RunPlan.productRate()
    let missing = jobs.filter { !directory.exists($0.path) }
    func seconds(_ jobs: [Job]) -> Double { jobs.reduce(0) { $0 + $1.operations } / rate }
    if oneByOne {
      return RunPlan(
        jobs.map {
          .init("measure \($0.title)", seconds: directory.exists($0.path) ? 0 : seconds([$0]))
        })
    }
    let title =
      "\(jobs.count) runs, \(cells.count) cells times \(seeds.count) seed(s)"
    return RunPlan(
      [.init("measure " + title, seconds: seconds(missing))],
      details: groups.map { name, cells in
        (name, seconds(missing.filter { cells.contains($0.cell) }))
      })
  }

  /// Operations a second of the runs that an earlier process has finished; nil without any.
  private func learnedRate(_ directory: RunDirectory) -> Double? {
    guard let seconds = directory.timing()?.parts else { return nil }
    let finished = jobs.compactMap { job in seconds[job.name].map { (job.operations, $0) } }
    let taken = finished.reduce(0) { $0 + $1.1 }
    return taken > 1 ? finished.reduce(0) { $0 + $1.0 } / taken : nil
  }

  /// Cells by the value of their first parameter, in the order of the table.
  private var groups: [(name: String, cells: Set<Int>)] {
    var groups: [(name: String, cells: Set<Int>)] = []
    for (number, cell) in cells.enumerated() {
      guard let parameter = cell.parameters.first else { continue }
      let name = "\(parameter.name) = \(parameter.value.text)"
      if let index = groups.firstIndex(where: { $0.name == name }) {
        groups[index].cells.insert(number)
      } else {
        groups.append((name, [number]))
      }
    }
    return groups
  }
}
