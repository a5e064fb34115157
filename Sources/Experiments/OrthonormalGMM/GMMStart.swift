import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// Balanced initial weights, |v_j| = ||w_j||: the start that theory of small initialisation assumes.
struct GMMStart {
  let width: Int
  let exponent: Double
  /// The standard deviation of an entry of a hidden weight vector.
  let scale: Double
  /// The length of the move towards a centre, relative to scale sqrt(D); 0 for none.
  let nudge: Double

  /// The network, from the children "hidden" and "signs" of `stream`.
  ///
  /// Output weights have random signs. With a nudge, neuron j moves towards a centre of the class that
  /// its sign speaks for, the centres of a class in turn.
  func network(_ data: Dataset, stream: RandomStream) throws(ExperimentError)
    -> PReLUNetwork<Float>
  {
    let dimension = data.dimension
    var hidden = Matrix<Double>.gaussian(
      rows: width, columns: dimension, standardDeviation: scale, stream: stream.child("hidden"))
    var generator = stream.child("signs")
    let signs = (0..<width).map { _ in Bool.random(using: &generator) ? 1.0 : -1.0 }
    if nudge > 0, let centers = data.groupCenters, let labels = data.groupLabels {
      var turn = [0, 0]
      for j in 0..<width {
        let label = signs[j] > 0 ? 1 : 0
        let own = labels.indices.filter { labels[$0] == label }
        let center = centers.row(own[turn[label] % own.count])
        turn[label] += 1
        let length = nudge * scale * Double(dimension).squareRoot()
        for i in 0..<dimension { hidden[j, i] += length * Double(center[i]) }
      }
    }
    let outputs = zip(signs, hidden.rowNorms()).map { Float($0 * $1) }
    do {
      return try PReLUNetwork(
        exponent: exponent, hiddenWeights: hidden.converted(),
        outputWeights: Matrix(rows: 1, columns: width, elements: outputs))
    } catch { throw ExperimentError(error) }
  }
}
