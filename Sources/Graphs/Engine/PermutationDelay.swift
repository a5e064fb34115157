import Formats

/// Moves permutations of a sample's numbers towards the end of a graph, where most of them meet their inverse.
///
/// Files turn images from channels first to channels last and back around steps that treat all numbers alike. Such a
/// step is done on the numbers where they are, with its constants permuted; what it makes is permuted in the same way.
/// Numbers are moved only for a step that asks for its own order.
struct PermutationDelay {
  private(set) var steps: [GraphPlan.Step] = []
  private(set) var sizes: [Int]
  private(set) var output: Int

  /// A value that is the numbers of a slot in another order.
  private struct Delayed {
    let slot: Int
    let permutation: Permutation
  }

  private var delayed: [Int: Delayed] = [:]
  /// Slots that hold the numbers of delayed values in their own order.
  private var written: [Int: Int] = [:]

  init(_ steps: [GraphPlan.Step], sizes: [Int], output: Int) {
    (self.sizes, self.output) = (sizes, output)
    for step in steps { place(step) }
    self.output = inOrder(output)
  }

  private mutating func place(_ step: GraphPlan.Step) {
    var step = step
    let first = delayed[step.inputs[0]]
    switch step.operation {
    case let moved as Rearrangement:
      let joined = first.map { Permutation.rearrangement($0.permutation, moved) } ?? moved
      let source = first?.slot ?? step.inputs[0]
      if let permutation = Permutation(joined) {
        delayed[step.output] = Delayed(slot: source, permutation: permutation)
        return
      }
      (step.operation, step.inputs) = (joined, [source])
      steps.append(step)
    case is ElementwiseChain:
      guard let first else { break }
      step.inputs = [first.slot]
      step.constants = step.constants.map(first.permutation.undone)
      emit(step, first.permutation)
      return
    case let normalization as Normalization where normalization.count == 1:
      guard let first else { break }
      step.inputs = [first.slot]
      emit(step, first.permutation)
      return
    case let reduction as Reduction where reduction.count == 1 && reduction.ignoresOrder:
      step.inputs = [first?.slot ?? step.inputs[0]]
      steps.append(step)
      return
    case let binary as BinaryOperation:
      guard let permutation = shared(binary, step.inputs) else { break }
      step.inputs = step.inputs.map { delayed[$0]?.slot ?? $0 }
      emit(step, permutation)
      return
    default: break
    }
    guard !(step.operation is Rearrangement) else { return }
    step.inputs = step.inputs.map { inOrder($0) }
    steps.append(step)
  }

  /// Appends a step that works on numbers where they are; its value is theirs in the order of the permutation.
  private mutating func emit(_ step: GraphPlan.Step, _ permutation: Permutation) {
    var step = step
    let value = step.output
    step.output = newSlot(sizes[value])
    steps.append(step)
    delayed[value] = Delayed(slot: step.output, permutation: permutation)
  }

  /// The permutation that both values of an operation have, where one of them may be a single number.
  private func shared(_ binary: BinaryOperation, _ inputs: [Int]) -> Permutation? {
    var result: Permutation?
    for (input, places) in zip(inputs, binary.places) {
      if sizes[input] == 1 { continue }
      guard places == nil, let own = delayed[input]?.permutation else { return nil }
      if let result, result != own { return nil }
      result = own
    }
    return result
  }

  /// A slot that holds the numbers of a value in its own order.
  private mutating func inOrder(_ value: Int) -> Int {
    if let slot = written[value] { return slot }
    guard let own = delayed[value] else { return value }
    if own.permutation.isIdentity { return own.slot }
    let slot = newSlot(sizes[value])
    written[value] = slot
    steps.append(
      GraphPlan.Step(
        operation: Rearrangement(places: own.permutation.places, inputCount: sizes[value]),
        inputs: [own.slot], output: slot))
    return slot
  }

  private mutating func newSlot(_ size: Int) -> Int {
    sizes.append(size)
    return sizes.count - 1
  }
}

/// An order of all numbers of a value.
private struct Permutation: Equatable {
  /// For every number its place before.
  let places: [Int32]

  /// Nil where numbers are left out, repeated or filled in.
  init?(_ moved: Rearrangement) {
    guard moved.places.count == moved.inputCount else { return nil }
    var isSeen = [Bool](repeating: false, count: moved.inputCount)
    for place in moved.places {
      let place = Int(truncatingIfNeeded: place)
      guard place >= 0, !isSeen[place] else { return nil }
      isSeen[place] = true
    }
    places = moved.places
  }

  var isIdentity: Bool { places.enumerated().allSatisfy { $0 == Int(truncatingIfNeeded: $1) } }

  /// What a rearrangement of permuted numbers does to the numbers as they are.
  static func rearrangement(_ permutation: Permutation, _ moved: Rearrangement) -> Rearrangement {
    Rearrangement(
      places: moved.places.map {
        $0 < 0 ? -1 : permutation.places[Int(truncatingIfNeeded: $0)]
      }, inputCount: permutation.places.count, filling: moved.filling)
  }

  /// A constant for numbers as they are, from that for the permuted ones.
  func undone(_ constant: Tensor) -> Tensor {
    guard constant.count > 1 else { return constant }
    func moved<Element>(_ values: [Element]) -> [Element] {
      var result = values
      for (i, place) in places.enumerated() { result[Int(truncatingIfNeeded: place)] = values[i] }
      return result
    }
    let elements: Tensor.Elements =
      switch constant.elements {
      case .float32(let values): .float32(moved(values))
      case .float64(let values): .float64(moved(values))
      case .int64(let values): .int64(moved(values))
      }
    return Tensor(shape: constant.shape, elements: elements)
  }
}
