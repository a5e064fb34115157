import CPolyReLU
import LinearCore
import Runs
import Studies

/// `polyrelu_predict`, as `polyrelu.h` describes it.
@c(polyrelu_predict)
public func predict(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ job: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let model = try Handle.object(model, Model.self, "model")
    let samples = try model.unlabelled(try Handle.object(data, DataHandle.self, "data"))
    let work = try Job { (job) throws(ExperimentError) in
      let fitted = try model.fitted(
        to: samples, reference: nil, standardization: Standardization(mean: nil, deviation: nil),
        job: job)
      let predictions = Predictions(fitted, classes: [], hasLabels: false)
      let document = ResultDocument([String: String]())
      document.add("logits", predictions.logits)
      document.add("predictions", predictions.predicted)
      return document
    }
    job?.pointee = Handle.make(work)
  }
}
