/// The three things a pickle may ask for beyond plain values, each spelled out here.
extension PickleReader {
  /// `('storage', torch.FloatStorage, key, device, count)` becomes a storage; the device is ignored.
  mutating func openStorage() throws(FormatError) {
    guard case .tuple(let place) = try pop(), containers[place].count == 5,
      containers[place][0] == .text("storage"),
      case .global(.storage(let type)) = containers[place][1],
      case .text(let key) = containers[place][2], case .integer(let count) = containers[place][4],
      count >= 0, type.byteCount(count) != nil
    else { throw malformed("a description of a storage that PyTorch does not write") }
    storages.append(TorchStorage(type: type, key: key, count: count))
    try push(.storage(storages.count - 1))
  }

  /// A call of one of the known names.
  mutating func call() throws(FormatError) {
    let values = try pop(count: 2)
    guard case .tuple(let place) = values[1] else { throw malformed("a call without arguments") }
    let arguments = containers[place]
    guard case .global(let global) = values[0] else {
      throw malformed("a call of something that is not a name")
    }
    switch global {
    case .orderedDictionary where arguments.isEmpty:
      containers.append([])
      try push(.dictionary(containers.count - 1))
    case .rebuildTensor where (6...7).contains(arguments.count):
      try push(try tensor(arguments))
    case .rebuildParameter where arguments.count == 3:
      guard case .tensor = arguments[0] else { throw malformed("a parameter without a tensor") }
      try push(arguments[0])
    default: throw malformed("a call with arguments that PyTorch does not write")
    }
  }

  /// `OrderedDict.__setstate__`: the attribute `_metadata` of a state dict, which holds no tensors.
  mutating func build() throws(FormatError) {
    let state = try pop()
    let target = try pop()
    guard case .dictionary = target, case .dictionary(let place) = state,
      containers[place].count == 2, containers[place][0] == .text("_metadata")
    else { throw malformed("it sets the state of something that is not a state dict") }
    try push(target)
  }

  /// (storage, offset, shape, strides, requires_grad, backward_hooks[, metadata]).
  private mutating func tensor(_ arguments: [Value]) throws(FormatError) -> Value {
    guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
      let shape = integers(arguments[2]), let strides = integers(arguments[3])
    else { throw malformed("a description of a tensor that PyTorch does not write") }
    return append(
      tensor: TorchTensor(
        storage: storages[storage], offset: offset, shape: shape, strides: strides))
  }

  /// The numbers of a tuple, nil if it is something else.
  private func integers(_ value: Value) -> [Int]? {
    guard case .tuple(let place) = value, containers[place].count <= TorchTensor.maximumAxes
    else { return nil }
    var result: [Int] = []
    for element in containers[place] {
      guard case .integer(let integer) = element else { return nil }
      result.append(integer)
    }
    return result
  }

  /// Reads the pickle and returns the tensors of its state dict, or of one that a checkpoint holds as `state_dict` or
  /// `model_state_dict`. Other values are left out; of a key that occurs twice the last one counts.
  mutating func readStateDictionary() throws(FormatError) -> [String: TorchTensor] {
    guard case .dictionary(var place) = try read() else {
      throw FormatError(path: path, "does not hold a state dict: expected a dictionary of tensors")
    }
    for name in ["state_dict", "model_state_dict"] {
      if case .dictionary(let inner) = member(name, of: place) {
        place = inner
        break
      }
    }
    var result: [String: TorchTensor] = [:]
    for index in stride(from: 0, to: containers[place].count, by: 2) {
      guard case .text(let name) = containers[place][index] else { continue }
      if case .tensor(let tensor) = containers[place][index + 1] {
        result[name] = tensors[tensor]
      } else {
        result[name] = nil
      }
    }
    return result
  }

  private func member(_ name: String, of place: Int) -> Value? {
    let members = containers[place]
    let index = members.indices.last { $0.isMultiple(of: 2) && members[$0] == .text(name) }
    return index.map { members[$0 + 1] }
  }
}
