import DeepNetworks
import LinearCore

/// One number for every stretch of `length` numbers of a sample.
package struct Reduction: GraphOperation {
  package enum Function: String, Sendable {
    case sum, mean, largest, smallest, squares, euclideanNorm, absoluteSum, logSumExp
  }

  package let function: Function
  /// Stretches of a sample.
  package let count: Int
  package let length: Int

  /// Whether the numbers of a stretch may come in any order, for the derivatives as well.
  var ignoresOrder: Bool { function != .largest && function != .smallest }

  package var work: Int { count * length }
  package var scratch: Int { count * length }
  package var description: String { "reduce to \(function.rawValue)" }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let source = inputs[0].taken()
    var values = Matrix<Scalar>(uninitializedRows: source.rows, columns: count)
    reduce(source, into: &values)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    let kept = function == .sum || function == .mean ? .none : source
    let results = values
    return GraphPass(values) { cotangent in
      var gradient = Matrix<Scalar>(
        uninitializedRows: cotangent.rows, columns: count * length)
      goBack(cotangent, source: kept, results: results, into: &gradient)
      return [gradient]
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func reduce<Scalar: LinearScalar>(
    _ source: Matrix<Scalar>, into values: inout Matrix<Scalar>
  ) {
    let total = source.rows * count
    values.withMutablePointer { target in
      source.withPointer { source in
        for number in 0..<total {
          target[number] = reduced(source + number * length)
        }
      }
    }
  }

  @inline(__always)
  private func reduced<Scalar: LinearScalar>(_ x: UnsafePointer<Scalar>) -> Scalar {
    switch function {
    case .sum: return Scalar(BlockedSummation.sum(length, x))
    case .mean: return Scalar(BlockedSummation.sum(length, x) / Double(length))
    case .squares: return Scalar(BlockedSummation.dot(length, x, x))
    case .euclideanNorm: return RowKernels.norm(length, x)
    case .absoluteSum:
      var sum = 0.0
      for i in 0..<length { sum += Double(x[i].magnitude) }
      return Scalar(sum)
    case .largest:
      var result = x[0]
      for i in 1..<length where x[i] > result || x[i].isNaN { result = x[i] }
      return result
    case .smallest:
      var result = x[0]
      for i in 1..<length where x[i] < result || x[i].isNaN { result = x[i] }
      return result
    case .logSumExp:
      var largest = x[0]
      for i in 1..<length { largest = max(largest, x[i]) }
      var sum = 0.0
      for i in 0..<length { sum += Double(Scalar.exponential(x[i] - largest)) }
      return largest + Scalar.logarithm(Scalar(sum))
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func goBack<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, source: Matrix<Scalar>, results: Matrix<Scalar>,
    into gradient: inout Matrix<Scalar>
  ) {
    let total = cotangent.rows * count
    let share = 1 / Scalar(length)
    gradient.withMutablePointer { gradient in
      cotangent.withPointer { cotangent in
        source.withPointer { source in
          results.withPointer { results in
            for number in 0..<total {
              let (g, result) = (cotangent[number], results[number])
              let (x, target) = (source + number * length, gradient + number * length)
              switch function {
              case .sum: target.update(repeating: g, count: length)
              case .mean: target.update(repeating: g * share, count: length)
              case .squares: for i in 0..<length { target[i] = 2 * g * x[i] }
              case .euclideanNorm:
                // 0 where all are 0.
                let factor = result > 0 ? g / result : 0
                for i in 0..<length { target[i] = factor * x[i] }
              case .absoluteSum:
                for i in 0..<length { target[i] = x[i] > 0 ? g : x[i] < 0 ? -g : 0 }
              case .logSumExp:
                for i in 0..<length { target[i] = g * Scalar.exponential(x[i] - result) }
              case .largest, .smallest:
                // The first of equal ones.
                target.update(repeating: 0, count: length)
                var place = 0
                while place + 1 < length && x[place] != result { place += 1 }
                target[place] = g
              }
            }
          }
        }
      }
    }
  }
}
