import LinearCore

/// Newton's method for a fixed point of the direction flow, P grad G(u) = 0: H y = -P grad G, then u + y
/// back on the sphere. It goes to fixed points of every kind, whichever is near.
struct NewtonIteration {
  let flow: DirectionFlow
  let tolerance: Double
  private static let steps = 30

  init(_ flow: DirectionFlow, tolerance: Double) {
    self.flow = flow
    self.tolerance = tolerance
  }

  /// The last point, and how far it is from a fixed point: ||P grad G|| / ||grad G||, 1 where grad G is 0.
  func run(from start: [Double]) throws(FactorizationError) -> (
    direction: [Double], residual: Double
  ) {
    var state = evaluate(unit(start))
    for _ in 0..<Self.steps {
      // A little beyond what is asked for: convergence is quadratic.
      if state.residual <= 0.01 * tolerance || state.residual == 1 { break }
      let hessian = TangentHessian(flow, at: state.direction, value: state.value)
      var move = try hessian.solve(state.gradient.map { -$0 })
      let size = RowKernels.norm(move.count, move)
      guard size.isFinite else { break }
      // Beyond half a radius the model says nothing.
      if size > 0.5 { move = move.map { 0.5 * $0 / size } }
      var step = 1.0
      var next = state
      while step > 1e-4 {
        next = evaluate(unit(zip(state.direction, move).map { $0 + step * $1 }))
        if next.residual < state.residual { break }
        step /= 2
      }
      if next.residual >= state.residual { break }
      state = next
    }
    return (state.direction, state.residual)
  }

  private func evaluate(_ u: [Double]) -> (
    direction: [Double], value: Double, gradient: [Double], residual: Double
  ) {
    let (values, gradients) = flow.potential(at: Matrix([u]))
    let gradient = gradients.row(0)
    let slope = RowKernels.norm(gradient.count, gradient)
    let radial = flow.exponent * values[0]
    let size = (slope * slope + radial * radial).squareRoot()
    return (u, values[0], gradient, size > 0 ? slope / size : 1)
  }
}
