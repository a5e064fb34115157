import Formats
import LinearCore
import Networks

/// Puts the steps of a graph together; what is constant is computed at once.
///
/// Every value has the shape that it has for one sample: the batch axis of a file has the extent 1. What
/// comes from a file is checked here, so that the steps themselves need not.
struct GraphBuilder {
  /// A value of the graph.
  enum Value {
    case constant(Tensor)
    case computed(slot: Int, shape: [Int])

    var shape: [Int] {
      switch self {
      case .constant(let tensor): tensor.shape
      case .computed(_, let shape): shape
      }
    }

    /// The constant, nil for what depends on the input.
    var tensor: Tensor? {
      if case .constant(let tensor) = self { tensor } else { nil }
    }
  }

  /// Bytes that tables of places and computed constants may take together.
  private static let largestTables = 1 << 28
  /// Numbers of one sample that may be in memory together: 256 MiB in single precision.
  private static let largestSample = 1 << 26
  /// Multiplications for one sample; a residual network of 50 layers on large photographs takes 2^32.
  private static let largestWork = 1 << 36

  private var steps: [GraphPlan.Step] = []
  private var sizes: [Int]
  private var tableBytes = 0
  private var total = 0
  private var work = 0
  /// What was understood and left out, a line each.
  var notes: [String] = []
  /// The fixed batch of the file where it is not 1: shapes in the file may speak of it.
  var fixedBatch: Int?

  let inputShape: [Int]
  let input: Value

  /// A graph without steps.
  /// - Throws: `NetworkError` for an input without numbers, or too many.
  init(inputShape: [Int]) throws(NetworkError) {
    let count = try Shape.count(inputShape)
    guard count > 0 else {
      throw NetworkError("an input of shape \(Shape.text(inputShape)), which has no numbers")
    }
    self.inputShape = inputShape
    sizes = [count]
    input = .computed(slot: 0, shape: inputShape)
  }

  /// The finished graph, without operations behind the logits.
  func plan(output: Value) throws(NetworkError) -> GraphPlan {
    guard case .computed(let slot, let shape) = output else {
      throw NetworkError("the outputs do not depend on the input")
    }
    guard shape.count(where: { $0 != 1 }) <= 1 else {
      throw NetworkError(
        "outputs of shape \(Shape.text(shape)) for one sample; expected one axis of classes")
    }
    var (notes, slot2) = (notes, slot)
    OutputTrimming.trim(steps, sizes, &slot2, &notes)
    var plan = GraphPlan(
      inputShape: inputShape, steps: steps, sizes: sizes, output: slot2, notes: notes)
    plan.leavesOutLastStep = slot2 != slot
    return plan
  }

  /// Appends a step, or computes its value where all inputs are constants.
  ///
  /// - Parameter shape: of the result; it was counted.
  mutating func append(
    _ operation: some GraphOperation, _ inputs: [Value], constants: [Tensor] = [], shape: [Int]
  ) throws(NetworkError) -> Value {
    let count = try Shape.count(shape)
    try take(work: operation.work)
    let tensors = inputs.compactMap(\.tensor)
    if tensors.count == inputs.count {
      return try folded(operation, tensors, constants, shape)
    }
    guard count > 0 else {
      throw NetworkError("a value of shape \(Shape.text(shape)), which has no numbers")
    }
    // A constant among values that are computed is written out by the caller.
    let slots = inputs.compactMap { if case .computed(let slot, _) = $0 { slot } else { nil } }
    precondition(slots.count == inputs.count, "constants and computed values together")
    let (sum, overflow) = (3 * count).addingReportingOverflow(operation.scratch)
    total += overflow ? Self.largestSample + 1 : min(sum, Self.largestSample + 1)
    guard total <= Self.largestSample else {
      throw NetworkError(
        "a sample becomes more than \(Self.largestSample) numbers on its way through the network")
    }
    let output = sizes.count
    sizes.append(count)
    steps.append(
      GraphPlan.Step(operation: operation, inputs: slots, output: output, constants: constants))
    return .computed(slot: output, shape: shape)
  }

