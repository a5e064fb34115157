import Formats
import Networks

/// The steps of a graph in the order in which they run, without numbers of a scalar type.
package struct GraphPlan: Sendable {
  /// One operation and where its values come from and go to.
  package struct Step: Sendable {
    package internal(set) var operation: any GraphOperation
    /// Slots, see ``GraphPlan/sizes``.
    package internal(set) var inputs: [Int]
    package internal(set) var output: Int
    package internal(set) var constants: [Tensor] = []
  }

  /// The shape of one sample: as in the file, with a batch of one where it has a batch axis.
  package let inputShape: [Int]
  /// The steps; each reads slots that are filled before it.
  package private(set) var steps: [Step]
  /// The numbers of a sample in every slot; slot 0 is the input.
  package private(set) var sizes: [Int]
  /// The slot of the outputs.
  package private(set) var output: Int
  /// What was understood and left out, a line each.
  package let notes: [String]
  /// Whether the outputs are logits before a final function of the file, see ``notes``.
  package internal(set) var leavesOutLastStep = false
  /// Free text by key that the file holds.
  package internal(set) var metadata: [String: String] = [:]
  /// Whether samples are handed in channels last, and turned by the first step.
  private var isTurned = false
  /// For each step the slots that nobody reads after it.
  private(set) var freed: [Set<Int>] = []

  init(
    inputShape: [Int], steps: [Step], sizes: [Int], output: Int, notes: [String]
  ) {
    self.inputShape = inputShape
    self.sizes = sizes
    self.output = output
    self.notes = notes
    self.steps = Self.reachable(steps, output)
    delayPermutations()
    dropCentering()
    joinElementwise()
    joinRearrangements()
    findLastUses()
  }

  /// The number of outputs.
  package var outputCount: Int { sizes[output] }

  /// Numbers of one sample that are in memory together, those of the way back included, at most.
  package var valuesOfSample: Int {
    steps.reduce(2 * sizes[0]) { $0 + 3 * sizes[$1.output] + $1.operation.scratch }
  }

  /// Multiplications and additions for one sample.
  package var work: Int { steps.reduce(0) { $0 + $1.operation.work } }

  /// The numbers that the file holds and the steps use.
  package var constantCount: Int {
    steps.reduce(0) { $0 + $1.constants.reduce(0) { $0 + $1.count } }
  }

  /// The steps whose values somebody reads.
  private static func reachable(_ steps: [Step], _ output: Int) -> [Step] {
    var wanted: Set<Int> = [output]
    var result: [Step] = []
    for step in steps.reversed() where wanted.contains(step.output) {
      wanted.formUnion(step.inputs)
      result.append(step)
    }
    return result.reversed()
  }

  /// How often every slot is read.
  private var uses: [Int: Int] {
    var uses = [output: 1]
    for step in steps { for slot in step.inputs { uses[slot, default: 0] += 1 } }
    return uses
  }

  private mutating func delayPermutations() {
    let delay = PermutationDelay(steps, sizes: sizes, output: output)
    (steps, sizes, output) = (
      Self.reachable(delay.steps, delay.output), delay.sizes, delay.output
    )
  }

  /// A normalisation takes the mean away itself.
  private mutating func dropCentering() {
    let makers = Dictionary(uniqueKeysWithValues: steps.map { ($0.output, $0) })
    for number in steps.indices {
      guard let own = steps[number].operation as? Normalization,
        let difference = makers[steps[number].inputs[0]],
        let binary = difference.operation as? BinaryOperation, binary.function == .subtract,
        let mean = makers[difference.inputs[1]],
        let reduction = mean.operation as? Reduction, reduction.function == .mean,
        mean.inputs == [difference.inputs[0]], reduction.count == own.count,
        reduction.length == own.length, binary.places[0] == nil,
        let places = binary.places[1],
        places.indices.allSatisfy({ Int(truncatingIfNeeded: places[$0]) == $0 / own.length })
      else { continue }
      steps[number].inputs = mean.inputs
    }
    steps = Self.reachable(steps, output)
  }

  /// Steps of one number at a time that follow each other become one step.
  private mutating func joinElementwise() {
    join { first, second in
      guard let a = first.operation as? ElementwiseChain,
        let b = second.operation as? ElementwiseChain
      else { return nil }
      return Step(
        operation: a.followed(by: b, operands: first.constants.count), inputs: first.inputs,
        output: second.output, constants: first.constants + second.constants)
    }
  }

  /// Steps that only move numbers become one step.
  private mutating func joinRearrangements() {
    join { first, second in
      guard let a = first.operation as? Rearrangement, let b = second.operation as? Rearrangement
      else { return nil }
      return a.followed(by: b).map {
        Step(operation: $0, inputs: first.inputs, output: second.output)
      }
    }
  }

  /// Replaces a step and the only one that reads it by what `combined` makes of them.
  private mutating func join(_ combined: (_ first: Step, _ second: Step) -> Step?) {
    let uses = uses
    var result: [Step] = []
    var makers: [Int: Int] = [:]
    for step in steps {
      if step.inputs.count == 1, uses[step.inputs[0]] == 1, let maker = makers[step.inputs[0]],
        let joined = combined(result[maker], step)
      {
        // The first step moves to where it was: its inputs are there, and nothing else reads it.
        result[maker] = joined
        makers[joined.output] = maker
      } else {
        makers[step.output] = result.count
        result.append(step)
      }
    }
    steps = result
  }

  private mutating func findLastUses() {
    var seen: Set<Int> = [output]
    var freed: [Set<Int>] = []
    for step in steps.reversed() {
      freed.append(Set(step.inputs).subtracting(seen))
      seen.formUnion(step.inputs)
    }
    self.freed = freed.reversed()
  }
}

