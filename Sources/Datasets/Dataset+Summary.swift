import Formats
import LinearCore

extension Dataset {
  /// 64 hexadecimal digits that change with any input, label, value of a label or subclass (SHA-256 over shapes as
  /// 64-bit integers, inputs as floats, labels and groups as 64-bit integers, all little-endian, and the values of
  /// classes where they are not 0, 1, ...). The name does not enter.
  public var checksum: String {
    var sum = ContentDigest()
    sum.update([count, dimension, classCount])
    inputs.elements.withUnsafeBytes { sum.update($0) }
    if unit != 1 { sum.update([unit.exponent]) }
    if let exactInputs { exactInputs.elements.withUnsafeBytes { sum.update($0) } }
    sum.update(labels)
    for value in classValues ?? [] { sum.update("\(value)\n") }
    if let groups { sum.update(groups) }
    if let inputBox { sum.update("box \(inputBox.checksumText)\n") }
    return sum.hexadecimal
  }

  /// How many samples each class has.
  public var classSizes: [Int] {
    labels.reduce(into: [Int](repeating: 0, count: classCount)) { $0[$1] += 1 }
  }

  /// The mean of the samples of every class, (classCount, D); a class without samples has zeros.
  public func classMeans() -> Matrix<Float> { means(by: labels, count: classCount) }

  /// The mean of the samples of every subclass, (K, D), or nil where subclasses are unknown.
  public func groupMeans() -> Matrix<Float>? {
    guard let groups, let groupCount else { return nil }
    return means(by: groups, count: groupCount)
  }

  /// Means in double precision, in the order of the samples.
  private func means(by part: [Int], count: Int) -> Matrix<Float> {
    let width = dimension
    var sums = [Double](repeating: 0, count: count * width)
    var sizes = [Int](repeating: 0, count: count)
    inputs.withPointer { source in
      sums.withUnsafeMutableBufferPointer { sums in
        for (row, index) in part.enumerated() {
          sizes[index] += 1
          for column in 0..<width {
            sums[index * width + column] += Double(source[row * width + column])
          }
        }
      }
    }
    var result = Matrix<Float>(rows: count, columns: width)
    result.elements = sums.enumerated().map { position, sum in
      Float(sum / Double(max(1, sizes[position / width])))
    }
    return result
  }
}
