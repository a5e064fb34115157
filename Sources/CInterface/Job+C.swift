import CPolyReLU
import Runs

/// `polyrelu_job_wait`, as `polyrelu.h` describes it.
@c(polyrelu_job_wait)
public func jobWait(
  _ job: OpaquePointer?, _ seconds: Double, _ request: UnsafeMutablePointer<polyrelu_request>?
) -> Int32 {
  Status.of(nil) { () throws(ExperimentError) in
    let job = try Handle.object(job, Job.self, "job")
    guard let request else { throw .usage("request is NULL") }
    request.pointee = job.wait(seconds)
  }
}

/// `polyrelu_job_answer`, as `polyrelu.h` describes it.
@c(polyrelu_job_answer)
public func jobAnswer(_ job: OpaquePointer?, _ status: Int32) {
  do throws(ExperimentError) {
    try Handle.object(job, Job.self, "job").reply(isDone: status == 0)
  } catch {}
}

/// `polyrelu_job_cancel`, as `polyrelu.h` describes it.
@c(polyrelu_job_cancel)
public func jobCancel(_ job: OpaquePointer?) {
  do throws(ExperimentError) { try Handle.object(job, Job.self, "job").cancel() } catch {}
}

/// `polyrelu_job_free`, as `polyrelu.h` describes it.
@c(polyrelu_job_free)
public func jobFree(_ pointer: OpaquePointer?) {
  do throws(ExperimentError) {
    // A request that nobody will answer must not keep the worker.
    try Handle.object(pointer, Job.self, "job").reply(isDone: false)
  } catch {}
  Handle.free(pointer)
}

/// `polyrelu_job_result`, as `polyrelu.h` describes it.
@c(polyrelu_job_result)
public func jobResult(
  _ pointer: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  do throws(ExperimentError) {
    let job = try Handle.object(pointer, Job.self, "job")
    guard let outcome = job.result else { throw .usage("the job has not ended") }
    // Whatever work that was cut short returns is no result.
    if job.isCancelled {
      return Status.report("the job was cancelled", Status.cancelled, error)
    }
    return try give(outcome, to: result)
  } catch let problem {
    return Status.of(error) { () throws(ExperimentError) in throw problem }
  }
}

private func give(_ outcome: Job.Outcome, to result: HandleOutput?) throws(ExperimentError) -> Int32
{
  let document = try outcome.get()
  result?.pointee = Handle.make(document)
  return Status.ok
}

/// `polyrelu_job_run`, as `polyrelu.h` describes it.
@c(polyrelu_job_run)
public func jobRun(
  _ pointer: OpaquePointer?, _ callbacks: UnsafePointer<polyrelu_callbacks>?,
  _ result: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  do throws(ExperimentError) {
    let job = try Handle.object(pointer, Job.self, "job")
    let callbacks = callbacks?.pointee ?? polyrelu_callbacks()
    let pause = 0.1
    while true {
      let request = job.wait(pause)
      switch Int(clamping: request.kind) {
      case POLYRELU_DONE: return jobResult(pointer, result, error)
      case POLYRELU_NOTHING: break
      default: job.reply(isDone: answer(request, callbacks))
      }
      if let progress = callbacks.progress, progress(callbacks.context, request.fraction) != 0 {
        job.cancel()
      }
    }
  } catch let problem {
    return Status.of(error) { () throws(ExperimentError) in throw problem }
  }
}

/// Lets a callback do what is asked for.
private func answer(_ request: polyrelu_request, _ callbacks: polyrelu_callbacks) -> Bool {
  if Int(clamping: request.kind) == POLYRELU_BACKWARD {
    guard let vjp = callbacks.vjp else { return false }
    return vjp(
      callbacks.context, request.type, request.count, request.inputs, request.cotangent,
      request.output) == 0
  }
  guard let logits = callbacks.logits else { return false }
  return logits(
    callbacks.context, request.type, request.count, request.inputs, request.output) == 0
}
