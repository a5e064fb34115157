import Formats
import Foundation
import LinearCore

/// Samples in single precision, and the unit of length they are in.
struct ScaledSamples {
  /// x / unit.
  let rows: Matrix<Float>
  /// A power of two.
  let unit: Double
  /// x itself, where single precision does not hold x / unit to 24 digits.
  let exact: Matrix<Double>?

  /// Sizes of samples that single precision computes with as they are: 2^-40 to 2^40.
  private static let ordinary = -40...40

  /// Chooses 1 for the unit, or the power of two just below the largest coordinate where that is out of the
  /// range of ordinary sizes.
  init(rows count: Int, columns: Int, _ tensor: Tensor) {
    func samples(_ elements: [Float]) -> Matrix<Float> {
      Matrix(rows: count, columns: columns, elements: elements)
    }
    let floats = tensor.floats
    let largest: Double
    let isHeld: Bool
    switch tensor.elements {
    case .float64(let values):
      largest = values.reduce(0) { max($0, $1.magnitude) }
      // What rounding makes 0 or denormal has lost digits.
      isHeld = !zip(values, floats).contains {
        $0 != 0 && $1.magnitude < Float.leastNormalMagnitude
      }
    default:
      largest = Double(floats.reduce(0) { max($0, $1.magnitude) })
      isHeld = true
    }
    let exponent = largest > 0 && largest.isFinite ? largest.exponent : 0
    if Self.ordinary.contains(exponent) {
      (rows, unit) = (samples(floats), 1)
      exact = isHeld ? nil : Matrix(rows: count, columns: columns, elements: tensor.doubles)
      return
    }
    let values = tensor.doubles
    let scaled = values.map { scalbn($0, -exponent) }
    let loses = scaled.contains { $0 != 0 && $0.magnitude < Double(Float.leastNormalMagnitude) }
    (rows, unit) = (samples(scaled.map { Float($0) }), scalbn(1, exponent))
    exact = loses ? Matrix(rows: count, columns: columns, elements: values) : nil
  }

  /// The position of the first number that is NaN or infinite.
  var firstNotFinite: Int? {
    rows.isFinite() ? nil : rows.elements.firstIndex { !$0.isFinite }
  }
}

extension Dataset {
  /// The samples in double precision and in the user's units.
  public var inputsInDoublePrecision: Matrix<Double> {
    if let exactInputs { return exactInputs }
    let inputs = self.inputs.converted(to: Double.self)
    if unit == 1 { return inputs }
    return Matrix(
      rows: inputs.rows, columns: inputs.columns, elements: inputs.elements.map { $0 * unit })
  }

  /// Whether some coordinate is not 0 and so small that single precision loses digits of it.
  public var hasTinyCoordinates: Bool {
    exactInputs != nil
      || inputs.elements.contains { $0 != 0 && $0.magnitude < Float.leastNormalMagnitude }
  }

  /// The same samples with lengths in another unit, a power of two.
  ///
  /// - Throws: `DatasetError.invalid` where a coordinate exceeds single precision in this unit.
  public func inUnit(_ other: Double) throws(DatasetError) -> Dataset {
    if other == unit { return self }
    let factor = unit / other
    func scaled(_ matrix: Matrix<Float>) -> Matrix<Float> {
      Matrix(
        rows: matrix.rows, columns: matrix.columns,
        elements: matrix.elements.map { Float(Double($0) * factor) })
    }
    var result = self
    result.inputs = scaled(inputs)
    guard result.inputs.isFinite() else {
      throw .invalid(
        source: name,
        problem: "holds numbers of size \(size), beside others of "
          + "\(Self.size(of: other)); single precision does not hold both")
    }
    if hasTinyCoordinates || result.hasTinyCoordinates || factor == 0 {
      result.exactInputs = inputsInDoublePrecision
    }
    result.groupCenters = groupCenters.map(scaled)
    result.valueRange = valueRange.map {
      Float(Double($0.lowerBound) * factor)...Float(Double($0.upperBound) * factor)
    }
    result.inputBox = inputBox?.map { Float(Double($0) * factor) }
    result.unit = other
    return result
  }

  /// The same samples with lengths in the user's units.
  ///
  /// - Throws: `DatasetError.invalid` where single precision does not hold them.
  public func inUserUnits() throws(DatasetError) -> Dataset {
    if unit == 1 { return self }
    let exponent = unit.exponent
    guard exponent.magnitude <= 100 else {
      throw .invalid(
        source: name,
        problem:
          "holds numbers of size \(size), with which single precision does not compute; expected "
          + "sizes between 1e-30 and 1e30, and others for attack, certify and inspect only")
    }
    var result = try inUnit(1)
    result.exactInputs = nil
    return result
  }

  /// The same samples with coordinates below the normal range of single precision as 0: some computations take
  /// them for 0 and some do not.
  public func withoutDenormalCoordinates() -> Dataset {
    guard inputs.elements.contains(where: Self.isDenormal) else { return self }
    var result = self
    result.inputs = Matrix(
      rows: count, columns: dimension,
      elements: inputs.elements.map { Self.isDenormal($0) ? 0 : $0 })
    return result
  }

  private static func isDenormal(_ value: Float) -> Bool {
    value != 0 && value.magnitude < Float.leastNormalMagnitude
  }

  /// The largest coordinate in words.
  private var size: String {
    Self.size(of: unit * Double(inputs.elements.reduce(0) { max($0, $1.magnitude) }))
  }

  private static func size(of length: Double) -> String { String(format: "%.0e", length) }
}
