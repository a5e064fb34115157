/// The Python names that a state dict written by `torch.save` needs. There is no other way from a
/// pickle to an action: each case is an instruction of ``PickleReader``, no code of the file is run. What other
/// names make is passed over.
enum TorchGlobal: Equatable {
  case orderedDictionary
  /// `torch._utils._rebuild_tensor_v2`: a strided view of a storage.
  case rebuildTensor
  /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`: a tensor marked as trainable.
  case rebuildParameter
  /// `torch._tensor._rebuild_from_type_v2`: a tensor with attributes, from (function, class, arguments, state).
  case rebuildFromType
  /// `torch.FloatStorage` and its kin, by element type.
  case storage(ScalarType)

  /// The meaning of a name, nil for every name whose results are passed over.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
      self = .rebuildParameter
    case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildFromType
    case ("torch", _):
      guard let type = Self.storages[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  private static let storages: [String: ScalarType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
  ]
}

/// A run of numbers in a PyTorch archive: the entry `data/key`.
struct TorchStorage: Hashable {
  let type: ScalarType
  let key: String
  let count: Int
}

/// A tensor as a PyTorch file describes it: element (i, j, ...) is number
/// `offset + i * strides[0] + j * strides[1] + ...` of a storage.
struct TorchTensor: Equatable {
  let storage: TorchStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  /// PyTorch's own limit.
  static let maximumAxes = 64

  /// The number of elements.
  var count: Int { Tensor.count(of: shape) ?? 0 }

  /// Whether the elements are the whole storage in its order.
  var isWholeStorage: Bool {
    guard offset == 0, count == storage.count else { return false }
    var expected = 1
    for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
      if stride != expected { return false }
      expected *= extent
    }
    return true
  }

  /// What is wrong with the view, nil if all its elements lie inside its storage.
  var problem: String? {
    guard shape.count == strides.count, shape.count <= Self.maximumAxes else {
      return "has \(shape.count) axes and \(strides.count) strides"
    }
    guard let count = Tensor.count(of: shape), !count.multipliedReportingOverflow(by: 8).overflow
    else { return "has the impossible shape \(shapeText(shape))" }
    guard offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      return "has offset \(offset) and strides \(shapeText(strides)); expected numbers >= 0"
    }
    if count == 0 { return nil }
    var last = offset
    for (extent, stride) in zip(shape, strides) {
      let (step, stepOverflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, sumOverflow) = last.addingReportingOverflow(step)
      guard !stepOverflow, !sumOverflow else { return "has strides beyond 64 bits" }
      last = sum
    }
    guard last < storage.count else {
      return
        "reaches element \(last) of storage '\(storage.key.shortened)', which has \(storage.count)"
    }
    return nil
  }
}

extension Tensor.Elements {
  /// The elements of a view, row-major; the view was checked to lie inside these elements.
  func viewed(_ view: TorchTensor) -> Tensor.Elements {
    if view.isWholeStorage { return self }
    return switch self {
    case .float32(let values): .float32(gathered(values, view))
    case .float64(let values): .float64(gathered(values, view))
    case .int64(let values): .int64(gathered(values, view))
    }
  }
}

/// Walks the view in order with one counter an axis.
private func gathered<Element>(_ values: [Element], _ view: TorchTensor) -> [Element] {
  let count = view.count
  var index = [Int](repeating: 0, count: view.shape.count)
  var position = view.offset
  var result: [Element] = []
  result.reserveCapacity(count)
  while result.count < count {
    result.append(values[position])
    var axis = view.shape.count - 1
    while axis >= 0 {
      index[axis] += 1
      position += view.strides[axis]
      if index[axis] < view.shape[axis] { break }
      position -= view.strides[axis] * view.shape[axis]
      index[axis] = 0
      axis -= 1
    }
  }
  return result
}
