/// The memory of an integrator. It changes roles by swapping pointers, so that a step allocates nothing.
final class StepBuffers {
  let count: Int
  /// y at the current time.
  private(set) var state: UnsafeMutablePointer<Double>
  /// y at the start of the last step; while a step is tried, y at its end.
  private(set) var otherState: UnsafeMutablePointer<Double>
  /// The arguments of stages, and the results of interpolation.
  let scratch: UnsafeMutablePointer<Double>
  /// The stages of the last step and, where the last one is not, the derivative at its end.
  private(set) var stages: [UnsafeMutablePointer<Double>]
  /// The derivative at the current time: the last stage, or where the last step was cut short, `cut`.
  private(set) var derivative: UnsafeMutablePointer<Double>
  /// The sums of the error norm.
  let sums: UnsafeMutablePointer<Double>
  private var cut: UnsafeMutablePointer<Double>?
  private let owned: Memory

  /// Frees what was allocated, whatever its role has become.
  private final class Memory {
    var pointers: [UnsafeMutablePointer<Double>] = []

    func allocate(_ count: Int) -> UnsafeMutablePointer<Double> {
      let pointer = UnsafeMutablePointer<Double>.allocate(capacity: count)
      pointer.initialize(repeating: 0, count: count)
      pointers.append(pointer)
      return pointer
    }

    deinit {
      for pointer in pointers { pointer.deallocate() }
    }
  }

  init(state: [Double], stageCount: Int, sumCount: Int) {
    let memory = Memory()
    owned = memory
    count = state.count
    self.state = memory.allocate(count)
    self.state.update(from: state, count: count)
    otherState = memory.allocate(count)
    scratch = memory.allocate(count)
    stages = (0..<stageCount).map { _ in memory.allocate(state.count) }
    derivative = stages[stageCount - 1]
    sums = memory.allocate(max(sumCount, 1))
  }

  /// Makes the current derivative the first stage of the step to come.
  func beginStep() {
    if derivative == stages[0] { return }
    if derivative == stages[stages.count - 1] {
      stages.swapAt(0, stages.count - 1)
    } else {
      // The derivative of a step cut short lies apart, because interpolation still needs all stages.
      cut = stages[0]
      stages[0] = derivative
    }
    derivative = stages[0]
  }

  /// Makes the state at the end of the step the current one.
  func endStep() {
    swap(&state, &otherState)
    derivative = stages[stages.count - 1]
  }

  /// Takes the state in `scratch` for the current one, whose derivative is then to be written.
  func cutStep() {
    state.update(from: scratch, count: count)
    let derivative = cut ?? owned.allocate(count)
    cut = derivative
    self.derivative = derivative
  }
}
