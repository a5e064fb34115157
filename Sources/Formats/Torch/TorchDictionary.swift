/// A dictionary in a PyTorch file that holds tensors.
struct TorchDictionary {
  /// The keys that lead to it from the outermost dictionary.
  var keys: [String]
  var tensors: [String: TorchTensor] = [:]
  /// What made the values that are not read, by their key.
  var foreign: [String: String] = [:]
  /// The keys of both, each where it came first.
  var order: [String] = []

  /// Its place in the file, for an error.
  var shown: String {
    keys.isEmpty ? "the file itself" : "'\(keys.joined(separator: ".").shortened)'"
  }

  /// Where checkpoints keep the weights of the model, the likeliest first.
  private static let usualKeys = [
    "state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params",
  ]

  /// How far in front of others it stands where several would do; nil for a dictionary that says nothing about
  /// itself.
  fileprivate var rank: Int? {
    if let first = keys.last, let place = Self.usualKeys.firstIndex(of: first) {
      return keys.count * 100 + place
    }
    return keys.isEmpty ? 100 + Self.usualKeys.count : nil
  }
}

extension PickleReader {
  /// Dictionaries further inside others than this are not looked at.
  private static let maximumDepth = 4

  /// Reads the pickle and returns the tensors that are meant: of the file's dictionary, or of the one dictionary
  /// inside it that `isWanted` accepts by its names.
  mutating func readStateDictionary(
    isWanted: (Set<String>) -> Bool = { _ in true }
  ) throws(FormatError) -> TorchDictionary {
    let value = try read()
    guard case .dictionary(let place) = value else {
      if case .foreign(let name) = value {
        throw FormatError(
          path: path,
          "holds an object of '\(foreignNames[name])', of which nothing is read: expected a dictionary "
            + "of tensors, such as model.state_dict() gives")
      }
      throw FormatError(path: path, "does not hold a state dict: expected a dictionary of tensors")
    }
    let found = dictionaries(in: place)
    guard let first = found.first else {
      throw FormatError(
        path: path, "does not hold a state dict: expected a dictionary of tensors")
    }
    let wanted = found.filter { isWanted(Set($0.tensors.keys).union($0.foreign.keys)) }
    let ranked = (wanted.isEmpty ? found : wanted).filter { $0.rank != nil }
    if let best = ranked.min(by: { ($0.rank ?? 0) < ($1.rank ?? 0) }) { return best }
    if wanted.count > 1, !wanted[0].tensors.isEmpty {
      let level = wanted.filter { $0.keys.count == wanted[0].keys.count }
      guard level.count == 1 else {
        let names = level.prefix(8).map(\.shown).joined(separator: ", ")
        throw FormatError(
          path: path,
          "holds \(level.count) dictionaries of tensors: \(names)\(level.count > 8 ? ", …" : ""); save the "
            + "one that is meant by itself")
      }
    }
    return wanted.first ?? first
  }

  /// The dictionaries with tensors, from the outside to the inside and then in the order of the file.
  private func dictionaries(in place: Int) -> [TorchDictionary] {
    var result: [TorchDictionary] = []
    var level: [(place: Int, keys: [String])] = [(place, [])]
    var seen: Set<Int> = [place]
    for _ in 0..<Self.maximumDepth where !level.isEmpty {
      var next: [(place: Int, keys: [String])] = []
      for (place, keys) in level {
        let dictionary = tensors(in: place, keys)
        if !dictionary.tensors.isEmpty || !dictionary.foreign.isEmpty {
          result.append(dictionary)
        }
        for (key, value) in members(of: place) {
          guard case .dictionary(let inner) = value, seen.insert(inner).inserted else { continue }
          next.append((inner, keys + [key]))
        }
      }
      level = next
    }
    // A dictionary of nothing but foreign values matters only where there is no other.
    let readable = result.filter { !$0.tensors.isEmpty }
    return readable.isEmpty ? result : readable
  }

  /// The tensors of a dictionary; of a key that occurs twice the last one counts.
  private func tensors(in place: Int, _ keys: [String]) -> TorchDictionary {
    var result = TorchDictionary(keys: keys)
    var seen: Set<String> = []
    for (name, value) in members(of: place) {
      result.tensors[name] = nil
      result.foreign[name] = nil
      switch value {
      case .tensor(let tensor): result.tensors[name] = tensors[tensor]
      case .foreign(let maker): result.foreign[name] = foreignNames[maker]
      default: continue
      }
      if seen.insert(name).inserted { result.order.append(name) }
    }
    result.order.removeAll { result.tensors[$0] == nil && result.foreign[$0] == nil }
    return result
  }

  /// The members of a dictionary whose keys are text.
  private func members(of place: Int) -> [(key: String, value: Value)] {
    let members = containers[place]
    return stride(from: 0, to: members.count, by: 2).compactMap { index in
      guard case .text(let name) = members[index] else { return nil }
      return (name, members[index + 1])
    }
  }
}
