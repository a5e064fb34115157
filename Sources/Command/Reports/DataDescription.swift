import Datasets
import Experiments
import Figures
import Formats
import LinearCore
import Runs
import Studies

/// What `polyrelu data info` says.
struct DataDescription: Encodable {
  let name: String
  let samples: Int
  let dimension: Int
  /// The extents of a sample, where the data have more than one axis.
  let sampleShape: [Int]?
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
    /// Centres that samples belong to.
    let centers: Int
    /// Of these, the evenly spaced ones that were compared with each other.
    let comparedCenters: Int
  }

  init(_ data: Dataset) {
    name = data.name
    samples = data.count
    dimension = data.dimension
    sampleShape = data.sampleShape
    classes = data.classCount
    labels = data.classes
    classSizes = data.classSizes
    subclasses = data.groupCount
    switch data.validInputs?.map({ Float(Double($0) * data.unit) }) {
    case .uniform(let range)?: valueRange = [range.lowerBound, range.upperBound]
    case .perCoordinate(let lower, let upper)?:
      valueRange = [lower.min() ?? 0, upper.max() ?? 0]
    case nil: valueRange = nil
    }
    meanNorm =
      data.unit * data.inputs.rowNorms().reduce(0) { $0 + Double($1) } / Double(data.count)
    distances = Distances(data)
    checksum = data.checksum
  }

  var text: String {
    var table = TerminalTable(header: [name, ""])
    table.append(["samples", "\(samples)"])
    table.append(["dimension", "\(dimension)"])
    if let sampleShape {
      table.append(["shape of a sample", sampleShape.map(String.init).joined(separator: " x ")])
    }
    table.append(["classes", "\(classes): \(ClassLabel.listing(labels))"])
    table.append(["samples a class", sizes])
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
    if distances.comparedCenters < distances.centers {
      table.append([
        "distances between", "\(distances.comparedCenters) of the \(distances.centers) centres",
      ])
    }
    table.append(["checksum", checksum])
    return table.text
  }

  /// Samples of the first classes, and how many more classes there are.
  private var sizes: String {
    let shown = classSizes.prefix(20).map(String.init).joined(separator: " ")
    return classSizes.count > 20 ? "\(shown) … \(classSizes.count - 20) more classes" : shown
  }
}
