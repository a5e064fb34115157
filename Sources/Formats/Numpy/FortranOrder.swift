extension Tensor.Elements {
  /// Reorders elements stored with the first index fastest into row-major order.
  func rowMajor(fromFortranOrder shape: [Int]) -> Tensor.Elements {
    switch self {
    case .float32(let values): .float32(Formats.rowMajor(values, shape))
    case .float64(let values): .float64(Formats.rowMajor(values, shape))
    case .int64(let values): .int64(Formats.rowMajor(values, shape))
    }
  }
}

private func rowMajor<Element: BitwiseCopyable>(_ values: [Element], _ shape: [Int]) -> [Element] {
  if values.isEmpty { return values }
  // Only the matrix case is common enough to be worth a fast path.
  return shape.count == 2
    ? transposed(values, rows: shape[0], columns: shape[1]) : reversedAxes(values, shape)
}

/// `values` is (columns, rows) row-major; the result is (rows, columns) row-major.
private func transposed<Element: BitwiseCopyable>(
  _ values: [Element], rows: Int, columns: Int
) -> [Element] {
  let tile = 32
  return [Element](unsafeUninitializedCapacity: values.count) { output, count in
    values.withUnsafeBufferPointer { input in
      for firstRow in stride(from: 0, to: rows, by: tile) {
        for firstColumn in stride(from: 0, to: columns, by: tile) {
          for row in firstRow..<min(firstRow + tile, rows) {
            for column in firstColumn..<min(firstColumn + tile, columns) {
              output.initializeElement(
                at: row * columns + column, to: input[column * rows + row])
            }
          }
        }
      }
    }
    count = values.count
  }
}

/// The general case: walks the output in order with one counter an axis.
private func reversedAxes<Element>(_ values: [Element], _ shape: [Int]) -> [Element] {
  var strides = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
  var index = [Int](repeating: 0, count: shape.count)
  var offset = 0
  var result: [Element] = []
  result.reserveCapacity(values.count)
  while result.count < values.count {
    result.append(values[offset])
    var axis = shape.count - 1
    while axis >= 0 {
      index[axis] += 1
      offset += strides[axis]
      if index[axis] < shape[axis] { break }
      offset -= strides[axis] * shape[axis]
      index[axis] = 0
      axis -= 1
    }
  }
  return result
}
