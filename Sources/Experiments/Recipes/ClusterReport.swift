import Figures
import LinearCore
import Runs
import Studies

/// What reports of experiments on clustered data share: tables and figures by degree.
struct ClusterReport {
  /// All degrees of the first seed, then of the next.
  let runs: [ClusterValues]
  let sides: TwoSidedReport
  /// What theory says of a degree's median radius; nil where it says nothing.
  let predicted: (Double) -> Double?

  init(
    _ runs: [ClusterValues], twoSided: TwoSidedSettings,
    predicted: @escaping (Double) -> Double? = { _ in nil }
  ) {
    self.runs = runs
    self.predicted = predicted
    let proved = runs.filter { $0.twoSided != nil }
    sides = TwoSidedReport(
      proved.compactMap(\.twoSided), settings: twoSided, attacks: proved.map(\.radii))
  }

  var degrees: [Double] { Set(runs.map(\.p)).sorted() }

  func of(_ p: Double) -> [ClusterValues] { runs.filter { $0.p == p } }

  func interval(_ metric: Metric<ClusterValues>, _ p: Double) -> MeanInterval {
    MeanInterval(of(p).map(metric.value))
  }

  /// A row a degree.
  func table(caption: Prose) -> Account.Table {
    let metrics = ClusterValues.metrics
    func cells(_ p: Double) -> [String] {
      // Counts of a single network are whole.
      let isSingle = of(p).count == 1
      var cells = metrics.map { metric in
        interval(metric, p).text(digits: isSingle && metric.digits == 1 ? 0 : metric.digits)
      }
      cells.insert(predicted(p).map { MeanInterval.number($0, digits: 4) } ?? "–", at: 2)
      return [p.degreeText] + cells
    }
    var headings = metrics.map(\.heading)
    headings.insert("predicted", at: 2)
    return Account.Table(
      caption: caption, header: ["p"] + headings, rows: degrees.map(cells))
  }

  /// What the columns of the table are.
  static let columns: Prose =
    "\(emphasis: "Median radius"): where robust accuracy crosses 1/2. \(emphasis: "Neurons"): how many hold "
    + "99% of all contributions. \(emphasis: "Cos"): median cosine of these neurons to the closest subclass "
    + "centre and class mean."

  /// Median radii in a sentence.
  var answer: String {
    let parts = degrees.map { p in
      interval(ClusterValues.medianRadius, p).text() + " at p = \(p.degreeText)"
        + (predicted(p).map { String(format: " (predicted %.3f)", $0) } ?? "")
    }
    return "The median l2 radius is \(parts.joined(separator: ", "))."
  }

  /// What is to be said of the reductions that networks were attacked in.
  var remarks: [String] { UsedReduction.sentence(runs.compactMap(\.reduction)).map { [$0] } ?? [] }

  /// Trainings that stalled, and where networks were attacked.
  var notes: AccountSection {
    AccountSection(
      blocks: remarks.map { Report.Block.paragraph(Prose($0)) }
        + Set(runs.compactMap(\.stallWarning)).sorted().map { Report.Block.warning(Prose($0)) })
  }

  /// `results` in `results/summary.json`.
  var rows: [Row] { degrees.map { Row(of($0), predictedRadius: predicted($0)) } }

  /// A degree over its repeats, with names of version 0.1.
  struct Row: Encodable, Sendable {
    let p: Double
    let cleanAccuracy, medianRadius, halfRadius: Double
    /// The smallest and the largest of the repeats.
    let medianRadiusRange, halfRadiusRange: [Double]
    let predictedRadius: Double?
    let effectiveNeurons, numericalRank, medianBestCosine, medianBestClassCosine: Double
    let repeats: Int
    let reductions: [UsedReduction]

    fileprivate init(_ runs: [ClusterValues], predictedRadius: Double?) {
      func mean(_ metric: Metric<ClusterValues>) -> Double {
        let interval = MeanInterval(runs.map(metric.value))
        return interval.mean ?? (interval.infinite > 0 ? .infinity : .nan)
      }
      p = runs[0].p
      cleanAccuracy = mean(ClusterValues.cleanAccuracy)
      medianRadius = mean(ClusterValues.medianRadius)
      medianRadiusRange = [runs.map(\.medianRadius).min()!, runs.map(\.medianRadius).max()!]
      (halfRadius, halfRadiusRange) = (medianRadius, medianRadiusRange)
      self.predictedRadius = predictedRadius
      effectiveNeurons = mean(ClusterValues.effectiveNeurons)
      numericalRank = mean(ClusterValues.numericalRank)
      medianBestCosine = mean(ClusterValues.medianBestCosine)
      medianBestClassCosine = mean(ClusterValues.medianBestClassCosine)
      repeats = runs.count
      reductions = runs.compactMap(\.reduction)
    }
  }
}
