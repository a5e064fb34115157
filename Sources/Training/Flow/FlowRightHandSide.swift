import Integration
import LinearCore
import Networks

/// The right-hand side as the integrator sees it: in either precision, and with what an evaluation shows
/// besides the derivative.
final class FlowRightHandSide: DifferentialSystem {
  private let equations: any FlowSystem
  /// The same in `Double`, where the products are made in `Float`; built when first asked for.
  private lazy var exact = makeExact?()
  private let makeExact: (() -> FlowEquations<Double>)?
  private var scratch: [Double] = []

  init(
    _ state: FlowState, inputs: Matrix<Double>, labels: [Int], loss: Loss, usesFloat: Bool
  ) {
    let makeDouble = {
      FlowEquations<Double>(state, inputs: inputs, labels: labels, loss: loss)
    }
    makeExact = usesFloat ? makeDouble : nil
    equations =
      usesFloat
      ? FlowEquations<Float>(state, inputs: inputs, labels: labels, loss: loss) : makeDouble()
  }

  var dimension: Int { equations.dimension }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    equations.derivative(time: time, state: state, into: derivative)
  }

  /// What an evaluation at a point of the solution shows. The last evaluation of an accepted step is at
  /// its end, so nothing is computed twice there.
  func observe(time: Double, state: UnsafeBufferPointer<Double>) -> FlowObservation {
    if equations.observation.time != time {
      if scratch.isEmpty { scratch = [Double](repeating: 0, count: dimension) }
      scratch.withUnsafeMutableBufferPointer {
        equations.derivative(
          time: time, state: state.baseAddress!, into: $0.baseAddress!)
      }
    }
    return equations.observation
  }

  /// The largest length, over neurons, of the change of a direction's velocity when the products are made
  /// in `Double`.
  func roundingError(time: Double, state: UnsafeBufferPointer<Double>) -> Double {
    guard let exact else { return 0 }
    var rounded = [Double](repeating: 0, count: dimension)
    var correct = rounded
    equations.derivative(time: time, state: state.baseAddress!, into: &rounded)
    exact.derivative(time: time, state: state.baseAddress!, into: &correct)
    let layout = equations.layout
    return (0..<layout.hiddenWidth).map { j in
      let row = j * layout.neuronDimension..<(j + 1) * layout.neuronDimension
      return zip(rounded[row], correct[row]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        .squareRoot()
    }.max() ?? 0
  }
}
