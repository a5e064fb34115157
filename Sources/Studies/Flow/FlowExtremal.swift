import Alignment
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Training

/// The extremal vectors of the direction flow of some data, and which neurons ended at them.
struct FlowExtremal {
  private let vectors: [(output: Int, vector: ExtremalVector)]
  private let directions: ReferenceDirections

  /// Finds them: for each output, since its weights decide the sign of the force on a neuron.
  init(_ flow: GradientFlow, data: Dataset, seed: UInt64) throws(FactorizationError) {
    let start = flow.initialState
    let network = start.network(logScale: -start.largestLogNorm)
    directions = data.referenceDirections(center: network.center?.map { Float($0) })
    let inputs: Matrix<Double> = data.inputs.converted()
    let stream = RandomStream(seed: seed).child("extremal-vectors")
    var found: [(Int, ExtremalVector)] = []
    for output in 0..<network.outputCount {
      let field = DirectionFlow(
        of: network, inputs: inputs, labels: data.labels, loss: flow.configuration.loss,
        output: output)
      let vectors = try ExtremalVectorSearch().run(
        field, directions: directions.vectors.converted(), stream: stream.child("output", output))
      found += vectors.map { (output, $0) }
    }
    vectors = found
  }

  /// A row a vector: its value, stability, closest class or subclass mean, and how many neurons of the
  /// state point at it with a cosine above 0.95.
  func table(_ state: FlowState) -> CSVTable {
    let rows = Matrix<Float>(vectors.map { $0.vector.direction.map { Float($0) } })
    let references = Matrix.product(rows, directions.vectors, transposeB: true)
    let neurons = Matrix.product(
      rows, state.directions.converted(to: Float.self), transposeB: true)
    let closest = vectors.indices.map { i in
      directions.names.indices.max { references[i, $0] < references[i, $1] }!
    }
    var table = CSVTable()
    table.append("output", vectors.map(\.output))
    table.append("value", vectors.map(\.vector.value))
    table.append("stability", vectors.map(\.vector.stability.rawValue))
    table.append("smallestEigenvalue", vectors.map(\.vector.smallestEigenvalue))
    table.append("largestEigenvalue", vectors.map(\.vector.largestEigenvalue))
    table.append("residual", vectors.map(\.vector.residual))
    table.append("closestDirection", closest.map { directions.names[$0] })
    table.append("cosine", vectors.indices.map { Double(references[$0, closest[$0]]) })
    table.append(
      "neurons",
      vectors.indices.map { i in (0..<neurons.columns).count { neurons[i, $0] > 0.95 } })
    return table
  }
}
