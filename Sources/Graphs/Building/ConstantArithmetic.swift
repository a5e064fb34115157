import Formats
import Foundation
import Networks

/// Arithmetic with constants of integers, such as shapes that a graph takes apart and puts together.
enum ConstantArithmetic {
  /// A function of two tensors of integers, repeated to a common shape; nil for one that has no integer
  /// meaning here.
  ///
  /// - Throws: `NetworkError` for a result beyond 64 bits and a division by 0.
  static func combine(_ operation: String, _ a: Tensor, _ b: Tensor) throws(NetworkError)
    -> Tensor?
  {
    guard case .int64(let left) = a.elements, case .int64(let right) = b.elements else {
      return nil
    }
    guard let function = functions[operation] else { return nil }
    let shape = try Shape.broadcast(a.shape, b.shape)
    let count = try Shape.count(shape)
    let places = [a, b].map { Shape.repetition(of: $0.shape, to: shape) }
    var result: [Int64] = []
    result.reserveCapacity(count)
    for index in 0..<count {
      let (x, y) = (
        left[places[0].map { Int(truncatingIfNeeded: $0[index]) } ?? index],
        right[places[1].map { Int(truncatingIfNeeded: $0[index]) } ?? index]
      )
      guard let value = function(x, y) else {
        throw NetworkError("\(operation) of the integers \(x) and \(y) has no 64-bit result")
      }
      result.append(value)
    }
    return Tensor(shape: shape, elements: .int64(result))
  }

  private static func checked(_ result: (partialValue: Int64, overflow: Bool)) -> Int64? {
    result.overflow ? nil : result.partialValue
  }

  private static let functions: [String: @Sendable (Int64, Int64) -> Int64?] = [
    "Add": { checked($0.addingReportingOverflow($1)) },
    "Sub": { checked($0.subtractingReportingOverflow($1)) },
    "Mul": { checked($0.multipliedReportingOverflow(by: $1)) },
    "Div": { checked($0.dividedReportingOverflow(by: $1)) },
    "Mod": {
      // The sign is that of the divisor.
      guard let rest = checked($0.remainderReportingOverflow(dividingBy: $1)) else { return nil }
      return rest != 0 && (rest < 0) != ($1 < 0) ? rest + $1 : rest
    },
    "Max": { max($0, $1) }, "Min": { min($0, $1) },
    "Equal": { $0 == $1 ? 1 : 0 }, "Less": { $0 < $1 ? 1 : 0 },
    "LessOrEqual": { $0 <= $1 ? 1 : 0 }, "Greater": { $0 > $1 ? 1 : 0 },
    "GreaterOrEqual": { $0 >= $1 ? 1 : 0 }, "And": { $0 != 0 && $1 != 0 ? 1 : 0 },
    "Or": { $0 != 0 || $1 != 0 ? 1 : 0 },
  ]

  /// Numbers of another type: integers, truncated towards 0, or floating-point numbers.
  static func cast(_ tensor: Tensor, toInteger: Bool, isBoolean: Bool) throws(NetworkError)
    -> Tensor
  {
    guard toInteger else {
      if case .int64 = tensor.elements {
        return Tensor(shape: tensor.shape, elements: .float64(tensor.doubles))
      }
      return tensor
    }
    var result: [Int64] = []
    result.reserveCapacity(tensor.count)
    if case .int64(let values) = tensor.elements {
      result = isBoolean ? values.map { $0 == 0 ? 0 : 1 } : values
    } else {
      for value in tensor.doubles {
        guard
          let integer = Int64(
            exactly: isBoolean ? (value == 0 ? 0 : 1) : value.rounded(.towardZero))
        else { throw NetworkError("the number \(value) as an integer") }
        result.append(integer)
      }
    }
    return Tensor(shape: tensor.shape, elements: .int64(result))
  }
}

extension GraphBuilder {
  /// Constants side by side along an axis: integers, or floating-point numbers.
  mutating func concatenatedConstants(_ tensors: [Tensor], _ axis: Int, _ shape: [Int])
    throws(NetworkError) -> Tensor
  {
    try take(bytes: 8 * Shape.count(shape))
    let outer = try Shape.count(Array(shape[..<axis]))
    func joined<Element>(_ parts: [[Element]]) -> [Element] {
      var result: [Element] = []
      for stretch in 0..<outer {
        for part in parts {
          let length = part.count / max(1, outer)
          result += part[stretch * length..<(stretch + 1) * length]
        }
      }
      return result
    }
    let integers: [[Int64]] = tensors.compactMap {
      if case .int64(let values) = $0.elements { values } else { nil }
    }
    return Tensor(
      shape: shape,
      elements: integers.count == tensors.count
        ? .int64(joined(integers)) : .float64(joined(tensors.map(\.doubles))))
  }
}
