import Formats
import Networks

/// Operators that take parts of a value, or surround it.
enum ONNXSelections {
  static let operators: [String: ONNXOperator.Meaning] = [
    "Slice": { (node, graph) throws(NetworkError) in [try slice(node, &graph)] },
    "Split": { (node, graph) throws(NetworkError) in try split(node, &graph) },
    "Pad": { (node, graph) throws(NetworkError) in [try pad(node, &graph)] },
    "Gather": { (node, graph) throws(NetworkError) in [try gather(node, &graph)] },
  ]

  private static func slice(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    let isInput = node.version >= 10
    func list(_ name: String, _ index: Int) throws(NetworkError) -> [Int]? {
      isInput ? try node.integers(input: index, name) : try node.integers(name)
    }
    guard let starts = try list("starts", 1), let ends = try list("ends", 2) else {
      throw NetworkError("its starts or ends are missing")
    }
    let axes = try list("axes", 3) ?? Array(starts.indices)
    let steps =
      try isInput
      ? list("steps", 4) ?? [Int](repeating: 1, count: starts.count)
      : [Int](repeating: 1, count: starts.count)
    guard axes.count == starts.count, ends.count == starts.count, steps.count == starts.count
    else { throw NetworkError("lists of different lengths for starts, ends, axes and steps") }
    _ = try Shape.axes(axes, of: value.shape.count)
    var indices = value.shape.map { Array(0..<$0) }
    for (place, axis) in axes.enumerated() {
      let axis = try Shape.axis(axis, of: value.shape.count)
      indices[axis] = try taken(
        starts[place], ends[place], steps[place], of: value.shape[axis])
    }
    return try selected(value, indices, &graph)
  }

  /// The indices of a slice, in Python's sense; ends beyond the axis are cut.
  private static func taken(_ start: Int, _ end: Int, _ step: Int, of extent: Int)
    throws(NetworkError) -> [Int]
  {
    guard step != 0, step != .min else { throw NetworkError("a step of \(step)") }
    func fromZero(_ index: Int) -> Int { index < 0 ? index + extent : index }
    if step > 0 {
      let (first, last) = (
        min(max(fromZero(start), 0), extent), min(max(fromZero(end), 0), extent)
      )
      return Array(stride(from: first, to: max(first, last), by: step))
    }
    let (first, last) = (
      min(max(fromZero(start), -1), extent - 1), min(max(fromZero(end), -1), extent - 1)
    )
    return Array(stride(from: first, to: min(first, last), by: step))
  }

  private static func selected(
    _ value: GraphBuilder.Value, _ indices: [[Int]], _ graph: inout GraphBuilder,
    filling: Double = 0
  ) throws(NetworkError) -> GraphBuilder.Value {
    let shape = indices.map(\.count)
    if indices.enumerated().allSatisfy({ $1.elementsEqual(0..<value.shape[$0]) }) { return value }
    return try graph.rearranged(value, shape: shape, filling: filling) {
      Shape.grid(indices, of: value.shape)
    }
  }

  private static func split(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> [GraphBuilder.Value]
  {
    let value = try node.input(0)
    let axis = try Shape.axis(node.integer("axis", default: 0), of: value.shape.count)
    let extent = value.shape[axis]
    let parts = node.node.outputs.count
    guard parts >= 1 else { throw NetworkError("it has no outputs") }
    // Without lengths equal parts, of which the last may be shorter.
    let length = (extent + parts - 1) / parts
    let lengths =
      try node.list("split", orInput: 1, since: 13)
      ?? (0..<parts).map { min(length, max(0, extent - $0 * length)) }
    guard lengths.count == parts, lengths.allSatisfy({ (0...extent).contains($0) }),
      lengths.reduce(0, +) == extent
    else {
      throw NetworkError("lengths \(Shape.text(lengths)) of \(parts) parts of \(extent)")
    }
    var results: [GraphBuilder.Value] = []
    var start = 0
    for length in lengths {
      var indices = value.shape.map { Array(0..<$0) }
      indices[axis] = Array(start..<start + length)
      results.append(try selected(value, indices, &graph))
      start += length
    }
    return results
  }

  private static func pad(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    guard let listed = try node.list("pads", orInput: 1, since: 11) else {
      throw NetworkError("its pads are missing")
    }
    var filling = 0.0
    if node.version < 11 {
      filling = try node.number("value", default: 0)
    } else if node.optional(2) != nil {
      filling = try node.constant(2, "filling").doubles.first ?? 0
    }
    let count = value.shape.count
    let axes =
      try node.integers(input: 3, "axes").map { (axes) throws(NetworkError) in
        var result: [Int] = []
        for axis in axes { result.append(try Shape.axis(axis, of: count)) }
        return result
      } ?? Array(0..<count)
    guard listed.count == 2 * axes.count, Set(axes).count == axes.count else {
      throw NetworkError("\(listed.count) pads for \(axes.count) axes")
    }
    let mode = try node.text("mode", default: "constant")
    var indices = value.shape.map { Array(0..<$0) }
    for (place, axis) in axes.enumerated() {
      indices[axis] = try padded(
        value.shape[axis], listed[place], listed[place + axes.count], mode)
    }
    return try selected(value, indices, &graph, filling: filling)
  }

  /// The indices of an axis with borders, -1 for the filling; negative borders cut.
  private static func padded(_ extent: Int, _ before: Int, _ after: Int, _ mode: String)
    throws(NetworkError) -> [Int]
  {
    let limit = -Shape.largestCount...Shape.largestCount
    guard limit.contains(before), limit.contains(after), extent + before + after >= 0 else {
      throw NetworkError("borders of \(before) and \(after) for an extent of \(extent)")
    }
    _ = try Shape.count([extent + before + after])
    let range = -before..<max(-before, extent + after)
    let period = max(1, 2 * (extent - 1))
    switch mode {
    case "constant": return range.map { (0..<extent).contains($0) ? $0 : -1 }
    case "edge" where extent > 0: return range.map { min(max($0, 0), extent - 1) }
    case "wrap" where extent > 0: return range.map { (($0 % extent) + extent) % extent }
    case "reflect" where extent > 0:
      return range.map { index in
        let place = ((index % period) + period) % period
        return min(place, period - place) % max(1, extent)
      }
    default: throw NetworkError("mode '\(mode.shortened)' for an extent of \(extent)")
    }
  }

  private static func gather(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    let axis = try Shape.axis(node.integer("axis", default: 0), of: value.shape.count)
    let chosen = try node.constant(1, "indices")
    guard case .int64(let listed) = chosen.elements else {
      throw NetworkError("its indices are no integers")
    }
    let extent = value.shape[axis]
    var indices = value.shape.map { Array(0..<$0) }
    indices[axis] = []
    for index in listed {
      guard index >= -Int64(extent), index < Int64(extent) else {
        throw NetworkError("the index \(index) of an axis of \(extent)")
      }
      indices[axis].append(
        index < 0 ? Int(truncatingIfNeeded: index) + extent : Int(truncatingIfNeeded: index))
    }
    let shape = value.shape[..<axis] + chosen.shape + value.shape[(axis + 1)...]
    return try graph.reshaped(selected(value, indices, &graph), Array(shape))
  }
}
