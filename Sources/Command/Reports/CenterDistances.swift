import Datasets
import LinearCore

extension DataDescription.Distances {
  /// More centres than this are not all compared with each other, which takes time that grows with their square.
  private static let centerLimit = 2048

  init(_ data: Dataset) {
    let groups = data.groups ?? data.labels
    let labels = data.groupLabels ?? Array(0..<data.classCount)
    let centers = data.groupCenters ?? data.groupMeans() ?? data.classMeans()
    let dimension = data.dimension
    let unit = data.unit
    meanToOwnCenter =
      unit
      * data.inputs.withPointer { inputs in
        centers.withPointer { centers in
          let sum = groups.enumerated().reduce(0.0) { sum, entry in
            sum
              + length(
                inputs + entry.offset * dimension, centers + entry.element * dimension, dimension)
          }
          return sum / Double(data.count)
        }
      }
    // Classes or subclasses without samples have no centre.
    let present = data.groupCenters == nil ? Set(groups).sorted() : Array(labels.indices)
    let step = (present.count + Self.centerLimit - 1) / Self.centerLimit
    let compared = stride(from: 0, to: present.count, by: max(1, step)).map { present[$0] }
    let sums = PairSums(compared, of: centers, labels)
    self.centers = present.count
    comparedCenters = compared.count
    smallestBetweenClasses = unit * sums.smallestBetween
    meanBetweenClasses =
      sums.betweenCount == 0 ? .infinity : unit * sums.between / Double(sums.betweenCount)
    meanWithinClasses = sums.withinCount == 0 ? nil : unit * sums.within / Double(sums.withinCount)
  }
}

/// Distances of all pairs of some centres, of one class and of different classes.
private struct PairSums {
  var between = 0.0
  var betweenCount = 0
  var within = 0.0
  var withinCount = 0
  var smallestBetween = Double.infinity

  /// - Parameters:
  ///   - chosen: the centres that are compared.
  ///   - centers: all centres, (count, D).
  ///   - labels: the class of every centre.
  init(_ chosen: [Int], of centers: Matrix<Float>, _ labels: [Int]) {
    let dimension = centers.columns
    var rows = [PairSums](repeating: PairSums(), count: chosen.count)
    rows.withUnsafeMutableBufferPointer { rows in
      centers.withPointer { centers in
        nonisolated(unsafe) let (rows, centers) = (rows, centers)
        Parallel.forEach(chosen.count) { first in
          var row = PairSums()
          for second in first + 1..<chosen.count {
            let (a, b) = (chosen[first], chosen[second])
            row.add(
              length(centers + a * dimension, centers + b * dimension, dimension),
              isWithin: labels[a] == labels[b])
          }
          rows[first] = row
        }
      }
    }
    // In the order of the centres, whichever was ready first.
    for row in rows {
      between += row.between
      betweenCount += row.betweenCount
      within += row.within
      withinCount += row.withinCount
      smallestBetween = min(smallestBetween, row.smallestBetween)
    }
  }

  private init() {}

  private mutating func add(_ distance: Double, isWithin: Bool) {
    if isWithin {
      within += distance
      withinCount += 1
    } else {
      between += distance
      betweenCount += 1
      smallestBetween = min(smallestBetween, distance)
    }
  }
}

/// The Euclidean distance of two vectors.
private func length(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
) -> Double {
  var sum = 0.0
  for index in 0..<count {
    let difference = Double(a[index]) - Double(b[index])
    sum += difference * difference
  }
  return sum.squareRoot()
}
