/// The few things a pickle may ask for beyond plain values, each spelled out here.
extension PickleReader {
  /// `('storage', torch.FloatStorage, key, device, count)` becomes a storage; the device is ignored.
  mutating func openStorage() throws(FormatError) {
    guard case .tuple(let place) = try pop(), containers[place].count == 5,
      containers[place][0] == .text("storage"), case .text(let key) = containers[place][2],
      case .integer(let count) = containers[place][4], count >= 0
    else { throw malformed("a description of a storage that PyTorch does not write") }
    switch containers[place][1] {
    case .global(.storage(let type)) where type.byteCount(count) != nil:
      storages.append(TorchStorage(type: type, key: key, count: count))
      try push(.storage(storages.count - 1))
    case .foreign(let name): try push(.foreign(name))
    default: throw malformed("a description of a storage that PyTorch does not write")
    }
  }

  /// A call, of one of the known names or of something that is not read.
  mutating func call() throws(FormatError) {
    let values = try pop(count: 2)
    guard case .tuple(let place) = values[1] else { throw malformed("a call without arguments") }
    switch values[0] {
    case .global(let global): try push(try result(of: global, containers[place]))
    case .foreign(let name): try push(.foreign(name))
    default: throw malformed("a call of something that is not a name")
    }
  }

  /// An object of a class, from the class and its arguments; never of a class whose code would have to run.
  mutating func make(of values: [Value]) throws(FormatError) {
    guard case .tuple(let place) = values[1] else { throw malformed("an object without arguments") }
    switch values[0] {
    case .global(.orderedDictionary) where containers[place].isEmpty:
      try push(try result(of: .orderedDictionary, []))
    case .foreign(let name): try push(.foreign(name))
    default: throw malformed("an object of something that is not a class")
    }
  }

  private mutating func result(
    of global: TorchGlobal, _ arguments: [Value]
  ) throws(FormatError) -> Value {
    switch global {
    case .orderedDictionary where arguments.isEmpty:
      containers.append([])
      return .dictionary(containers.count - 1)
    case .rebuildTensor where (6...7).contains(arguments.count): return try tensor(arguments)
    case .rebuildParameter where (3...4).contains(arguments.count):
      switch arguments[0] {
      case .tensor, .foreign: return arguments[0]
      default: throw malformed("a parameter without a tensor")
      }
    case .rebuildFromType where arguments.count == 4:
      guard case .tuple(let place) = arguments[2] else {
        throw malformed("a call without arguments")
      }
      switch arguments[0] {
      case .global(let inner) where inner != .rebuildFromType:
        return try result(of: inner, containers[place])
      case .foreign: return arguments[0]
      default: throw malformed("a call of something that is not a name")
      }
    default: throw malformed("a call with arguments that PyTorch does not write")
    }
  }

  /// Attributes of an object, which hold no tensors that are read: of a state dict they say its version.
  mutating func build() throws(FormatError) {
    let state = try pop()
    let target = try pop()
    switch (target, state) {
    case (.foreign, _), (.tensor, _): break
    case (.dictionary, .dictionary(let place)):
      for index in stride(from: 0, to: containers[place].count, by: 2) {
        guard case .text(let name) = containers[place][index], !name.hasPrefix("__") else {
          throw malformed("it sets the state of something that is not a state dict")
        }
      }
    default: throw malformed("it sets the state of something that is not a state dict")
    }
    try push(target)
  }

  /// (storage, offset, shape, strides, requires_grad, backward_hooks[, metadata]).
  private mutating func tensor(_ arguments: [Value]) throws(FormatError) -> Value {
    if case .foreign = arguments[0] { return arguments[0] }
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
}
