import Foundation

extension Integrator {
  /// Takes one step that does not go beyond `limit`: the first that the tolerances accept, shorter ones
  /// being tried until then.
  ///
  /// A step shortened by the limit leaves ``stepSize`` as it was.
  ///
  /// - Parameter limit: later than the current time. A step that would come closer to it than 1e-9 of its
  ///   length ends there.
  package func step(notBeyond limit: Double) -> StepResult {
    precondition(limit > time, "a step leads forward")
    lastStep = time...time
    buffers.beginStep()
    var wasRejected = false
    var failure = StepResult.stepUnderflow
    // The second bound is for times near zero, which are told apart however close they are.
    let shortest = max(16 * time.ulp, stepSize * 0x1p-100)
    while true {
      let isLimited = limit - time <= stepSize * (1 + 1e-9)
      if !isLimited && stepSize < shortest { return failure }
      let length = isLimited ? limit - time : stepSize
      let end = isLimited ? limit : time + stepSize
      computeStages(length: length, end: end)
      let error = errorOfStep(length: length)
      // A step that the limit makes a little longer than the smallest cannot be made shorter either.
      let isForced = error > 1 && length <= (control?.minimumStep ?? 0) * (1 + 2e-9)
      if error.isFinite && (error <= 1 || isForced) {
        accept(length: length, end: end)
        if isForced { statistics.forced += 1 }
        if !isLimited { adapt(error, afterRejection: wasRejected) }
        return .accepted
      }
      statistics.rejected += 1
      guard let control else { return .nonFinite }
      wasRejected = true
      failure = error.isFinite ? .stepUnderflow : .nonFinite
      stepSize =
        error.isFinite
        ? max(control.minimumStep, length * control.controller.factor(rejected: error))
        : length * StepController.factorAfterNonFinite
    }
  }

  /// The stages of a step from the current time, and its end in `otherState`.
  private func computeStages(length: Double, end: Double) {
    let last = method.stageCount - 1
    for stage in 1..<max(method.stageCount, 1) {
      // The argument of the last stage of such methods is the end of the step.
      let isEnd = method.isFirstSameAsLast && stage == last
      let argument = isEnd ? buffers.otherState : buffers.scratch
      add(method.a[stage], length: length, into: argument)
      evaluate(
        isEnd ? end : time + method.c[stage] * length, argument, into: buffers.stages[stage])
    }
    if !method.isFirstSameAsLast { add(method.b, length: length, into: buffers.otherState) }
  }

  private func add(
    _ weights: [Double], length: Double, into output: UnsafeMutablePointer<Double>
  ) {
    StageKernels.withWeighted(weights, step: length, stages: buffers.stages) { terms in
      StageKernels.add(terms, to: buffers.state, count: buffers.count, into: output)
    }
  }

  /// The error norm of the step just computed; with fixed steps 0, or infinite where the end is not finite.
  private func errorOfStep(length: Double) -> Double {
    guard let control, let embedded = method.embedded else {
      return StageKernels.areFinite(buffers.otherState, count: buffers.count) ? 0 : .infinity
    }
    return StageKernels.withWeighted(
      embedded.errorWeights, step: length, stages: buffers.stages
    ) { terms in
      control.norm.maximum(sums: buffers.sums) { start, count, absolute, relative in
        StageKernels.squaredErrors(
          terms, before: buffers.state, after: buffers.otherState, start: start, count: count,
          absolute: absolute, relative: relative)
      }
    }
  }

  private func accept(length: Double, end: Double) {
    stagesStart = time
    stagesLength = length
    buffers.endStep()
    if !method.isFirstSameAsLast { evaluate(end, buffers.state, into: buffers.derivative) }
    lastStep = time...end
    time = end
    statistics.accepted += 1
  }

  private func adapt(_ error: Double, afterRejection: Bool) {
    guard let controller = control?.controller else { return }
    stepSize *= controller.factor(accepted: error, afterRejection: afterRejection)
    stepSize = max(control?.minimumStep ?? 0, min(stepSize, control?.maximumStep ?? .infinity))
    control?.controller.previousError = min(1, max(error, StepController.smallestMemory))
  }

  /// The first step after Hairer, Norsett and Wanner, section II.4: 1% of the tolerance for the term of the
  /// order of the error estimate, its derivative guessed from a step of Euler's method.
  func automaticStep(_ norm: ErrorNorm) -> Double {
    let order = Double((method.embedded?.order ?? method.order) + 1)
    let size = self.norm(norm, [1], of: [buffers.state])
    let slope = self.norm(norm, [1], of: [buffers.derivative])
    let small = 1e-5
    let first = size < small || slope < small ? 1e-6 : 0.01 * size / slope
    guard first > 0, first.isFinite else { return 1e-6 }
    StageKernels.withWeighted([first], step: 1, stages: [buffers.derivative]) { terms in
      StageKernels.add(terms, to: buffers.state, count: buffers.count, into: buffers.scratch)
    }
    evaluate(time + first, buffers.scratch, into: buffers.otherState)
    let curvature = self.norm(
      norm, [1 / first, -1 / first], of: [buffers.otherState, buffers.derivative])
    guard curvature.isFinite else { return first }
    let largest = max(slope, curvature)
    let second = largest <= 1e-15 ? max(1e-6, first * 1e-3) : pow(0.01 / largest, 1 / order)
    return min(100 * first, second)
  }

  /// The error norm of a sum of vectors, at the tolerances of the current state.
  private func norm(
    _ norm: ErrorNorm, _ weights: [Double], of vectors: [UnsafeMutablePointer<Double>]
  ) -> Double {
    StageKernels.withWeighted(weights, step: 1, stages: vectors) { terms in
      norm.maximum(sums: buffers.sums) { start, count, absolute, relative in
        StageKernels.squaredErrors(
          terms, before: buffers.state, after: buffers.state, start: start, count: count,
          absolute: absolute, relative: relative)
      }
    }
  }
}
