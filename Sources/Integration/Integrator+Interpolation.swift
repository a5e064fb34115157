extension Integrator {
  /// The state at a time of the ``lastStep``, to the order of the method's interpolant.
  package func interpolate(at time: Double) -> [Double] {
    [Double](unsafeUninitializedCapacity: buffers.count) { output, count in
      interpolate(at: time, into: output.baseAddress!)
      count = buffers.count
    }
  }

  /// Writes the state at a time of the ``lastStep`` into `output`, to the order of the method's
  /// interpolant. At both ends of the step these are the states there, byte for byte.
  ///
  /// - Parameter output: room for every component of the state.
  package func interpolate(at time: Double, into output: UnsafeMutablePointer<Double>) {
    precondition(lastStep.contains(time), "only times of the last step can be interpolated")
    if time == self.time {
      output.update(from: buffers.state, count: buffers.count)
      return
    }
    let theta = (time - stagesStart) / stagesLength
    let weights = method.interpolant.coefficients.map { row in
      theta * row.reversed().reduce(0) { $0 * theta + $1 }
    }
    StageKernels.withWeighted(weights, step: stagesLength, stages: buffers.stages) { terms in
      StageKernels.add(terms, to: buffers.otherState, count: buffers.count, into: output)
    }
  }

  /// Calls `body` with the state at a time of the last step.
  func withInterpolated<Result>(
    at time: Double, _ body: (UnsafeBufferPointer<Double>) -> Result
  ) -> Result {
    if time == self.time { return withState(body) }
    interpolate(at: time, into: buffers.scratch)
    return body(UnsafeBufferPointer(start: buffers.scratch, count: buffers.count))
  }

  /// Ends the last step at an earlier time of it: the state becomes the interpolated one, and the
  /// derivative is evaluated there. What lies before can still be interpolated.
  func cutStep(at time: Double) {
    if time == self.time { return }
    interpolate(at: time, into: buffers.scratch)
    buffers.cutStep()
    evaluate(time, buffers.state, into: buffers.derivative)
    lastStep = lastStep.lowerBound...time
    self.time = time
  }
}
