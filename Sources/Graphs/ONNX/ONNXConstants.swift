import Formats
import Networks

/// Operators that make constants: what exporters write to take shapes apart and put them together.
enum ONNXConstants {
  static let operators: [String: ONNXOperator.Meaning] = [
    "Constant": { (node, _) throws(NetworkError) in [.constant(try constant(node))] },
    "Shape": { (node, _) throws(NetworkError) in
      let shape = try node.input(0).shape
      func end(_ name: String, _ fallback: Int) throws(NetworkError) -> Int {
        let index = try node.integer(name, default: fallback)
        guard index > -(1 << 32), index < 1 << 32 else { throw NetworkError("\(name) \(index)") }
        return min(max(index < 0 ? index + shape.count : index, 0), shape.count)
      }
      let (start, stop) = (try end("start", 0), try end("end", shape.count))
      return [.constant(list(start < stop ? Array(shape[start..<stop]) : []))]
    },
    "Size": { (node, _) throws(NetworkError) in
      let count = try Shape.count(node.input(0).shape)
      return [.constant(Tensor(shape: [], elements: .int64([Int64(count)])))]
    },
    "ConstantOfShape": { (node, graph) throws(NetworkError) in
      let shape = try node.integers(input: 0, "shape") ?? []
      let count = try Shape.count(shape)
      try graph.take(bytes: 8 * count)
      var value = Tensor(shape: [1], elements: .float32([0]))
      if case .tensor(let tensor) = node.node.attributes["value"] { value = tensor }
      guard value.count == 1 else {
        throw NetworkError("its value has shape \(Shape.text(value.shape)); expected one number")
      }
      if case .int64(let values) = value.elements {
        let elements = [Int64](repeating: values[0], count: count)
        return [.constant(Tensor(shape: shape, elements: .int64(elements)))]
      }
      let elements = [Double](repeating: value.doubles[0], count: count)
      return [.constant(Tensor(shape: shape, elements: .float64(elements)))]
    },
    "Range": { (node, graph) throws(NetworkError) in
      var ends: [Int] = []
      for (index, what) in ["start", "limit", "delta"].enumerated() {
        let tensor = try node.constant(index, what)
        guard case .int64(let values) = tensor.elements, values.count == 1,
          values[0].magnitude <= UInt64(Shape.largestCount)
        else { throw NetworkError("its \(what) is not an integer of ordinary size") }
        ends.append(Int(truncatingIfNeeded: values[0]))
      }
      guard ends[2] != 0 else { throw NetworkError("its delta is 0") }
      try graph.take(bytes: 8 * (ends[1] - ends[0]).magnitudeInInt)
      return [.constant(list(Array(stride(from: ends[0], to: ends[1], by: ends[2]))))]
    },
    "Not": { (node, graph) throws(NetworkError) in
      let tensor = try node.constant(0, "input")
      guard case .int64(let values) = tensor.elements else {
        throw NetworkError("its input is not a truth value")
      }
      return [
        .constant(
          Tensor(shape: tensor.shape, elements: .int64(values.map { $0 == 0 ? 1 : 0 })))
      ]
    },
    "Where": { (node, graph) throws(NetworkError) in [try choice(node, &graph)] },
  ]

  static func list(_ values: [Int]) -> Tensor {
    Tensor(shape: [values.count], elements: .int64(values.map { Int64($0) }))
  }

  private static func constant(_ node: ONNXOperator) throws(NetworkError) -> Tensor {
    let attributes = node.node.attributes
    if case .tensor(let tensor) = attributes["value"] { return tensor }
    if case .float(let value) = attributes["value_float"] {
      return Tensor(shape: [], elements: .float32([value]))
    }
    if case .floats(let values) = attributes["value_floats"] {
      return Tensor(shape: [values.count], elements: .float32(values))
    }
    if case .integer(let value) = attributes["value_int"] {
      return Tensor(shape: [], elements: .int64([Int64(value)]))
    }
    if case .integers(let values) = attributes["value_ints"] { return list(values) }
    throw NetworkError("it has no value that is a dense tensor of numbers")
  }

  /// Numbers of one constant where a condition holds, and of another elsewhere.
  private static func choice(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let condition = try node.constant(0, "condition")
    let (yes, no) = (try node.constant(1, "first choice"), try node.constant(2, "second choice"))
    let shape = try Shape.broadcast(
      Shape.broadcast(condition.shape, yes.shape), no.shape)
    let count = try Shape.count(shape)
    try graph.take(bytes: 24 * count)
    func chosen<Element>(_ a: [Element], _ b: [Element]) -> [Element] {
      let flags = condition.doubles
      let places = [condition, yes, no].map { Shape.repetition(of: $0.shape, to: shape) }
      func place(_ part: Int, _ index: Int) -> Int {
        places[part].map { Int(truncatingIfNeeded: $0[index]) } ?? index
      }
      return (0..<count).map {
        flags[place(0, $0)] != 0 ? a[place(1, $0)] : b[place(2, $0)]
      }
    }
    if case .int64(let a) = yes.elements, case .int64(let b) = no.elements {
      return .constant(Tensor(shape: shape, elements: .int64(chosen(a, b))))
    }
    return .constant(Tensor(shape: shape, elements: .float64(chosen(yes.doubles, no.doubles))))
  }
}

extension Int {
  /// Of a number whose magnitude is no larger than the largest `Int`.
  fileprivate var magnitudeInInt: Int { Int(truncatingIfNeeded: magnitude) }
}
