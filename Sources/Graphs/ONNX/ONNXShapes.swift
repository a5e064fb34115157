import Formats
import Networks

/// Operators that give a value another shape or order.
enum ONNXShapes {
  static let operators: [String: ONNXOperator.Meaning] = [
    "Reshape": { (node, graph) throws(NetworkError) in [try reshape(node, &graph)] },
    "Flatten": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let axis = try node.integer("axis", default: 1)
      let count = value.shape.count
      guard axis >= -count, axis <= count else { throw NetworkError("axis \(axis) of \(count)") }
      let place = axis < 0 ? axis + count : axis
      return [
        try graph.reshaped(
          value,
          [
            Shape.count(Array(value.shape[..<place])), Shape.count(Array(value.shape[place...])),
          ])
      ]
    },
    "Transpose": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let order = try node.integers("perm") ?? value.shape.indices.reversed()
      return [try graph.transposed(value, order)]
    },
    "Squeeze": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let shape = value.shape
      let axes =
        try node.list("axes", orInput: 1, since: 13)
        .map { (axes) throws(NetworkError) in try Shape.axes(axes, of: shape.count) }
        ?? shape.indices.filter { shape[$0] == 1 }
      guard axes.allSatisfy({ shape[$0] == 1 }) else {
        throw NetworkError("axes \(Shape.text(axes)) of shape \(Shape.text(shape)) are not all 1")
      }
      return [
        try graph.reshaped(value, shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
      ]
    },
    "Unsqueeze": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      guard let axes = try node.list("axes", orInput: 1, since: 13), axes.count <= Shape.maximumAxes
      else { throw NetworkError("its axes are missing") }
      let count = value.shape.count + axes.count
      let places = try Shape.axes(axes, of: count)
      var rest = value.shape[...]
      return [
        try graph.reshaped(
          value, (0..<count).map { places.contains($0) ? 1 : rest.removeFirst() })
      ]
    },
    "Concat": { (node, graph) throws(NetworkError) in
      guard node.node.attributes["axis"] != nil else {
        throw NetworkError("its attribute 'axis' is missing")
      }
      return [
        try graph.concatenated(node.allInputs(), axis: node.integer("axis", default: 0))
      ]
    },
    "Expand": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let wanted = try node.integers(input: 1, "shape") ?? []
      return [
        try graph.repeated(value, to: Shape.broadcast(value.shape, wanted))
      ]
    },
    "Tile": { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let repeats = try node.integers(input: 1, "repeats") ?? []
      guard repeats.count == value.shape.count, repeats.allSatisfy({ $0 >= 0 }) else {
        throw NetworkError("repeats \(Shape.text(repeats)) of shape \(Shape.text(value.shape))")
      }
      var shape: [Int] = []
      for (extent, repeats) in zip(value.shape, repeats) {
        shape.append(
          extent.multipliedReportingOverflow(by: repeats).overflow ? .max : extent * repeats)
      }
      return [
        try graph.rearranged(value, shape: shape) {
          Shape.grid(
            zip(value.shape, shape).map { extent, total in (0..<total).map { $0 % extent } },
            of: value.shape)
        }
      ]
    },
    "Identity": { (node, _) throws(NetworkError) in [try node.input(0)] },
    "Dropout": { (node, _) throws(NetworkError) in
      if node.optional(2) != nil, try node.constant(2, "training mode").doubles.first != 0 {
        throw NetworkError("it is in training mode; export the model after model.eval()")
      }
      return [try node.input(0)]
    },
    "Cast": { (node, _) throws(NetworkError) in
      guard let kind = kinds[try node.integer("to", default: 0)] else {
        throw NetworkError("a cast to element type \(try node.integer("to", default: 0))")
      }
      guard case .constant(let tensor) = try node.input(0) else {
        guard kind == .floating else {
          throw NetworkError("a cast of computed numbers to integers")
        }
        return [try node.input(0)]
      }
      return [
        .constant(
          try ConstantArithmetic.cast(
            tensor, toInteger: kind != .floating, isBoolean: kind == .boolean))
      ]
    },
    "CastLike": { (node, _) throws(NetworkError) in
      // What a value is like counts only for constants of integers.
      guard case .constant(let tensor) = try node.input(0) else { return [try node.input(0)] }
      var isInteger = false
      if let other = try node.input(1).tensor, case .int64 = other.elements { isInteger = true }
      return [
        .constant(
          try ConstantArithmetic.cast(tensor, toInteger: isInteger, isBoolean: false))
      ]
    },
  ]

  private enum Kind { case floating, integer, boolean }

  /// Element types of the standard by number, without text, complex and 8-bit floating-point numbers.
  private static let kinds: [Int: Kind] = [
    1: .floating, 10: .floating, 11: .floating, 16: .floating, 9: .boolean, 2: .integer,
    3: .integer, 4: .integer, 5: .integer, 6: .integer, 7: .integer, 12: .integer, 13: .integer,
  ]

  /// 0 takes the extent of the value, and -1 what is left.
  private static func reshape(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    guard var shape = try node.integers(input: 1, "shape") else {
      throw NetworkError("its input 1 is missing")
    }
    let asked = shape
    guard shape.count <= Shape.maximumAxes, shape.count(where: { $0 == -1 }) <= 1,
      shape.allSatisfy({ $0 >= -1 })
    else { throw NetworkError("the shape \(Shape.text(shape))") }
    if try node.integer("allowzero", default: 0) == 0 {
      for (axis, extent) in shape.enumerated() where extent == 0 {
        guard axis < value.shape.count else {
          throw NetworkError("the shape \(Shape.text(asked)) for \(Shape.text(value.shape))")
        }
        shape[axis] = value.shape[axis]
      }
    }
    let count = try Shape.count(value.shape)
    func isFilled(_ shape: [Int]) throws(NetworkError) -> [Int]? {
      let known = try Shape.count(shape.filter { $0 != -1 })
      guard let free = shape.firstIndex(of: -1) else { return known == count ? shape : nil }
      guard known > 0, count % known == 0 else { return nil }
      var result = shape
      result[free] = count / known
      return result
    }
    // A shape that speaks of the file's whole batch is meant for one sample.
    if let batch = graph.fixedBatch, shape.first == batch, value.shape.first == 1,
      let filled = try isFilled([1] + shape.dropFirst())
    {
      return try graph.reshaped(value, filled)
    }
    guard let filled = try isFilled(shape) else {
      throw NetworkError(
        "a value of shape \(Shape.text(value.shape)) cannot take the shape \(Shape.text(asked))")
    }
    return try graph.reshaped(value, filled)
  }
}
