import Datasets
import Experiments
import Figures
import Formats
import LinearCore

/// What `polyrelu data info` says.
struct DataDescription: Encodable {
  let name: String
  let samples: Int
  let dimension: Int
  let classes: Int
  /// The values of the classes, as the data state them.
  let labels: [ClassLabel]
  let classSizes: [Int]
  let subclasses: Int?
  let valueRange: [Float]?
  let meanNorm: Double
  let distances: Distances
  let checksum: String

  /// How far apart things are, Euclidean; centres are those of subclasses where these are known,
  /// otherwise of classes.
  struct Distances: Encodable {
    /// Mean distance of a sample to the centre it belongs to.
    let meanToOwnCenter: Double
    /// Smallest and mean distance of two centres of different classes.
    let smallestBetweenClasses: Double
    let meanBetweenClasses: Double
    /// Mean distance of two centres of one class; nil where every class has one.
    let meanWithinClasses: Double?
  }

  /// Describes data.
  init(_ data: Dataset) {
    name = data.name
    samples = data.count
    dimension = data.dimension
    classes = data.classCount
    labels = data.classes
    classSizes = data.classSizes
    subclasses = data.groupCount
    valueRange = data.valueRange.map { [$0.lowerBound, $0.upperBound] }
    meanNorm =
      data.unit * data.inputs.rowNorms().reduce(0) { $0 + Double($1) } / Double(data.count)
    distances = Distances(data)
    checksum = data.checksum
  }

  /// A table.
  var text: String {
    var table = TerminalTable(header: [name, ""])
    table.append(["samples", "\(samples)"])
    table.append(["dimension", "\(dimension)"])
    table.append(["classes", "\(classes): \(ClassLabel.listing(labels))"])
    table.append(["samples a class", classSizes.map(String.init).joined(separator: " ")])
    if let subclasses { table.append(["subclasses", "\(subclasses)"]) }
    if let valueRange { table.append(["values", "\(valueRange[0]) to \(valueRange[1])"]) }
    table.append(["mean norm", Format.significant(meanNorm)])
    let center = subclasses == nil ? "class mean" : "subclass centre"
    table.append(["mean distance to own \(center)", Format.significant(distances.meanToOwnCenter)])
    table.append([
      "mean distance between classes", Format.significant(distances.meanBetweenClasses),
    ])
    table.append([
      "smallest distance between classes", Format.significant(distances.smallestBetweenClasses),
    ])
    if let within = distances.meanWithinClasses {
      table.append(["mean distance within classes", Format.significant(within)])
    }
    table.append(["checksum", checksum])
    return table.text
  }
}

extension DataDescription.Distances {
  fileprivate init(_ data: Dataset) {
    let groups = data.groups ?? data.labels
    let labels = data.groupLabels ?? Array(0..<data.classCount)
    let centers = data.groupCenters ?? data.groupMeans() ?? data.classMeans()
    var own = data.inputs
    for row in 0..<own.rows {
      own.setRow(row, zip(own.row(row), centers.row(groups[row])).map { $0 - $1 })
    }
    let unit = data.unit
    meanToOwnCenter = unit * own.rowNorms().reduce(0) { $0 + Double($1) } / Double(data.count)
    // Classes or subclasses without samples have no centre.
    let present = data.groupCenters == nil ? Set(groups) : Set(labels.indices)
    var between: [Double] = []
    var within: [Double] = []
    for a in present.sorted() {
      for b in present.sorted() where b > a {
        let difference = zip(centers.row(a), centers.row(b)).map { $0 - $1 }
        let distance = unit * Double(Norm.l2.length(difference))
        if labels[a] == labels[b] { within.append(distance) } else { between.append(distance) }
      }
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    smallestBetweenClasses = between.min() ?? .infinity
    meanBetweenClasses = between.isEmpty ? .infinity : mean(between)
    meanWithinClasses = within.isEmpty ? nil : mean(within)
  }
}
