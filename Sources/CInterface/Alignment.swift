import Alignment
import CPolyReLU
import Datasets
import LinearCore
import Runs
import Studies
import Theory

private struct AlignmentDocument: Encodable {
  let effectiveNeurons: Int
  let numericalRank: Int
  let totalContribution: Double
  let medianBestCosine: Double?
  let medianBestClassCosine: Double?
  let accuracy: Double?
  let directions: [String]
}

/// `polyrelu_alignment`, as `polyrelu.h` describes it.
@c(polyrelu_alignment)
public func alignment(
  _ model: OpaquePointer?, _ data: OpaquePointer?, _ job: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let model = try Handle.object(model, Model.self, "model")
    let (network, scale) = try model.shallow(for: "alignment")
    let samples =
      data == nil
      ? nil : try model.labelled(try Handle.object(data, DataHandle.self, "data"))
    let work = try Job { (_) throws(ExperimentError) in
      let inspection: NetworkInspection
      do {
        inspection = try NetworkInspection(
          network, data: samples?.inUserUnits(), contributionScale: scale)
      } catch { throw ExperimentError(error) }
      let aligned = samples.map {
        NeuronAlignment(
          network: network, directions: $0.referenceDirections(center: network.center))
      }
      let contributions = NeuronContributions(network)
      let document = ResultDocument(
        AlignmentDocument(
          effectiveNeurons: inspection.effectiveNeurons, numericalRank: inspection.numericalRank,
          totalContribution: inspection.totalContribution,
          medianBestCosine: inspection.medianBestCosine,
          medianBestClassCosine: inspection.medianBestClassCosine, accuracy: inspection.accuracy,
          directions: aligned?.directions.names ?? []))
      document.add("contributions", contributions.values.map { $0 * scale })
      document.add("neurons", aligned?.neurons ?? contributions.dominant())
      if let aligned { document.add("cosines", aligned.cosines) }
      return document
    }
    job?.pointee = Handle.make(work)
  }
}
