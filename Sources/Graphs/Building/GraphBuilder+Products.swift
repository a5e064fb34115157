import Formats
import Networks

extension GraphBuilder {
  /// The product of matrices, or stacks of them, as numpy's `matmul`.
  mutating func product(_ left: Value, _ right: Value) throws(NetworkError) -> Value {
    guard !left.shape.isEmpty, !right.shape.isEmpty else {
      throw NetworkError("the product of a single number; expected vectors or matrices")
    }
    // Vectors become matrices, and lose the new axis again behind the product.
    let a = left.shape.count == 1 ? [1] + left.shape : left.shape
    let b = right.shape.count == 1 ? right.shape + [1] : right.shape
    let (rows, inner, columns) = (a[a.count - 2], a[a.count - 1], b[b.count - 1])
    guard inner == b[b.count - 2] else {
      throw NetworkError(
        "the product of shapes \(Shape.text(left.shape)) and \(Shape.text(right.shape)), which do not fit "
          + "each other")
    }
    guard inner > 0 else { throw NetworkError("a product over an axis of extent 0") }
    let stack = try Shape.broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
    var shape = stack
    if left.shape.count > 1 { shape.append(rows) }
    if right.shape.count > 1 { shape.append(columns) }
    let stackedLeft = try Shape.count(Array(a.dropLast(2)))
    let stackedRight = try Shape.count(Array(b.dropLast(2)))
    if let weights = right.tensor, left.tensor == nil, stackedRight == 1 {
      try Self.check(weights)
      return try append(
        DenseProduct(
          rows: stackedLeft * rows, inner: inner, columns: columns, isTransposed: false),
        [left], constants: [weights], shape: shape)
    }
    if let weights = left.tensor, right.tensor == nil, stackedLeft == 1, stackedRight == 1,
      columns == 1
    {
      try Self.check(weights)
      return try append(
        DenseProduct(rows: 1, inner: inner, columns: rows, isTransposed: true), [right],
        constants: [weights], shape: shape)
    }
    return try stackedProduct(
      left, right, (rows, inner, columns), stack: stack,
      (Array(a.dropLast(2)), Array(b.dropLast(2))), shape)
  }

  /// x W^T for a constant W of shape (columns, inner) and a value whose last axis is `inner`.
  mutating func dense(_ value: Value, weights: Tensor) throws(NetworkError) -> Value {
    guard weights.shape.count == 2, let inner = value.shape.last, weights.shape[1] == inner,
      inner > 0
    else {
      throw NetworkError(
        "weights of shape \(Shape.text(weights.shape)) for a value of shape \(Shape.text(value.shape))"
      )
    }
    try Self.check(weights)
    let columns = weights.shape[0]
    return try append(
      DenseProduct(
        rows: Shape.count(Array(value.shape.dropLast())), inner: inner, columns: columns,
        isTransposed: true),
      [value], constants: [weights], shape: value.shape.dropLast() + [columns])
  }

  private mutating func stackedProduct(
    _ left: Value, _ right: Value, _ extents: (rows: Int, inner: Int, columns: Int), stack: [Int],
    _ stacks: (left: [Int], right: [Int]), _ shape: [Int]
  ) throws(NetworkError) -> Value {
    let count = try Shape.count(stack)
    try take(bytes: 24 * count)
    func starts(_ own: [Int], _ size: Int) -> [Int] {
      (Shape.repetition(of: own, to: stack) ?? (0..<Int32(count)).map { $0 })
        .map { Int(truncatingIfNeeded: $0) * size }
    }
    let (rows, inner, columns) = extents
    let places = zip(starts(stacks.left, rows * inner), starts(stacks.right, inner * columns))
      .map { (left: $0, right: $1) }
    func operation(_ constant: StackedProduct.Side?) throws(NetworkError) -> StackedProduct {
      StackedProduct(
        rows: rows, inner: inner, columns: columns, starts: places,
        sizes: (try Shape.count(left.shape), try Shape.count(right.shape)), constant: constant)
    }
    switch (left, right) {
    case (.constant(let tensor), .computed):
      try Self.check(tensor)
      return try append(operation(.left), [right], constants: [tensor], shape: shape)
    case (.computed, .constant(let tensor)):
      try Self.check(tensor)
      return try append(operation(.right), [left], constants: [tensor], shape: shape)
    default: return try append(operation(nil), [left, right], shape: shape)
    }
  }

  /// Refuses weights that are no numbers.
  static func check(_ weights: Tensor) throws(NetworkError) {
    let isFinite =
      switch weights.elements {
      case .float32(let values): values.allSatisfy(\.isFinite)
      case .float64(let values): values.allSatisfy(\.isFinite)
      case .int64: true
      }
    guard isFinite else { throw NetworkError("weights that hold NaN or infinity") }
  }
}