  private mutating func take(work: Int) throws(NetworkError) {
    let (sum, overflow) = self.work.addingReportingOverflow(work)
    guard !overflow, sum <= Self.largestWork else {
      throw NetworkError("more than \(Self.largestWork) multiplications for a sample")
    }
    self.work = sum
  }

  /// Takes memory for tables that the graph keeps.
  mutating func take(bytes: Int) throws(NetworkError) {
    tableBytes += min(bytes, Self.largestTables + 1)
    guard tableBytes <= Self.largestTables else {
      throw NetworkError(
        "constants and tables of more than \(Self.largestTables) bytes have to be computed; a network "
          + "needs far fewer")
    }
  }

  private mutating func folded(
    _ operation: some GraphOperation, _ tensors: [Tensor], _ constants: [Tensor], _ shape: [Int]
  ) throws(NetworkError) -> Value {
    func matrix(_ tensor: Tensor) -> Matrix<Double> {
      Matrix(rows: 1, columns: tensor.count, elements: tensor.doubles)
    }
    let count = try Shape.count(shape)
    try take(bytes: 8 * count)
    guard count > 0 else { return .constant(Tensor(shape: shape, elements: .float64([]))) }
    var inputs = tensors.map(matrix)
    let pass = operation.forward(
      &inputs, constants: constants.map(matrix), keepsWayBack: false)
    return .constant(Tensor(shape: shape, elements: .float64(pass.outputs.elements)))
  }

  /// The same numbers in another shape of as many.
  func reshaped(_ value: Value, _ shape: [Int]) throws(NetworkError) -> Value {
    guard try Shape.count(shape) == Shape.count(value.shape) else {
      throw NetworkError(
        "a value of shape \(Shape.text(value.shape)) cannot take the shape \(Shape.text(shape))")
    }
    switch value {
    case .constant(let tensor):
      return .constant(Tensor(shape: shape, elements: tensor.elements))
    case .computed(let slot, _): return .computed(slot: slot, shape: shape)
    }
  }

  /// The numbers at places of a value, see ``Rearrangement``; integers stay integers.
  ///
  /// - Parameter places: called when it is known that they have room, for as many as `shape` has.
  mutating func rearranged(
    _ value: Value, shape: [Int], filling: Double = 0, _ places: () -> [Int32]
  ) throws(NetworkError) -> Value {
    let count = try Shape.count(shape)
    switch value {
    case .constant(let tensor):
      try take(bytes: 12 * count)
      return .constant(tensor.rearranged(places(), shape: shape, filling: filling))
    case .computed(_, let old):
      try take(bytes: 4 * count)
      return try append(
        Rearrangement(places: places(), inputCount: Shape.count(old), filling: filling), [value],
        shape: shape)
    }
  }

  /// A value of its own slot for a constant that meets computed values: 0 x + c.
  mutating func materialized(_ value: Value) throws(NetworkError) -> Value {
    guard case .constant(let tensor) = value else { return value }
    let count = try Shape.count(tensor.shape)
    try take(bytes: 12 * count)
    let zeros = try append(
      Rearrangement(places: [Int32](repeating: -1, count: count), inputCount: sizes[0]), [input],
      shape: tensor.shape)
    return try append(
      ElementwiseChain(.add, count: count), [zeros], constants: [tensor], shape: tensor.shape)
  }
}

extension Tensor {
  /// The numbers at places, in another shape; -1 stands for `filling`.
  fileprivate func rearranged(_ places: [Int32], shape: [Int], filling: Double) -> Tensor {
    func moved<Element>(_ values: [Element], _ filling: Element) -> [Element] {
      places.map { $0 < 0 ? filling : values[Int(truncatingIfNeeded: $0)] }
    }
    let elements: Elements =
      switch self.elements {
      case .float32(let values): .float32(moved(values, Float(filling)))
      case .float64(let values): .float64(moved(values, filling))
      case .int64(let values): .int64(moved(values, Int64(exactly: filling) ?? 0))
      }
    return Tensor(shape: shape, elements: elements)
  }
}