extension GraphPlan {
  /// One line a step: what it does, and the shapes of a sample before and behind it.
  package var layers: [String] {
    steps.map { step in
      "\(step.operation.description): \(step.inputs.map { "\(sizes[$0])" }.joined(separator: " + ")) to "
        + "\(sizes[step.output]) numbers"
    }
  }

  /// 64 hexadecimal digits that change with any weight or step (SHA-256).
  package var checksum: String {
    var sum = ContentDigest()
    sum.update(inputShape + [output] + sizes)
    for step in steps {
      switch step.operation {
      case let moved as Rearrangement:
        sum.update("rearrange \(moved.filling)")
        sum.update(moved.places.map { Int(truncatingIfNeeded: $0) })
      case let binary as BinaryOperation:
        sum.update(binary.function.rawValue)
        for places in binary.places {
          sum.update((places ?? []).map { Int(truncatingIfNeeded: $0) })
        }
      case let operation: sum.update(String(reflecting: operation))
      }
      sum.update(step.inputs + [step.output])
      for tensor in step.constants {
        sum.update(tensor.shape)
        tensor.doubles.withUnsafeBytes { sum.update($0) }
      }
    }
    return sum.hexadecimal
  }
}

extension GraphPlan {
  /// The same network for samples that are stored channels last, where this one takes them channels first.
  ///
  /// - Parameter channels: a divisor of the numbers of a sample.
  package func readingChannelsLast(_ channels: Int) -> GraphPlan {
    let pixels = sizes[0] / channels
    let places = (0..<sizes[0]).map {
      Int32(truncatingIfNeeded: $0 % pixels * channels + $0 / pixels)
    }
    let turned = sizes.count
    var steps = steps.map { step in
      var step = step
      step.inputs = step.inputs.map { $0 == 0 ? turned : $0 }
      return step
    }
    steps.insert(
      Step(
        operation: Rearrangement(places: places, inputCount: sizes[0]), inputs: [0],
        output: turned), at: 0)
    var result = GraphPlan(
      inputShape: inputShape, steps: steps, sizes: sizes + [sizes[0]],
      output: output == 0 ? turned : output, notes: notes)
    result.metadata = metadata
    result.isTurned = true
    return result
  }

  /// The images that samples are, as they are handed in: of inputs with a batch and three axes more. The axes of
  /// operators are channels first; a file whose last axis has up to four values and whose first has more takes
  /// channels last and turns them itself.
  package var imageAxes: ImageAxes? {
    guard inputShape.count == 4 else { return nil }
    let shape = Array(inputShape.dropFirst())
    if shape[2] <= 4 && shape[0] > 4 {
      return ImageAxes(
        rows: shape[0], columns: shape[1], channels: shape[2], isChannelsLast: true)
    }
    return ImageAxes(
      rows: shape[1], columns: shape[2], channels: shape[0], isChannelsLast: isTurned)
  }
}
